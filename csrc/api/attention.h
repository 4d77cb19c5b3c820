// Contracts of attention. B batch, T queries, S keys, N heads, K heads of keys and values (N a multiple
// of K), D features of queries and keys, E features of values.
#pragma once
#include "api/types.h"

namespace gw {

// Element (b, t, n, d) lies at data + b * batch + t * time + n * head + d: a view of a projection of
// queries, keys and values in one piece needs no copy.
struct HeadsView {
    const float* data;
    i64 batch, time, head;
};

// Element (b, n, t, s) lies at data + b * batch + n * head + t * time + s * key; a step is zero where the
// array repeats, and key is 0 or 1. Null data: there is none.
template <class T> struct LogitsView {
    const T* data;
    i64 batch, head, time, key;
};

// y = softmax(cap(scale q·k) + bias - slope |p - s|)·v, where query t of row b stands at position
// p = offset[b] + t and reads the heads of keys and values of its group, n / (N / K). Masked keys have
// weight zero; a query of which all keys are masked gives zeros.
struct Attention {
    i64 batch, time, keys, heads, key_heads, features, value_features;
    HeadsView q, k, v;
    LogitsView<float> bias;
    LogitsView<bool> mask; // true: attend
    const float* slopes;   // [N] or null
    const i64* offset;     // [B]
    float scale;
    bool causal;    // keys after p are masked
    i64 window;     // keys more than so many steps before p (without causal: from p) are masked; < 0: no
    float soft_cap; // cap(x) = soft_cap tanh(x / soft_cap); 0: none
    // Dropout of weights, as in Dropout: weight (b, n, t, s) is word s % 4 of block
    // ((b N + n) T + t) ceil(S / 4) + s / 4, kept when word >= threshold. threshold 0: none.
    u64 seed;
    u32 threshold;
    float kept_scale;
    float* y;   // [B, T, N, E]
    float* lse; // [B, N, T]: log of the sum of e^logit, -inf where all keys are masked; or null
    bool bf16;  // operands of products may be rounded to bfloat16, where that is the quicker
};

struct AttentionGrad {
    HeadsView dy;
    float* dq;      // [B, T, N, D]
    float* dk;      // [B, S, K, D]
    float* dv;      // [B, S, K, E]
    float* dlogits; // [B, N, T, S], which must be zero; or null
};

// Turns the pairs (x[..., i], x[..., i + D/2]) by the angles of their step, or back. y may be x.
struct Rotary {
    i64 batch, time, heads, features;
    HeadsView x;
    const float *cosine, *sine; // [B or 1, T, D/2]
    bool per_row;               // the angles have a batch axis
    bool inverse;
    float* y; // [B, T, N, D]
};

} // namespace gw

// Softmax over rows of any length.
#pragma once
#include "kernels/elementwise.h"

namespace gw::GW_ISA {
namespace {

constexpr float kInfinity = __builtin_inff();

GW_INLINE vf load_or(const float* p, i64 lanes, float rest) {
    if (lanes == kLanes) return load(p);
    float padded[kLanes];
    for (int i = 0; i < kLanes; ++i) padded[i] = i < lanes ? p[i] : rest;
    return load(padded);
}

// The largest value, NaN if there is one.
inline float row_max(const float* x, i64 n) {
    vf top = splat(-kInfinity);
    bool nan = false;
    for (i64 i = 0; i < n; i += kLanes) {
        const vf v = load_or(x + i, min64(kLanes, n - i), -kInfinity);
        top = v > top ? v : top;
        const vi unordered = v != v;
        for (int l = 0; l < kLanes; ++l) nan |= unordered[l] != 0;
    }
    float largest = top[0];
    for (int l = 1; l < kLanes; ++l) largest = top[l] > largest ? top[l] : largest;
    return nan ? __builtin_nanf("") : largest;
}

// Sum of e^(x - shift); y, when given, receives the terms.
inline float row_exp_sum(const float* x, i64 n, float shift, float* y) {
    vf sum = splat(0.0f);
    for (i64 i = 0; i < n; i += kLanes) {
        const i64 lanes = min64(kLanes, n - i);
        const vf e = exp(load_or(x + i, lanes, -kInfinity) - shift);
        if (y != nullptr) store_some(y + i, e, lanes);
        sum += e;
    }
    return sum_lanes(sum);
}

// A row of nothing but -inf has no largest value to subtract: its softmax is 0 / 0.
inline float finite_shift(float top) { return top == -kInfinity ? 0.0f : top; }

constexpr i64 kRowBlock = 4;

template <class F> void for_rows(i64 rows, const F& f) {
    parallel_tasks((rows + kRowBlock - 1) / kRowBlock, [&](i64 block) {
        for (i64 i = block * kRowBlock; i < min64(rows, (block + 1) * kRowBlock); ++i) f(i);
    });
}

inline void softmax_forward(const float* x, float* y, i64 rows, i64 columns) {
    for_rows(rows, [&](i64 row) {
        const float* in = x + row * columns;
        float* out = y + row * columns;
        const float sum = row_exp_sum(in, columns, finite_shift(row_max(in, columns)), out);
        const float factor = 1.0f / sum;
        for_vectors(0, columns, [&](i64 i, i64 lanes) {
            store_some(out + i, load_some(out + i, lanes) * factor, lanes);
        });
    });
}

// dx = y ⊙ (dy - sum(y ⊙ dy))
inline void softmax_backward(const float* y, const float* dy, float* dx, i64 rows, i64 columns) {
    for_rows(rows, [&](i64 row) {
        const float *p = y + row * columns, *g = dy + row * columns;
        vf dot = splat(0.0f);
        for_vectors(0, columns, [&](i64 i, i64 lanes) {
            dot += load_some(p + i, lanes) * load_some(g + i, lanes);
        });
        const float total = sum_lanes(dot);
        for_vectors(0, columns, [&](i64 i, i64 lanes) {
            const vf d = load_some(p + i, lanes) * (load_some(g + i, lanes) - total);
            store_some(dx + row * columns + i, d, lanes);
        });
    });
}

} // namespace
} // namespace gw::GW_ISA

// Contracts of the fused losses. N samples, V classes. Labels were checked by the caller.
#pragma once
#include "api/types.h"

namespace gw {

// loss[i] = lse[i] - logits[i, labels[i]], lse[i] = log sum over v of exp(logits[i, v]).
struct SoftmaxCrossEntropy {
    const float* logits; // [N, V]
    const i64* labels;   // [N]
    float* loss;         // [N]
    float* lse;          // [N]
    i64 n, classes;
};

// dlogits[i, v] = dloss[i] * (exp(logits[i, v] - lse[i]) - [v == labels[i]]).
struct SoftmaxCrossEntropyGrad {
    const float* logits;
    const i64* labels;
    const float* lse;
    const float* dloss; // [N]
    float* dlogits;     // [N, V]
    i64 n, classes;
};

// loss[b] = -log of the probability that the frames of row b read as its labels, blanks and repeats
// dropped (Graves et al. 2006); dlogits, unless null, is its gradient. Every row can be read so: it has
// a frame for each label and one more between two that are equal.
struct Ctc {
    const float* logits;              // [B, T, V]
    const i64* labels;                // [B, L], none of them the blank
    const i64 *label_counts, *frames; // [B], at most L and T
    float* loss;                      // [B]
    float* dlogits;                   // [B, T, V], zero after the last frame
    i64 batch, time, classes, width, blank;
};

} // namespace gw

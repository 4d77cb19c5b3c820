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

} // namespace gw

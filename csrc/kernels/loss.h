// Fused losses: value and gradient from logits.
#pragma once
#include "api/loss.h"
#include "kernels/softmax.h"

namespace gw::GW_ISA {
namespace {

inline void softmax_cross_entropy_forward(const SoftmaxCrossEntropy& s) {
    for_rows(s.n, s.classes, [&](i64 row) {
        const float* x = s.logits + row * s.classes;
        const float shift = row_shift(x, s.classes);
        const float lse = __builtin_logf(row_exp_sum(x, s.classes, shift, nullptr)) + shift;
        s.lse[row] = lse;
        s.loss[row] = lse - x[s.labels[row]];
    });
}

inline void softmax_cross_entropy_backward(const SoftmaxCrossEntropyGrad& s) {
    for_rows(s.n, s.classes, [&](i64 row) {
        const float* x = s.logits + row * s.classes;
        float* dx = s.dlogits + row * s.classes;
        const float lse = s.lse[row], dloss = s.dloss[row];
        for_vectors(0, s.classes, [&](i64 i, i64 lanes) {
            store_some(dx + i, exp(load_some(x + i, lanes) - lse) * dloss, lanes);
        });
        dx[s.labels[row]] -= dloss;
    });
}

// softplus(x) - x*t, where large terms do not cancel: x*([x > 0] - t) + softplus(-|x|).
inline void binary_cross_entropy_forward(const float* logits, const float* targets, float* loss,
                                         i64 n) {
    for_blocks(n, [&](i64 begin, i64 count) {
        for_vectors(begin, count, [&](i64 i, i64 lanes) {
            const vf x = load_some(logits + i, lanes), t = load_some(targets + i, lanes);
            const vf positive = x > 0.0f ? splat(1.0f) : splat(0.0f);
            store_some(loss + i, x * (positive - t) + softplus(-abs(x)), lanes);
        });
    });
}

// dloss * (sigmoid(x) - t)
inline void binary_cross_entropy_backward(const float* logits, const float* targets,
                                          const float* dloss, float* dlogits, i64 n) {
    for_blocks(n, [&](i64 begin, i64 count) {
        for_vectors(begin, count, [&](i64 i, i64 lanes) {
            const vf error = sigmoid(load_some(logits + i, lanes)) - load_some(targets + i, lanes);
            store_some(dlogits + i, load_some(dloss + i, lanes) * error, lanes);
        });
    });
}

} // namespace
} // namespace gw::GW_ISA

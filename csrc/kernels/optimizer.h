// Optimizer updates: one pass over every weight of a model.
#pragma once
#include "api/optimizer.h"
#include "kernels/elementwise.h"
#include "runtime/memory.h"

namespace gw::GW_ISA {
namespace {

// f(array, position, lanes) over all arrays of a list, in parallel blocks that span arrays.
template <class F> void for_parameters(const ParameterList& list, const F& f) {
    constexpr i64 kBlock = 1 << 13;
    i64 blocks = 0;
    for (i64 a = 0; a < list.count; ++a) blocks += (list.sizes[a] + kBlock - 1) / kBlock;
    if (blocks == 0) return;
    const Buffer<i64> owner(2 * blocks);
    i64 block = 0;
    for (i64 a = 0; a < list.count; ++a)
        for (i64 begin = 0; begin < list.sizes[a]; begin += kBlock, ++block) {
            owner.get()[2 * block] = a;
            owner.get()[2 * block + 1] = begin;
        }
    parallel_tasks(blocks, [&](i64 task) {
        const i64 a = owner.get()[2 * task], begin = owner.get()[2 * task + 1];
        for_vectors(begin, min64(kBlock, list.sizes[a] - begin),
                    [&](i64 i, i64 lanes) { f(a, i, lanes); });
    });
}

GW_INLINE vf root(vf x) {
#if defined(__AVX512F__)
    return _mm512_maskz_sqrt_ps(static_cast<__mmask16>(-1), x);
#else
    return sqrt(x);
#endif
}

inline void sgd_update(const SgdUpdate& u) {
    for_parameters(u.params, [&](i64 a, i64 i, i64 lanes) {
        float* w = u.params.data[a] + i;
        const vf g = load_some(u.grads.data[a] + i, lanes) * u.scale;
        if (u.velocities.data == nullptr) {
            store_some(w, load_some(w, lanes) - g * u.lr, lanes);
            return;
        }
        float* velocity = u.velocities.data[a] + i;
        const vf v = load_some(velocity, lanes) * u.momentum - g * u.lr;
        store_some(velocity, v, lanes);
        const vf step = u.nesterov ? v * u.momentum - g * u.lr : v;
        store_some(w, load_some(w, lanes) + step, lanes);
    });
}

inline void rmsprop_update(const RmspropUpdate& u) {
    for_parameters(u.params, [&](i64 a, i64 i, i64 lanes) {
        float *w = u.params.data[a] + i, *velocity = u.v.data[a] + i;
        const vf g = load_some(u.grads.data[a] + i, lanes) * u.scale;
        const vf v = load_some(velocity, lanes) * u.rho + g * g * u.fresh;
        store_some(velocity, v, lanes);
        vf denominator = v + u.epsilon;
        if (u.averages.data != nullptr) {
            float* average = u.averages.data[a] + i;
            const vf mean = load_some(average, lanes) * u.rho + g * u.fresh;
            store_some(average, mean, lanes);
            denominator = v - mean * mean + u.epsilon;
        }
        vf step = g * u.lr / root(denominator);
        if (u.momentums.data != nullptr) {
            float* momentum = u.momentums.data[a] + i;
            step = load_some(momentum, lanes) * u.momentum + step;
            store_some(momentum, step, lanes);
        }
        store_some(w, load_some(w, lanes) - step, lanes);
    });
}

inline void adam_update(const AdamUpdate& u) {
    for_parameters(u.params, [&](i64 a, i64 i, i64 lanes) {
        float *w = u.params.data[a] + i, *first = u.m.data[a] + i, *second = u.v.data[a] + i;
        const vf g = load_some(u.grads.data[a] + i, lanes) * u.scale;
        vf weight = load_some(w, lanes);
        weight -= weight * u.decay;
        vf m = load_some(first, lanes), v = load_some(second, lanes);
        m += (g - m) * u.fresh_1;
        v += (g * g - v) * u.fresh_2;
        store_some(first, m, lanes);
        store_some(second, v, lanes);
        if (u.v_hat.data != nullptr) {
            float* top = u.v_hat.data[a] + i;
            const vf old = load_some(top, lanes);
            v = v > old ? v : old;
            store_some(top, v, lanes);
        }
        store_some(w, weight - m * u.alpha / (root(v) + u.epsilon), lanes);
    });
}

// In double, each array in blocks whose sums are added in order: the same for any thread count.
inline double sum_of_squares(const ParameterList& list) {
    constexpr i64 kBlock = 1 << 13;
    double total = 0.0;
    for (i64 a = 0; a < list.count; ++a) {
        const i64 blocks = (list.sizes[a] + kBlock - 1) / kBlock;
        const Buffer<double> sums(blocks);
        parallel_tasks(blocks, [&](i64 block) {
            const float* x = list.data[a] + block * kBlock;
            const i64 n = min64(kBlock, list.sizes[a] - block * kBlock);
            double lanes[8] = {};
            for (i64 i = 0; i < n; ++i) lanes[i % 8] += double(x[i]) * double(x[i]);
            sums.get()[block] = ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
                                ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
        });
        for (i64 block = 0; block < blocks; ++block) total += sums.get()[block];
    }
    return total;
}

} // namespace
} // namespace gw::GW_ISA

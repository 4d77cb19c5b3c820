// Optimizer updates: one pass over every weight of a model.
#pragma once
#include "api/optimizer.h"
#include "kernels/elementwise.h"
#include "runtime/memory.h"

namespace gw::GW_ISA {
namespace {

// All arrays of a list cut into blocks, so that one parallel region serves a whole model.
class Blocks {
  public:
    struct Block {
        i64 array, begin, count;
    };
    explicit Blocks(const ParameterList& list) : blocks_(count(list)) {
        for (i64 a = 0; a < list.count; ++a)
            for (i64 begin = 0; begin < list.sizes[a]; begin += kFloats) {
                const i64 floats = min64(kFloats, list.sizes[a] - begin);
                blocks_.get()[size_++] = {a, begin, floats};
                floats_ += floats;
            }
    }

    i64 size() const { return size_; }

    // f(index, block) for every block, in parallel: work of about a nanosecond for each float.
    template <class F> void for_each(const F& f) const {
        if (size_ == 0) return;
        parallel_tasks(size_, static_cast<double>(floats_) / static_cast<double>(size_),
                       [&](i64 i) { f(i, blocks_.get()[i]); });
    }

  private:
    static constexpr i64 kFloats = 1 << 13;
    static i64 count(const ParameterList& list) {
        i64 blocks = 0;
        for (i64 a = 0; a < list.count; ++a) blocks += (list.sizes[a] + kFloats - 1) / kFloats;
        return blocks;
    }
    Buffer<Block> blocks_;
    i64 size_ = 0, floats_ = 0;
};

// f(array, position, lanes) over every float of a list, a vector at a time.
template <class F> void for_parameters(const ParameterList& list, const F& f) {
    Blocks(list).for_each([&](i64, const Blocks::Block& block) {
        for_vectors(block.begin, block.count, [&](i64 i, i64 lanes) { f(block.array, i, lanes); });
    });
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
        vf step = g * u.lr / sqrt(denominator);
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
        store_some(w, weight - m * u.alpha / (sqrt(v) + u.epsilon), lanes);
    });
}

// In double, several sums at a time whose order depends on nothing but the sizes of the arrays.
inline double sum_of_squares(const ParameterList& list) {
    constexpr int kHalf = kLanes / 2, kSums = 4;
    typedef double Doubles __attribute__((vector_size(kHalf * 8)));
    typedef float Half __attribute__((vector_size(kHalf * 4), aligned(4), may_alias));
    const Blocks blocks(list);
    const Buffer<double> totals(blocks.size());
    blocks.for_each([&](i64 index, const Blocks::Block& block) {
        const float* x = list.data[block.array] + block.begin;
        Doubles sums[kSums] = {};
        i64 i = 0;
        for (; i + kSums * kHalf <= block.count; i += kSums * kHalf)
            for (int s = 0; s < kSums; ++s) {
                const Half part = *reinterpret_cast<const Half*>(x + i + s * kHalf);
                const Doubles wide = __builtin_convertvector(part, Doubles);
                sums[s] += wide * wide;
            }
        double total = 0.0;
        for (; i < block.count; ++i) total += double(x[i]) * double(x[i]);
        for (const Doubles& sum : sums)
            for (int lane = 0; lane < kHalf; ++lane) total += sum[lane];
        totals.get()[index] = total;
    });
    double total = 0.0;
    for (i64 i = 0; i < blocks.size(); ++i) total += totals.get()[i];
    return total;
}

} // namespace
} // namespace gw::GW_ISA

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

// The larger of both; NaN where either is.
GW_INLINE vf larger(vf a, vf b) { return ((a > b) | (a != a)) ? a : b; }

constexpr unsigned kSlots = sizeof(WeightLists::slots) / sizeof(ParameterList);

// Each rule changes a weight and its slots by the gradient: the formula of the paper, nothing else.

GW_INLINE void change(const Sgd& r, vf& w, vf g, vf* slot) {
    vf& velocity = slot[0];
    velocity = velocity * r.momentum - g * r.lr;
    w += r.nesterov ? velocity * r.momentum - g * r.lr : velocity;
}

GW_INLINE void change(const Rmsprop& r, vf& w, vf g, vf* slot) {
    vf &v = slot[0], &momentum = slot[1], &mean = slot[2];
    v = v * r.rho + g * g * r.fresh;
    vf variance = v;
    if (r.centered) {
        mean = mean * r.rho + g * r.fresh;
        variance -= mean * mean;
    }
    momentum = momentum * r.momentum + g * r.lr / sqrt(variance + r.epsilon);
    w -= momentum;
}

GW_INLINE void change(const Adam& r, vf& w, vf g, vf* slot) {
    vf &m = slot[0], &v = slot[1], &top = slot[2];
    m += (g - m) * r.fresh_1;
    v += (g * g - v) * r.fresh_2;
    if (r.amsgrad) top = larger(top, v);
    w -= m * r.alpha / (sqrt(r.amsgrad ? top : v) + r.epsilon);
}

GW_INLINE void change(const Adamax& r, vf& w, vf g, vf* slot) {
    vf &m = slot[0], &norm = slot[1];
    m += (g - m) * r.fresh_1;
    norm = larger(norm * r.beta_2, abs(g));
    w -= m * r.alpha / (norm + r.epsilon);
}

GW_INLINE void change(const Nadam& r, vf& w, vf g, vf* slot) {
    vf &m = slot[0], &v = slot[1];
    m += (g - m) * r.fresh_1;
    v += (g * g - v) * r.fresh_2;
    w -= (m * r.from_m + g * r.from_g) * r.lr / (sqrt(v * r.unbias) + r.epsilon);
}

GW_INLINE void change(const Adagrad& r, vf& w, vf g, vf* slot) {
    slot[0] += g * g;
    w -= g * r.lr / sqrt(slot[0] + r.epsilon);
}

GW_INLINE void change(const Adadelta& r, vf& w, vf g, vf* slot) {
    vf &squares = slot[0], &steps = slot[1];
    squares = squares * r.rho + g * g * r.fresh;
    const vf step = sqrt(steps + r.epsilon) * g / sqrt(squares + r.epsilon);
    steps = steps * r.rho + step * step * r.fresh;
    w -= step * r.lr;
}

GW_INLINE void change(const Lion& r, vf& w, vf g, vf* slot) {
    vf& m = slot[0];
    const vf direction = m * r.beta_1 + g * r.fresh_1;
    const vf sign = direction == 0.0f ? direction : copy_sign(splat(1.0f), direction);
    w -= (direction != direction ? direction : sign) * r.lr;
    m = m * r.beta_2 + g * r.fresh_2;
}

// x^power of x >= 0. The square root is the usual case; any other power goes through the C library.
GW_INLINE vf raise(vf x, float power) {
    if (power == 0.5f) return sqrt(x);
    for (int lane = 0; lane < kLanes; ++lane) x[lane] = __builtin_powf(x[lane], power);
    return x;
}

GW_INLINE void change(const Ftrl& r, vf& w, vf g, vf* slot) {
    vf &squares = slot[0], &linear = slot[1];
    const vf sum = squares + g * g, root = raise(sum, r.power);
    linear += g + w * (2.0f * r.shrinkage) - (root - raise(squares, r.power)) / r.lr * w;
    squares = sum;
    w = (at_most(at_least(linear, -r.l1), r.l1) - linear) / (root / r.lr + 2.0f * r.l2);
}

GW_INLINE void change(const ScheduleFreeAdam& r, vf& w, vf g, vf* slot) {
    vf &z = slot[0], &v = slot[1];
    const vf mean = (w - z * r.fresh_1) / r.beta_1; // w is the mean moved towards z
    v += (g * g - v) * r.fresh_2;
    z -= g * r.lr / (sqrt(v * r.unbias) + r.epsilon);
    w = z * r.fresh_1 + (mean * (1.0f - r.share) + z * r.share) * r.beta_1;
}

// A rule on the floats of one block. It is copied into the loop with all its pointers, and `kUsed` says
// which slots there are, bit by bit: what the loop stores could otherwise change them, and each vector
// would read them again.
template <class Rule, unsigned kUsed> struct BlockUpdate {
    Rule rule;
    float scale, decay;
    const float* grads;
    float *weights, *slots[kSlots];

    GW_INLINE void operator()(i64 i, i64 lanes) const {
        vf w = load_some(weights + i, lanes), slot[kSlots] = {};
        if (kUsed & 1) slot[0] = load_some(slots[0] + i, lanes);
        if (kUsed & 2) slot[1] = load_some(slots[1] + i, lanes);
        if (kUsed & 4) slot[2] = load_some(slots[2] + i, lanes);
        w -= w * decay;
        change(rule, w, load_some(grads + i, lanes) * scale, slot);
        if (kUsed & 1) store_some(slots[0] + i, slot[0], lanes);
        if (kUsed & 2) store_some(slots[1] + i, slot[1], lanes);
        if (kUsed & 4) store_some(slots[2] + i, slot[2], lanes);
        store_some(weights + i, w, lanes);
    }
};

// The rule on every float of every weight, a vector at a time: the one loop of all optimizers. It is
// compiled for each set of slots that the rule may have, the largest first.
template <class Rule, unsigned kGiven = Rule::kOptional>
void update(const WeightLists& lists, const Rule& rule) {
    constexpr unsigned kUsed = Rule::kAlways | kGiven;
    unsigned used = 0;
    for (unsigned s = 0; s < kSlots; ++s) used |= lists.slots[s].data != nullptr ? 1u << s : 0;
    if constexpr (kGiven != 0)
        if (used != kUsed) return update<Rule, (kGiven - 1) & Rule::kOptional>(lists, rule);
    Blocks(lists.params).for_each([&](i64, const Blocks::Block& block) {
        BlockUpdate<Rule, kUsed> step = {rule, lists.scale, lists.decay, nullptr, nullptr, {}};
        step.grads = lists.grads.data[block.array] + block.begin;
        step.weights = lists.params.data[block.array] + block.begin;
        for (unsigned s = 0; s < kSlots; ++s)
            if (kUsed >> s & 1) step.slots[s] = lists.slots[s].data[block.array] + block.begin;
        const i64 count = block.count;
        i64 i = 0;
        for (; i + kLanes <= count; i += kLanes) step(i, kLanes);
        if (i < count) step(i, count - i);
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

// Zoneout (Krueger et al. 2016): between two steps, units of a state keep the value they had.
#pragma once
#include "kernels/cells/cell.h"
#include "kernels/dropout.h"
#include "kernels/sequence_io.h"

namespace gw::GW_ISA {
namespace {

// Which units keep their value follows from seed, row, position and unit alone: the backward pass draws
// it again, and no thread needs what another has drawn.
class ZoneoutRows {
  public:
    ZoneoutRows(const Recurrent& r, i64 states) : r_(r), states_(states) {
        for (i64 k = 0; k < states; ++k) any_ = any_ || r.zoneout.share[k] > 0.0f;
        if (!any_ || !r.zoneout.drawn) return;
        generator_ = Buffer<Philox>(1);
        *generator_.get() = Philox(r.zoneout.seed);
    }

    bool any() const { return any_; }
    bool of(i64 state) const { return r_.zoneout.share[state] > 0.0f; }

    // Features [begin, end) of a state after a step: next becomes prev where that is kept.
    void mix(i64 state, i64 rank, i64 step, const float* prev, i64 begin, i64 end, float* next) const {
        if (!of(state)) return;
        for_units(state, rank, step, begin, end, [&](i64 u, auto keep) {
            store(next + u, keep(load(prev + u), load(next + u)));
        });
    }

    // Its adjoint: from the gradient d of what mix made, that of next, left in d, and that of prev.
    void part(i64 state, i64 rank, i64 step, i64 begin, i64 end, float* d, float* d_prev) const {
        if (!of(state)) return;
        for_units(state, rank, step, begin, end, [&](i64 u, auto keep) {
            const vf grad = load(d + u);
            store(d_prev + u, keep(grad, zero()));
            store(d + u, keep(zero(), grad));
        });
    }

  private:
    // f(u, keep) for each vector of units; keep(a, b) is a where the units keep their value, else b; or
    // what is to be expected of that.
    template <class F>
    void for_units(i64 state, i64 rank, i64 step, i64 begin, i64 end, const F& f) const {
        const Zoneout& z = r_.zoneout;
        if (!z.drawn) {
            const float share = z.share[state];
            for (i64 u = begin; u < end; u += kLanes)
                f(u, [&](vf a, vf b) { return share * a + (1.0f - share) * b; });
            return;
        }
        const i64 token = r_.plan.rows[rank] * r_.plan.time + position_of(r_.plan, rank, step);
        const i64 first = (token * states_ + state) * round_up(r_.units, 4);
        const vu threshold = vu{} + z.threshold[state];
        for (i64 u = begin; u < end; u += kDrawn) {
            vu low, high;
            generator_.get()->words(static_cast<u64>(first + u) / 4, low, high);
            const vi kept[2] = {low < threshold, high < threshold};
            for (i64 half = 0; half < 2 && u + half * kLanes < end; ++half)
                f(u + half * kLanes, [&](vf a, vf b) { return kept[half] ? a : b; });
        }
    }

    const Recurrent& r_;
    i64 states_;
    bool any_ = false;
    Buffer<Philox> generator_;
};

} // namespace
} // namespace gw::GW_ISA

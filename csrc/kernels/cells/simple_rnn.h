// Elman's network (1990): h = φ(x·W + h'·U + b).
#pragma once
#include "kernels/cells/cell.h"

namespace gw::GW_ISA {
namespace {

template <class Phi, class Sigma> struct SimpleRnn {
    static constexpr i64 gates = 1, states = 1, bias_rows = 1, slots = 1;
    static constexpr Slots x_slots = {0, 1}, h_slots = {0, 1}, second = {0, 0};
    static constexpr i64 x_gate[slots] = {0}, h_gate[slots] = {0};
    static constexpr bool carries_h = false;
    Phi phi;
    Sigma sigma; // unused: a simple cell has no gates

    GW_INLINE void forward(vf* gate, const vf*, vf* next) const {
        next[0] = phi.value(gate[0]);
        gate[0] = phi.saved(gate[0], next[0]);
    }

    GW_INLINE void backward(vf* gate, const vf*, const vf*, vf* d) const {
        gate[0] = d[0] * phi.slope_of_saved(gate[0]);
        d[0] = zero();
    }
};

} // namespace
} // namespace gw::GW_ISA

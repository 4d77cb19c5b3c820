// LSTM with peepholes (Gers, Schraudolph & Schmidhuber 2002) and a bound on the cell state.
//   i = σ(x·W_i + h'·U_i + p_i⊙c' + b_i)    f likewise      g = φ(x·W_g + h'·U_g + b_g)
//   c = clip(f⊙c' + i⊙g)
//   o = σ(x·W_o + h'·U_o + p_o⊙c + b_o)                     h = o⊙φ(c)
#pragma once
#include "kernels/cells/cell.h"

namespace gw::GW_ISA {
namespace {

template <class Phi, class Sigma> struct LstmPeephole {
    static constexpr i64 gates = 4, states = 2, bias_rows = 1, slots = 4;
    static constexpr Slots x_slots = {0, 4}, h_slots = {0, 4}, second = {0, 0};
    static constexpr i64 x_gate[slots] = {0, 1, 2, 3}, h_gate[slots] = {0, 1, 2, 3};
    static constexpr i64 diagonals = 3;
    static constexpr Diagonal diagonal[diagonals] = {{0, 1, false}, {1, 1, false}, {3, 1, true}};
    static constexpr bool carries_h = false;
    Phi phi;
    Sigma sigma;
    float clip = kUnbounded;

    GW_INLINE void forward(vf* gate, const vf* prev, vf* next, const vf* p) const {
        const vf sum_i = gate[0] + p[0] * prev[1], sum_f = gate[1] + p[1] * prev[1];
        const vf i = sigma.value(sum_i), f = sigma.value(sum_f), g = phi.value(gate[2]);
        next[1] = bounded(f * prev[1] + i * g);
        const vf sum_o = gate[3] + p[2] * next[1];
        const vf o = sigma.value(sum_o);
        next[0] = o * phi.unbounded().value(next[1]);
        gate[0] = sigma.saved(sum_i, i);
        gate[1] = sigma.saved(sum_f, f);
        gate[2] = phi.saved(gate[2], g);
        gate[3] = sigma.saved(sum_o, o);
    }

    GW_INLINE void backward(vf* gate, const vf* prev, const vf* next, vf* d, const vf* p) const {
        const vf i = sigma.value_of_saved(gate[0]), f = sigma.value_of_saved(gate[1]);
        const vf g = phi.value_of_saved(gate[2]), o = sigma.value_of_saved(gate[3]);
        const Phi out = phi.unbounded();
        const vf phi_c = out.value(next[1]), dh = d[0];
        gate[3] = dh * phi_c * sigma.slope_of_saved(gate[3]);
        vf dc = d[1] + dh * o * out.slope_of_saved(out.saved(next[1], phi_c)) + gate[3] * p[2];
        dc = abs(next[1]) >= clip ? zero() : dc;
        gate[0] = dc * g * sigma.slope_of_saved(gate[0]);
        gate[1] = dc * prev[1] * sigma.slope_of_saved(gate[1]);
        gate[2] = dc * i * phi.slope_of_saved(gate[2]);
        d[0] = zero();
        d[1] = dc * f + gate[0] * p[0] + gate[1] * p[1];
    }

    // What backward takes as the new states; it does not look at h.
    GW_INLINE void remake(const vf* gate, const vf* prev, vf* next) const {
        const vf i = sigma.value_of_saved(gate[0]), f = sigma.value_of_saved(gate[1]);
        next[1] = bounded(f * prev[1] + i * phi.value_of_saved(gate[2]));
        next[0] = zero();
    }

  private:
    GW_INLINE vf bounded(vf c) const { return at_most(at_least(c, -clip), clip); }
};

template <class Phi, class Sigma> void configure(LstmPeephole<Phi, Sigma>& cell, const Recurrent& r) {
    cell.clip = r.cell_clip;
}

} // namespace
} // namespace gw::GW_ISA

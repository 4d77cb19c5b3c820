// Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).
//   i = σ(x·W_i + h'·U_i + b_i)    f, o likewise        g = φ(x·W_g + h'·U_g + b_g)
//   c = f⊙c' + i⊙g                                      h = o⊙φ(c)
#pragma once
#include "kernels/cells/cell.h"

namespace gw::GW_ISA {
namespace {

template <class Phi, class Sigma> struct Lstm {
    static constexpr i64 gates = 4, states = 2, bias_rows = 1, slots = 4;
    static constexpr Slots x_slots = {0, 4}, h_slots = {0, 4}, second = {0, 0};
    static constexpr i64 x_gate[slots] = {0, 1, 2, 3}, h_gate[slots] = {0, 1, 2, 3};
    static constexpr bool carries_h = false;
    Phi phi;
    Sigma sigma;

    GW_INLINE void forward(vf* gate, const vf* prev, vf* next) const {
        const vf i = sigma.value(gate[0]), f = sigma.value(gate[1]);
        const vf g = phi.value(gate[2]), o = sigma.value(gate[3]);
        next[1] = f * prev[1] + i * g;
        next[0] = o * phi.unbounded().value(next[1]);
        gate[0] = sigma.saved(gate[0], i);
        gate[1] = sigma.saved(gate[1], f);
        gate[2] = phi.saved(gate[2], g);
        gate[3] = sigma.saved(gate[3], o);
    }

    GW_INLINE void backward(vf* gate, const vf* prev, const vf* next, vf* d) const {
        const vf i = sigma.value_of_saved(gate[0]), f = sigma.value_of_saved(gate[1]);
        const vf g = phi.value_of_saved(gate[2]), o = sigma.value_of_saved(gate[3]);
        const vf phi_c = output_of_state(next, o);
        const vf dh = d[0];
        const Phi out = phi.unbounded();
        const vf dc = d[1] + dh * o * out.slope_of_saved(out.saved(next[1], phi_c));
        gate[0] = dc * g * sigma.slope_of_saved(gate[0]);
        gate[1] = dc * prev[1] * sigma.slope_of_saved(gate[1]);
        gate[2] = dc * i * phi.slope_of_saved(gate[2]);
        gate[3] = dh * phi_c * sigma.slope_of_saved(gate[3]);
        d[0] = zero();
        d[1] = dc * f;
    }

    // What backward takes as the new states.
    GW_INLINE void remake(const vf* gate, const vf* prev, vf* next) const {
        const vf i = sigma.value_of_saved(gate[0]), f = sigma.value_of_saved(gate[1]);
        next[1] = f * prev[1] + i * phi.value_of_saved(gate[2]);
        next[0] = sigma.value_of_saved(gate[3]) * phi.unbounded().value(next[1]);
    }

  private:
    // φ(c). Where σ is positive, h / o is φ(c) again, to a rounding; where it has underflowed, what is
    // made of φ(c) is multiplied by o.
    GW_INLINE vf output_of_state(const vf* next, vf o) const {
        if constexpr (Phi::keeps_value && Sigma::keeps_value) return next[0] / at_least(o, 1e-30f);
        return phi.unbounded().value(next[1]);
    }
};

} // namespace
} // namespace gw::GW_ISA

// Gated recurrent unit (Cho et al. 2014), the reset gate after the product (cuDNN's form).
//   z = σ(x·W_z + h'·U_z + b_z)    r likewise
//   n = φ(x·W_n + b_n + r⊙(h'·U_n + a_n))
//   h = z⊙h' + (1-z)⊙n
// Slots are [h'·U_n, z, r, x·W_n], so that each product writes contiguous slots.
#pragma once
#include "kernels/cells/cell.h"

namespace gw::GW_ISA {
namespace {

template <class Phi, class Sigma> struct Gru {
    static constexpr i64 gates = 3, states = 1, bias_rows = 2, slots = 4;
    static constexpr Slots x_slots = {1, 4}, h_slots = {0, 3}, second = {0, 0};
    static constexpr i64 x_gate[slots] = {-1, 0, 1, 2}, h_gate[slots] = {2, 0, 1, -1};
    static constexpr bool carries_h = true;
    Phi phi;
    Sigma sigma;

    GW_INLINE void forward(vf* gate, const vf* prev, vf* next) const {
        const vf z = sigma.value(gate[1]), r = sigma.value(gate[2]);
        const vf sum = gate[3] + r * gate[0];
        const vf n = phi.value(sum);
        next[0] = z * prev[0] + (1.0f - z) * n;
        gate[1] = sigma.saved(gate[1], z);
        gate[2] = sigma.saved(gate[2], r);
        gate[3] = phi.saved(sum, n);
    }

    GW_INLINE void backward(vf* gate, const vf* prev, const vf*, vf* d) const {
        const vf z = sigma.value_of_saved(gate[1]), r = sigma.value_of_saved(gate[2]);
        const vf n = phi.value_of_saved(gate[3]);
        const vf dh = d[0];
        const vf dn = dh * (1.0f - z) * phi.slope_of_saved(gate[3]);
        gate[1] = dh * (prev[0] - n) * sigma.slope_of_saved(gate[1]);
        gate[2] = dn * gate[0] * sigma.slope_of_saved(gate[2]);
        gate[0] = dn * r;
        gate[3] = dn;
        d[0] = dh * z;
    }
};

} // namespace
} // namespace gw::GW_ISA

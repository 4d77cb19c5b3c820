// Gated recurrent unit in its original form (Cho et al. 2014): the reset gate before the product.
//   z = σ(x·W_z + h'·U_z + b_z)    r likewise
//   n = φ(x·W_n + (r⊙h')·U_n + b_n)
//   h = z⊙h' + (1-z)⊙n
#pragma once
#include "kernels/cells/cell.h"

namespace gw::GW_ISA {
namespace {

template <class Phi, class Sigma> struct GruV1 {
    static constexpr i64 gates = 3, states = 1, bias_rows = 1, slots = 3;
    static constexpr Slots x_slots = {0, 3}, h_slots = {0, 2}, second = {2, 3};
    static constexpr i64 x_gate[slots] = {0, 1, 2}, h_gate[slots] = {0, 1, 2};
    static constexpr bool carries_h = true;
    Phi phi;
    Sigma sigma;

    // r⊙h', with h as the products see it (recurrent dropout applied).
    GW_INLINE vf forward_first(const vf* gate, vf h) const { return sigma.value(gate[1]) * h; }

    GW_INLINE void forward(vf* gate, const vf* prev, vf* next) const {
        const vf z = sigma.value(gate[0]), r = sigma.value(gate[1]);
        const vf n = phi.value(gate[2]);
        next[0] = z * prev[0] + (1.0f - z) * n;
        gate[0] = sigma.saved(gate[0], z);
        gate[1] = sigma.saved(gate[1], r);
        gate[2] = phi.saved(gate[2], n);
    }

    // Leaves r in its slot for backward_second.
    GW_INLINE void backward(vf* gate, const vf* prev, const vf*, vf* d) const {
        const vf z = sigma.value_of_saved(gate[0]), n = phi.value_of_saved(gate[2]);
        const vf dh = d[0];
        gate[0] = dh * (prev[0] - n) * sigma.slope_of_saved(gate[0]);
        gate[2] = dh * (1.0f - z) * phi.slope_of_saved(gate[2]);
        d[0] = dh * z;
    }

    // From the gradient of r⊙h': that of r's sum, and (returned) that of h.
    GW_INLINE vf backward_second(vf* gate, vf h, vf d_second) const {
        const vf r = sigma.value_of_saved(gate[1]);
        gate[1] = d_second * h * sigma.slope_of_saved(gate[1]);
        return d_second * r;
    }
};

} // namespace
} // namespace gw::GW_ISA

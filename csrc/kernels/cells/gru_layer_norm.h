// Gated recurrent unit with layer normalization (Ba, Kiros & Hinton 2016, supplement), the reset gate
// after the product.
//   z = σ(γ⊙norm(x·W_zr) + b + γ⊙norm(h'·U_zr) + a), the rows of z     r likewise, from the same norms
//   n = φ(γ⊙norm(x·W_n) + b_n + r⊙(γ⊙norm(h'·U_n) + a_n))
//   h = z⊙h' + (1-z)⊙n
#pragma once
#include "kernels/cells/normalized.h"

namespace gw::GW_ISA {
namespace {

template <class Phi, class Sigma> struct GruLayerNorm {
    static constexpr i64 gates = 3, states = 1, bias_rows = 2, slots = 6;
    static constexpr Slots x_slots = {0, 3}, h_slots = {3, 6}, second = {0, 0};
    static constexpr i64 x_gate[slots] = {0, 1, 2, -1, -1, -1}, h_gate[slots] = {-1, -1, -1, 0, 1, 2};
    static constexpr i64 gammas = 6, betas = 0, scratch = 4;
    static constexpr bool carries_h = true;
    Phi phi;
    Sigma sigma;

    void forward_row(const NormalizedRow& row, const float* const* prev, float* const* next) const {
        normalize(row, 0, 0, 2);
        normalize(row, 1, 2, 1);
        normalize(row, 2, 3, 2);
        normalize(row, 3, 5, 1);
        for (i64 u = 0; u < row.padded; u += kLanes) {
            const vf z = sigma.value(term(row, 0, u) + term(row, 3, u));
            const vf r = sigma.value(term(row, 1, u) + term(row, 4, u));
            const vf n = phi.value(term(row, 2, u) + r * term(row, 5, u));
            store(next[0] + u, z * load(prev[0] + u) + (1.0f - z) * n);
        }
    }

    void backward_row(const NormalizedRow& row, const float* const* prev, float* const* d,
                      float* work, float* dw) const {
        const i64 padded = row.padded;
        for (i64 u = 0; u < padded; u += kLanes) {
            const vf a_z = term(row, 0, u) + term(row, 3, u), a_r = term(row, 1, u) + term(row, 4, u);
            const vf q = term(row, 5, u), z = sigma.value(a_z), r = sigma.value(a_r);
            const vf a_n = term(row, 2, u) + r * q, n = phi.value(a_n), dh = load(d[0] + u);
            const vf dn = dh * (1.0f - z) * phi.slope_of_saved(phi.saved(a_n, n));
            // In the order of the slots, z and r being the same for both products.
            const vf sums[4] = {
                dh * (load(prev[0] + u) - n) * sigma.slope_of_saved(sigma.saved(a_z, z)),
                dn * q * sigma.slope_of_saved(sigma.saved(a_r, r)), dn, dn * r};
            for (i64 s = 0; s < 4; ++s) store(work + s * padded + u, sums[s]);
            for (i64 s = 0; s < slots; ++s)
                add_to(row, dw, slots + s, u, sums[s < 3 ? s : s == 5 ? 3 : s - 3]);
            store(d[0] + u, dh * z);
        }
        normalize_back(row, 0, 0, 2, work, dw);
        normalize_back(row, 1, 2, 1, work + 2 * padded, dw);
        normalize_back(row, 2, 3, 2, work, dw);
        normalize_back(row, 3, 5, 1, work + 3 * padded, dw);
    }

  private:
    GW_INLINE vf term(const NormalizedRow& row, i64 slot, i64 u) const {
        return gained(row, slot, u) + weight(row, slots + slot, u);
    }
};

} // namespace
} // namespace gw::GW_ISA

// LSTM with layer normalization (Ba, Kiros & Hinton 2016, equations 20 to 22) and a bound on the cell state.
//   a = γ_x⊙norm(x·W) + γ_h⊙norm(h'·U) + b       norm over the sums of all four gates
//   c = clip(σ(a_f)⊙c' + σ(a_i)⊙φ(a_g))          h = σ(a_o)⊙φ(γ_c⊙norm(c) + β_c)
// The paper's biases of the first two norms are only ever added to b, which stands for all three.
#pragma once
#include "kernels/cells/normalized.h"

namespace gw::GW_ISA {
namespace {

template <class Phi, class Sigma> struct LstmLayerNorm {
    static constexpr i64 gates = 4, states = 2, bias_rows = 1, slots = 8;
    static constexpr Slots x_slots = {0, 4}, h_slots = {4, 8}, second = {0, 0};
    static constexpr i64 x_gate[slots] = {0, 1, 2, 3, -1, -1, -1, -1};
    static constexpr i64 h_gate[slots] = {-1, -1, -1, -1, 0, 1, 2, 3};
    static constexpr i64 gammas = 9, betas = 1, scratch = 6;
    static constexpr bool carries_h = false;
    Phi phi;
    Sigma sigma;
    float clip = kUnbounded;

    void forward_row(const NormalizedRow& row, const float* const* prev, float* const* next) const {
        normalize(row, 0, 0, 4);
        normalize(row, 1, 4, 4);
        for (i64 u = 0; u < row.padded; u += kLanes) {
            const vf i = sigma.value(sum(row, 0, u)), f = sigma.value(sum(row, 1, u));
            const vf g = phi.value(sum(row, 2, u)), o = sigma.value(sum(row, 3, u));
            store(next[1] + u, bounded(f * load(prev[1] + u) + i * g));
            store(next[0] + u, o);
        }
        const Moments m = moments(row, next[1], 1);
        for (i64 u = 0; u < row.padded; u += kLanes) {
            const vf z = (load(next[1] + u) - m.mean) * m.rstd;
            store(next[0] + u, load(next[0] + u) * phi.unbounded().value(seen(row, z, u)));
        }
    }

    void backward_row(const NormalizedRow& row, const float* const* prev, float* const* d,
                      float* work, float* dw) const {
        const i64 padded = row.padded;
        float *c = work + 4 * padded, *dn = work + 5 * padded; // before: the gates, then their sums' d
        for (i64 u = 0; u < padded; u += kLanes) {
            vf value[4];
            for (i64 s = 0; s < 4; ++s) {
                const vf a = sum(row, s, u);
                value[s] = s == 2 ? phi.value(a) : sigma.value(a);
                store(work + s * padded + u, s == 2 ? phi.saved(a, value[s]) : sigma.saved(a, value[s]));
            }
            store(c + u, bounded(value[1] * load(prev[1] + u) + value[0] * value[2]));
        }
        const Moments m = moments(row, c, 1);
        const Phi out = phi.unbounded();
        vf plain = zero(), along = zero();
        for (i64 u = 0; u < padded; u += kLanes) {
            const vf z = (load(c + u) - m.mean) * m.rstd, a = seen(row, z, u), phi_c = out.value(a);
            const vf o = load(work + 3 * padded + u), dh = load(d[0] + u);
            const vf d_seen = dh * sigma.value_of_saved(o) * out.slope_of_saved(out.saved(a, phi_c));
            const vf g = d_seen * weight(row, 12, u); // zero in the padding
            store(work + 3 * padded + u, dh * phi_c * sigma.slope_of_saved(o));
            store(dn + u, g);
            plain += g;
            along += g * z;
            add_to(row, dw, 12, u, d_seen * z);
            add_to(row, dw, 13, u, d_seen);
            store(d[0] + u, zero());
        }
        const float n = static_cast<float>(row.units);
        const float offset = sum_lanes(plain) / n, slope = sum_lanes(along) / n;
        for (i64 u = 0; u < padded; u += kLanes) {
            const vf i = load(work + u), f = load(work + padded + u), g = load(work + 2 * padded + u);
            const vf state = load(c + u), z = (state - m.mean) * m.rstd;
            vf dc = load(d[1] + u) + (load(dn + u) - offset - z * slope) * m.rstd;
            dc = abs(state) >= clip ? zero() : dc;
            store(work + u, dc * phi.value_of_saved(g) * sigma.slope_of_saved(i));
            store(work + padded + u, dc * load(prev[1] + u) * sigma.slope_of_saved(f));
            store(work + 2 * padded + u, dc * sigma.value_of_saved(i) * phi.slope_of_saved(g));
            store(d[1] + u, dc * sigma.value_of_saved(f));
            for (i64 s = 0; s < 4; ++s) add_to(row, dw, slots + s, u, load(work + s * padded + u));
        }
        normalize_back(row, 0, 0, 4, work, dw);
        normalize_back(row, 1, 4, 4, work, dw);
    }

  private:
    GW_INLINE vf sum(const NormalizedRow& row, i64 gate, i64 u) const {
        return gained(row, gate, u) + gained(row, 4 + gate, u) + weight(row, slots + gate, u);
    }
    // What φ sees of the normalized state z.
    GW_INLINE vf seen(const NormalizedRow& row, vf z, i64 u) const {
        return weight(row, 12, u) * z + weight(row, 13, u);
    }
    GW_INLINE vf bounded(vf c) const { return at_most(at_least(c, -clip), clip); }
};

template <class Phi, class Sigma> void configure(LstmLayerNorm<Phi, Sigma>& cell, const Recurrent& r) {
    cell.clip = r.cell_clip;
}

} // namespace
} // namespace gw::GW_ISA

// What cells with layer normalization (Ba, Kiros & Hinton 2016) share. Their sums, several slots of a row
// together, become z = (a - mean) / sqrt(variance + epsilon); the cell reads γ⊙z and adds its bias after.
//
// Such a cell needs all units of a row at once: instead of forward and backward it defines
//   gammas, betas                           rows of gains and of biases its user gives; a gain for each
//                                           slot, and one more with a beta where it normalizes a state
//   scratch                                 rows of working memory for backward_row
//   forward_row(row, prev, next)            row.gates: sums in, z out; next: new states out
//   backward_row(row, prev, d, work, dw)    row.gates: z in, gradients of the sums out; d as in backward;
//                                           dw: to the gradient of row.weights this row's is added
#pragma once
#include "kernels/cells/cell.h"
#include "kernels/normalization.h"

namespace gw::GW_ISA {
namespace {

template <class Cell, class = void> constexpr i64 scratch_of = 0;
template <class Cell> constexpr i64 scratch_of<Cell, decltype(void(Cell::scratch))> = Cell::scratch;

template <class Cell> constexpr bool normalizes = gammas_of<Cell> > 0;

struct NormalizedRow {
    float* gates;         // [slots, padded]
    float* deviations;    // 1 / sqrt(variance + epsilon) of each group of slots
    const float* weights; // [D, padded]: γ of the slots, the bias, then γ and β of a state
    i64 units, padded;
    float epsilon;
};

struct Moments {
    float mean, rstd;
};

// f(place, lanes) for the vectors of `count` slots.
template <class F> GW_INLINE void for_slots(const NormalizedRow& row, i64 count, const F& f) {
    for (i64 slot = 0; slot < count; ++slot)
        for_vectors(0, row.units, [&](i64 u, i64 lanes) { f(slot * row.padded + u, lanes); });
}

inline Moments moments(const NormalizedRow& row, const float* a, i64 count) {
    const float n = static_cast<float>(count * row.units);
    vf sum = zero(), squares = zero();
    for_slots(row, count, [&](i64 i, i64 lanes) { sum += load_some(a + i, lanes); });
    const float mean = sum_lanes(sum) / n;
    for_slots(row, count, [&](i64 i, i64 lanes) {
        const vf d = first_of(load_some(a + i, lanes) - mean, lanes);
        squares += d * d;
    });
    return {mean, 1.0f / __builtin_sqrtf(sum_lanes(squares) / n + row.epsilon)};
}

// Slots [slot, slot + count) of the gates, group number `group`: sums become z.
inline void normalize(const NormalizedRow& row, i64 group, i64 slot, i64 count) {
    float* a = row.gates + slot * row.padded;
    const Moments m = moments(row, a, count);
    row.deviations[group] = m.rstd;
    for_slots(row, count, [&](i64 i, i64 lanes) {
        store(a + i, first_of((load(a + i) - m.mean) * m.rstd, lanes));
    });
}

// Its adjoint: from the gradient d of γ⊙z, that of the sums in the place of z; that of γ is added to dw.
inline void normalize_back(const NormalizedRow& row, i64 group, i64 slot, i64 count, const float* d,
                           float* dw) {
    float* z = row.gates + slot * row.padded;
    const float* gamma = row.weights + slot * row.padded;
    const float n = static_cast<float>(count * row.units);
    vf plain = zero(), along = zero();
    dw += slot * row.padded;
    for_slots(row, count, [&](i64 i, i64) { // γ and z are zero in the padding
        const vf g = load(d + i) * load(gamma + i), value = load(z + i);
        plain += g;
        along += g * value;
        store(dw + i, load(dw + i) + load(d + i) * value);
    });
    const float offset = sum_lanes(plain) / n, slope = sum_lanes(along) / n;
    const float rstd = row.deviations[group];
    for_slots(row, count, [&](i64 i, i64 lanes) {
        const vf g = load(d + i) * load(gamma + i);
        store(z + i, first_of((g - offset - load(z + i) * slope) * rstd, lanes));
    });
}

// The term of slot s of a sum, at unit u.
GW_INLINE vf gained(const NormalizedRow& row, i64 s, i64 u) {
    return load(row.weights + s * row.padded + u) * load(row.gates + s * row.padded + u);
}
GW_INLINE vf weight(const NormalizedRow& row, i64 w, i64 u) {
    return load(row.weights + w * row.padded + u);
}
GW_INLINE void add_to(const NormalizedRow& row, float* dw, i64 w, i64 u, vf d) {
    store(dw + w * row.padded + u, load(dw + w * row.padded + u) + d);
}

} // namespace
} // namespace gw::GW_ISA

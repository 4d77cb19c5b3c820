// One step of a cell on one row: a vector of units at a time, or the whole row where it is normalized.
#pragma once
#include "kernels/cells/normalized.h"

namespace gw::GW_ISA {
namespace {

// The diagonal weights at unit u of a cell that has some.
template <class Cell> struct DiagonalAt {
    static constexpr i64 count = diagonals_of<Cell>;
    vf weight[count > 0 ? count : 1];
    GW_INLINE DiagonalAt(const float* padded_rows, i64 padded, i64 u) {
        if constexpr (count > 0)
            for (i64 i = 0; i < count; ++i) weight[i] = load(padded_rows + i * padded + u);
    }
};

// The rows of one step, units [begin, end) of which are wanted.
template <class Cell> struct StepRow {
    float* gates;                     // [slots, padded]
    const float* prev[Cell::states];  // the states before
    i64 units, padded, begin, end;
    const float *diagonals, *norms;   // the cell's own weights, rows of padded floats
    float epsilon;

    NormalizedRow normalized() const {
        return {gates, gates + Cell::slots * padded, norms, units, padded, epsilon};
    }
};

template <class Cell>
GW_INLINE void forward_row(const Cell& cell, const StepRow<Cell>& row, float* const* next) {
    if constexpr (normalizes<Cell>) {
        cell.forward_row(row.normalized(), row.prev, next);
    } else {
        for (i64 u = row.begin; u < row.end; u += kLanes) {
            vf gate[Cell::slots], old_state[Cell::states], new_state[Cell::states];
            for (i64 s = 0; s < Cell::slots; ++s) gate[s] = load(row.gates + s * row.padded + u);
            for (i64 k = 0; k < Cell::states; ++k) old_state[k] = load(row.prev[k] + u);
            const DiagonalAt<Cell> diagonal(row.diagonals, row.padded, u);
            if constexpr (diagonal.count > 0)
                cell.forward(gate, old_state, new_state, diagonal.weight);
            else
                cell.forward(gate, old_state, new_state);
            for (i64 s = 0; s < Cell::slots; ++s) store(row.gates + s * row.padded + u, gate[s]);
            for (i64 k = 0; k < Cell::states; ++k) store(next[k] + u, new_state[k]);
        }
    }
}

// d: gradients of the new states in, of the old ones out. A normalizing cell works in `work` and adds the
// gradients of its own weights to dnorms.
template <class Cell>
GW_INLINE void backward_row(const Cell& cell, const StepRow<Cell>& row, const float* const* next,
                            float* const* d, float* work, float* dnorms) {
    if constexpr (normalizes<Cell>) {
        cell.backward_row(row.normalized(), row.prev, d, work, dnorms);
    } else {
        for (i64 u = row.begin; u < row.end; u += kLanes) {
            vf gate[Cell::slots], old_state[Cell::states], new_state[Cell::states],
                grad[Cell::states];
            for (i64 s = 0; s < Cell::slots; ++s) gate[s] = load(row.gates + s * row.padded + u);
            for (i64 k = 0; k < Cell::states; ++k) {
                old_state[k] = load(row.prev[k] + u);
                new_state[k] = load(next[k] + u);
                grad[k] = load(d[k] + u);
            }
            const DiagonalAt<Cell> diagonal(row.diagonals, row.padded, u);
            if constexpr (diagonal.count > 0)
                cell.backward(gate, old_state, new_state, grad, diagonal.weight);
            else
                cell.backward(gate, old_state, new_state, grad);
            for (i64 s = 0; s < Cell::slots; ++s) store(row.gates + s * row.padded + u, gate[s]);
            for (i64 k = 0; k < Cell::states; ++k) store(d[k] + u, grad[k]);
        }
    }
}

// The new states of a step as they were before zoneout, made again from what the step saved, for a cell
// whose backward pass looks at them.
template <class Cell, class = void> constexpr bool looks_at_new = false;
template <class Cell>
constexpr bool looks_at_new<Cell, decltype(void(&Cell::remake))> = true;

template <class Cell>
void remake_states(const Cell& cell, const StepRow<Cell>& row, float* const* next) {
    if constexpr (looks_at_new<Cell>) {
        for (i64 u = row.begin; u < row.end; u += kLanes) {
            vf gate[Cell::slots], old_state[Cell::states], new_state[Cell::states];
            for (i64 s = 0; s < Cell::slots; ++s) gate[s] = load(row.gates + s * row.padded + u);
            for (i64 k = 0; k < Cell::states; ++k) old_state[k] = load(row.prev[k] + u);
            cell.remake(gate, old_state, new_state);
            for (i64 k = 0; k < Cell::states; ++k) store(next[k] + u, new_state[k]);
        }
    }
}

} // namespace
} // namespace gw::GW_ISA

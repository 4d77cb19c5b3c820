// What a recurrent cell tells the time loop in kernels/recurrent.h.
//
// A step computes slots of H sums each from two products, x_t·W_x and h_{t-1}·W_h, then the cell's
// pointwise function turns sums and previous states into new states. A cell defines
//   gates, states, bias_rows   its weights in Keras' layout: G column blocks, rows of bias
//   slots                      blocks of sums; slots [x_slots) receive x·W_x, [h_slots) receive h·W_h
//   x_gate[], h_gate[]         which column block of the weights a slot multiplies
//   second                     slots that need a second product with an operand made from the first
//                              sums (GRU with the reset gate before the product); empty otherwise
//   diagonals, diagonal[]      optional: weights that multiply a state unit by unit (peepholes)
//   carries_h                  the new h depends on the old one outside of the products
// and works on one vector of units at a time:
//   forward(gate, prev, next)          gate[slot]: sums in, saved values out; next: new states out
//   backward(gate, prev, next, d)      gate[slot]: saved in, gradients of the sums out;
//                                      d[state]: gradient of the new states in, of the old ones out
// States are h first, then c. A cell with `second` adds forward_first and backward_second. One with
// diagonals gets them as a last argument of both; the gradients of the sums it leaves are theirs too.
// A cell with settings of its own overloads configure. One whose backward looks at the new states has
//   remake(gate, prev, next)           gate[slot]: saved in; next: those states, as forward made them
// Cells with layer normalization work on whole rows instead: see cells/normalized.h.
#pragma once
#include "api/recurrent.h"
#include "kernels/activations.h"

namespace gw::GW_ISA {
namespace {

struct Slots {
    i64 begin, end;
    constexpr i64 count() const { return end - begin; }
    constexpr bool has(i64 slot) const { return slot >= begin && slot < end; }
};

// A weight that multiplies a state of the old or the new step on its way to the sum of a slot.
struct Diagonal {
    i64 slot, state;
    bool next;
};

template <class Cell, class = void> constexpr i64 diagonals_of = 0;
template <class Cell> constexpr i64 diagonals_of<Cell, decltype(void(Cell::diagonals))> = Cell::diagonals;

template <class Cell, class = void> constexpr i64 gammas_of = 0;
template <class Cell> constexpr i64 gammas_of<Cell, decltype(void(Cell::gammas))> = Cell::gammas;
template <class Cell, class = void> constexpr i64 betas_of = 0;
template <class Cell> constexpr i64 betas_of<Cell, decltype(void(Cell::betas))> = Cell::betas;

template <class Cell> void configure(Cell&, const Recurrent&) {}

// The constants of a cell as values, for code that need not be compiled for each cell.
struct CellLayout {
    i64 gates, slots, bias_rows, diagonals, gammas, betas;
    Slots x_slots, h_slots, second;
    const i64 *x_gate, *h_gate;
};

template <class Cell> constexpr CellLayout layout_of() {
    return {Cell::gates,     Cell::slots,    Cell::bias_rows, diagonals_of<Cell>,
            gammas_of<Cell>, betas_of<Cell>, Cell::x_slots,   Cell::h_slots,
            Cell::second,    Cell::x_gate,   Cell::h_gate};
}

} // namespace
} // namespace gw::GW_ISA

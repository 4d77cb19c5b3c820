// The gradients of a cell's weights: sums over all tokens, after the time loop.
#pragma once
#include "kernels/cell_weights.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"
#include "kernels/sequence_io.h"

namespace gw::GW_ISA {
namespace {

// dW (rows, G*H) from its padded form (rows, slots*padded).
inline void unpad(const float* padded_grad, i64 rows, i64 gates, i64 units, Slots slots,
                  const i64* gate_of_slot, float* out) {
    const i64 padded = padded_units(units);
    for (i64 row = 0; row < rows; ++row)
        for (i64 slot = slots.begin; slot < slots.end; ++slot)
            store_state(padded_grad + (row * slots.count() + slot - slots.begin) * padded, units,
                        out + (row * gates + gate_of_slot[slot]) * units);
}

// aᵀ·dG over all tokens for the slots given, (rows, slots*padded); a has rows a_row apart.
template <class Cell>
Floats merged_gradient(const Recurrent& r, const float* a, i64 a_row, i64 rows, Slots slots) {
    const i64 padded = padded_units(r.units), width = slots.count() * padded;
    Floats grad(rows * width);
    gemm({rows, width, r.plan.tokens, a, 1, a_row, r.saved.gates + slots.begin * padded,
          RowLayout<Cell>(r).gates, 1, nullptr, grad.get(), width, false, r.bf16});
    return grad;
}

// From the gradient of W_x with the row that belongs to the bias; slots that x does not feed are summed.
template <class Cell> void bias_gradient(const Recurrent& r, const float* x_sums, float* dbias) {
    const i64 padded = padded_units(r.units);
    const Floats own(padded);
    for (i64 slot = 0; slot < Cell::slots; ++slot) {
        const float* sum = x_sums + (slot - Cell::x_slots.begin) * padded;
        if (!Cell::x_slots.has(slot)) {
            column_sum(r.saved.gates + slot * padded, r.plan.tokens, padded, RowLayout<Cell>(r).gates,
                       own.get());
            sum = own.get();
        } else {
            store_state(sum, r.units, dbias + Cell::x_gate[slot] * r.units);
        }
        if (Cell::bias_rows == 2 && Cell::h_slots.has(slot))
            store_state(sum, r.units, dbias + (Cell::gates + Cell::h_gate[slot]) * r.units);
    }
}

// The sum over all tokens of the gradient of a slot times the state its diagonal weight multiplies. New
// states by token, where zoneout has changed them since, else nulls.
template <class Cell, class Buffers>
void diagonal_gradient(const Recurrent& r, const Buffers& at, const Floats* remade, float* out) {
    if constexpr (diagonals_of<Cell> > 0) {
        const SequencePlan& plan = r.plan;
        const i64 padded = padded_units(r.units), vectors = padded / kLanes;
        parallel_tasks(Cell::diagonals * vectors, copy_nanoseconds(2 * kLanes * plan.tokens), [&](i64 task) {
            const Diagonal& d = Cell::diagonal[task / vectors];
            const i64 u = task % vectors * kLanes;
            const float* made = d.next ? remade[d.state].get() : nullptr;
            vf sum = zero();
            for (i64 step = 0; step < plan.steps; ++step)
                for (i64 rank = 0; rank < plan.active[step]; ++rank) {
                    const float* state = made != nullptr
                                             ? made + (plan.start[step] + rank) * at.row.state
                                             : at.state(d.state, step + d.next, rank);
                    sum += load(at.gates(step, rank) + d.slot * padded + u) * load(state + u);
                }
            store_some(out + task / vectors * r.units + u, sum, min64(kLanes, r.units - u));
        });
    }
}

// Sums over the rows of the batch of the gradients of what normalized rows are weighted by.
template <class Cell>
void norm_gradients(const Recurrent& r, const RecurrentGrad& g, const float* by_rank) {
    const CellLayout cell = layout_of<Cell>();
    const i64 padded = padded_units(r.units), width = norm_rows(cell) * padded;
    const Floats sums(width);
    column_sum(by_rank, r.plan.batch, width, width, sums.get());
    for_norm_rows(r, g, cell, [&](i64 row, const float*, float* gradient) {
        if (gradient != nullptr) store_state(sums.get() + row * padded, r.units, gradient);
    });
}

template <class Cell> void weight_gradients(const Recurrent& r, const RecurrentGrad& g) {
    const RowLayout<Cell> row(r);
    {
        const Slots slots = Cell::x_slots;
        const bool with_bias = g.dbias != nullptr && !normalizes<Cell>;
        const i64 rows = r.inputs + (with_bias ? 1 : 0);
        const Floats grad = merged_gradient<Cell>(r, r.saved.x, row.x, rows, slots);
        unpad(grad.get(), r.inputs, Cell::gates, r.units, slots, Cell::x_gate, g.dkernel);
        if (with_bias)
            bias_gradient<Cell>(r, grad.get() + r.inputs * slots.count() * padded_units(r.units),
                                g.dbias);
    }
    auto recurrent = [&](const float* operand, Slots slots) {
        if (slots.count() == 0) return;
        const Floats grad = merged_gradient<Cell>(r, operand, row.state, r.outputs, slots);
        unpad(grad.get(), r.outputs, Cell::gates, r.units, slots, Cell::h_gate, g.drecurrent_kernel);
    };
    recurrent(r.saved.h != nullptr ? r.saved.h : r.saved.states[0], Cell::h_slots);
    recurrent(r.saved.second, Cell::second);
}

} // namespace
} // namespace gw::GW_ISA

// The one time loop: forward and backward through time for every cell.
//
// Each thread owns a range of ranks and runs all steps of them without meeting another thread; where
// rows are few and weights large, all threads share the rows and each owns a part of the weights. Per
// step: gather x_t, multiply into the slots, apply the cell, hand the state on. The weight gradients are
// merged over all tokens after the loop.
#pragma once
#include "kernels/parts.h"
#include "kernels/weight_gradients.h"
#include "kernels/zoneout.h"

namespace gw::GW_ISA {
namespace {

// Adds x·W_x, h·W_h or both (a null operand is left out) to `rows` rows of gates, in the panels of a
// part; whichever comes first for a panel starts from the bias.
inline void multiply_first(const Part& part, const ForwardWeights& weights, i64 rows,
                           const ProductRows& x, const ProductRows& h, float* gates, i64 gates_row) {
    PanelRunner runner(rows);
    part.for_panels(0, weights.first(), [&](i64 i) {
        const CellPanel& panel = weights.panels()[i];
        Tile t(gates + panel.column, gates_row);
        t.pairs = weights.pairs();
        if (x.data != nullptr && panel.x != nullptr)
            t.add({x.data, x.row, 1, panel.x, panel.vectors * kLanes, x.k});
        if (h.data != nullptr && panel.h != nullptr)
            t.add({h.data, h.row, 1, panel.h, panel.vectors * kLanes, h.k});
        if (t.operands == 0) return;
        if (x.data == nullptr && panel.x != nullptr) {
            t.start = t.c;
            t.start_row = gates_row;
        } else {
            t.start = weights.bias() + panel.column;
        }
        runner.run(t, panel.vectors);
    });
}

// The part of x·W_x of steps [step, stop), panel by panel so that each is read once.
template <class Cell> void multiply_ahead(const Recurrent& r, const Part& part,
                                          const ForwardWeights& weights,
                                          const StepBuffers<Cell>& at, i64 step, i64 stop) {
    const SequencePlan& plan = r.plan;
    if (part.first == 0 && part.last == plan.batch) { // then the rows of the steps are all in a row
        const i64 rows = at.rows_of(step, stop);
        multiply_first(part, weights, rows, at.x_operand(r, step, 0, rows), {}, at.gates(step, 0),
                       at.row.gates);
        return;
    }
    auto rows_at = [&](i64 s) { return min64(part.last, plan.active[s]) - part.first; };
    for (i64 s = step; s < stop && rows_at(s) > 0; ++s) at.x_operand(r, s, part.first, rows_at(s));
    part.for_panels(0, weights.first(), [&](i64 i) {
        const CellPanel& panel = weights.panels()[i];
        if (panel.x == nullptr) return;
        for (i64 s = step; s < stop; ++s) {
            if (rows_at(s) <= 0) break;
            const ProductRows x = at.x_operand_made(r, s, part.first);
            Tile t(at.gates(s, part.first) + panel.column, at.row.gates);
            t.pairs = weights.pairs();
            t.add({x.data, x.row, 1, panel.x, panel.vectors * kLanes, x.k});
            t.start = weights.bias() + panel.column;
            PanelRunner(rows_at(s)).run(t, panel.vectors);
        }
    });
}

// The diagonal weights at unit u of a cell that has some.
template <class Cell> struct DiagonalAt {
    static constexpr i64 count = diagonals_of<Cell>;
    vf weight[count > 0 ? count : 1];
    GW_INLINE DiagonalAt(const float* padded_rows, i64 padded, i64 u) {
        if constexpr (count > 0)
            for (i64 i = 0; i < count; ++i) weight[i] = load(padded_rows + i * padded + u);
    }
};

template <class Cell> void forward_part(const Cell& cell, const Recurrent& r,
                                        const ForwardWeights& weights, const StepBuffers<Cell>& at,
                                        const ZoneoutRows& zoneout, Part part) {
    const SequencePlan& plan = r.plan;
    const i64 first = part.first, padded = padded_units(r.units);
    i64 begin = part.unit(0, padded), end = part.unit(1, padded);
    const OutputRows out(r);
    part.for_ranks([&](i64 rank) {
        for (i64 k = 0; k < Cell::states; ++k)
            load_state(r.initial[k], plan.rows[rank], state_width(r, k), at.state(k, 0, rank));
        out.write_leading(rank, at.state(0, 0, rank));
    });
    const bool ahead = at.ahead() > 1, projecting = projects(r), zoned = zoneout.any();
    if (!part.meet()) return;
    for (i64 step = 0; step < plan.steps && !interrupted(); ++step) {
        const i64 last = min64(part.last, plan.active[step]), rows = last - first;
        if (rows <= 0) break;
        if (step % at.ahead() == 0) {
            const i64 stop = min64(step + at.ahead(), plan.steps);
            for (i64 s = step; s < stop; ++s)
                part.for_ranks([&](i64 rank) {
                    if (rank < plan.active[s])
                        gather_input(r, rank, s, at.x(s, rank));
                    else if (ahead && at.has_rows_of_done())
                        zero_row(r.inputs, at.x(s, rank));
                });
            if (ahead) {
                if (!part.meet()) return;
                multiply_ahead(r, part, weights, at, step, stop);
            }
        }
        if (at.h(step, first) != nullptr)
            for (i64 rank = first; rank < last; ++rank)
                mask_state(r, plan.rows[rank], at.state(0, step, rank), begin,
                           projecting ? round_up(r.outputs, kLanes) : end, at.h(step, rank));
        if (!part.meet_or_part()) return;
        begin = part.unit(0, padded), end = part.unit(1, padded);
        multiply_first(part, weights, rows,
                       ahead ? ProductRows{} : at.x_operand(r, step, first, rows),
                       at.h_operand(r, step, first, rows), at.gates(step, first), at.row.gates);
        if (!part.meet()) return;
        if constexpr (Cell::second.count() > 0) {
            for (i64 rank = first; rank < last; ++rank) {
                const float* gates = at.gates(step, rank);
                const float* operand = at.h(step, rank);
                if (operand == nullptr) operand = at.state(0, step, rank);
                for (i64 u = begin; u < end; u += kLanes) {
                    vf gate[Cell::slots];
                    for (i64 s = 0; s < Cell::slots; ++s) gate[s] = load(gates + s * padded + u);
                    store(at.second(step, rank) + u, cell.forward_first(gate, load(operand + u)));
                }
            }
            if (!part.meet()) return;
            {
                PanelRunner runner(rows);
                const ProductRows second = at.second_operand(r, step, first, rows);
                part.for_panels(weights.first(), weights.first() + weights.second(), [&](i64 i) {
                    const CellPanel& panel = weights.panels()[i];
                    Tile t(at.gates(step, first) + panel.column, at.row.gates);
                    t.pairs = weights.pairs();
                    t.add({second.data, second.row, 1, panel.h, panel.vectors * kLanes, second.k});
                    t.start = t.c;
                    t.start_row = at.row.gates;
                    runner.run(t, panel.vectors);
                });
            }
            if (!part.meet()) return;
        }
        for (i64 rank = first; rank < last; ++rank) {
            float* gates = at.gates(step, rank);
            const float* prev[Cell::states];
            float* next[Cell::states];
            for (i64 k = 0; k < Cell::states; ++k) {
                prev[k] = at.state(k, step, rank);
                next[k] = at.state(k, step + 1, rank);
            }
            if (projecting) next[0] = at.projected(step, rank);
            for (i64 u = begin; u < end; u += kLanes) {
                vf gate[Cell::slots], old_state[Cell::states], new_state[Cell::states];
                for (i64 s = 0; s < Cell::slots; ++s) gate[s] = load(gates + s * padded + u);
                for (i64 k = 0; k < Cell::states; ++k) old_state[k] = load(prev[k] + u);
                const DiagonalAt<Cell> diagonal(weights.diagonals(), padded, u);
                if constexpr (diagonal.count > 0)
                    cell.forward(gate, old_state, new_state, diagonal.weight);
                else
                    cell.forward(gate, old_state, new_state);
                for (i64 s = 0; s < Cell::slots; ++s) store(gates + s * padded + u, gate[s]);
                for (i64 k = 0; k < Cell::states; ++k) store(next[k] + u, new_state[k]);
            }
            if (zoned)
                for (i64 k = projecting; k < Cell::states; ++k)
                    zoneout.mix(k, rank, step, prev[k], begin, end, next[k]);
            if (!projecting) out.write_step(rank, step, next[0], begin, min64(end, r.units));
        }
        if (projecting) {
            weights.projection().multiply(at.projected(step, first), at.row.state, rows,
                                          at.state(0, step + 1, first), at.row.state);
            for (i64 rank = first; rank < last; ++rank) {
                if (zoned)
                    zoneout.mix(0, rank, step, at.state(0, step, rank), 0,
                                round_up(r.outputs, kLanes), at.state(0, step + 1, rank));
                out.write_step(rank, step, at.state(0, step + 1, rank), 0, r.outputs);
            }
        }
    }
    if (!part.meet()) return;
    part.for_ranks([&](i64 rank) {
        for (i64 k = 0; k < Cell::states; ++k)
            store_state(at.state(k, plan.lengths[rank], rank), state_width(r, k),
                        r.final_states[k] + plan.rows[rank] * state_width(r, k));
        out.write_last(rank, at.state(0, plan.lengths[rank], rank));
    });
}

template <class Cell> void forward(const Cell& cell, const Recurrent& r) {
    const StepBuffers<Cell> at(r);
    const ZoneoutRows zoneout(r, Cell::states);
    auto run = [&](const ForwardWeights& weights) {
        for_parts<Cell>(r, [&](const Part& part) { forward_part(cell, r, weights, at, zoneout, part); });
    };
    if (r.packed != nullptr)
        run(*static_cast<const ForwardWeights*>(r.packed));
    else
        run(ForwardWeights(r, layout_of<Cell>()));
}

// What the backward loop carries from step to step, by rank.
struct Carried {
    Floats d[kMaxStates]; // [batch, state_row] gradient of the states a step ends with
    Floats operand;       // [batch, state_row] gradient of h through the products, when masked
    Floats second;        // [batch, state_row] gradient of the second product's operand
    Floats diagonals;     // [D, padded] the weights themselves
    Floats put_out;       // [batch, state_row] gradient of what is projected
    Floats projections;   // [tokens, state_row] gradients of the projections, for that of their weights
    Floats kept[kMaxStates];   // [batch, state_row] gradient of the states that zoneout let through
    Floats remade[kMaxStates]; // [tokens, state_row] the new states as they were before it
    OperandRows gates;    // [batch] gate gradients as an operand
};

template <class Cell> void backward_part(const Cell& cell, const Recurrent& r,
                                         const RecurrentGrad& g, const TransposedWeights& w_first,
                                         const TransposedWeights& w_second,
                                         const PackedMatrix& w_projection,
                                         const StepBuffers<Cell>& at, const ZoneoutRows& zoneout,
                                         const Carried& carried, Part part) {
    const SequencePlan& plan = r.plan;
    const i64 first = part.first, padded = padded_units(r.units), row = at.row.state;
    i64 begin = part.unit(0, padded), end = part.unit(1, padded);
    const OutputGrad out(r, g);
    const bool masked = r.recurrent_mask != nullptr, projecting = projects(r), zoned = zoneout.any();
    float* d_out = carried.put_out.get();
    float* d[Cell::states];
    for (i64 k = 0; k < Cell::states; ++k) d[k] = carried.d[k].get();
    part.for_ranks([&](i64 rank) {
        for (i64 k = 0; k < Cell::states; ++k)
            load_state(g.dfinal[k], plan.rows[rank], state_width(r, k), d[k] + rank * row);
        out.add_last(rank, d[0] + rank * row);
    });
    if (!part.meet()) return;
    for (i64 step = plan.steps; step-- > 0 && !interrupted();) {
        const i64 last = min64(part.last, plan.active[step]), rows = last - first;
        if (rows <= 0) continue;
        float* products = masked ? carried.operand.get() : d[0];
        if (projecting) {
            for (i64 rank = first; rank < last; ++rank) {
                out.add_step(rank, step, 0, r.outputs, d[0] + rank * row);
                if (zoned)
                    zoneout.part(0, rank, step, 0, round_up(r.outputs, kLanes), d[0] + rank * row,
                                 carried.kept[0].get() + rank * row);
                copy_row(d[0] + rank * row, round_up(r.outputs, kLanes),
                         carried.projections.get() + (plan.start[step] + rank) * row);
            }
            w_projection.multiply(d[0] + first * row, row, rows, d_out + first * row, row);
            for (i64 rank = first; rank < last && (masked || zoneout.of(0)); ++rank) {
                const float* kept = carried.kept[0].get();
                if (zoneout.of(0))
                    copy_row(kept + rank * row, round_up(r.outputs, kLanes), d[0] + rank * row);
                else
                    zero_row(round_up(r.outputs, kLanes), d[0] + rank * row);
            }
        }
        for (i64 rank = first; rank < last; ++rank) {
            if (!projecting) out.add_step(rank, step, begin, min64(end, r.units), d[0] + rank * row);
            float* gates = at.gates(step, rank);
            const float *old_row[Cell::states], *new_row[Cell::states];
            float *d_row[Cell::states], *remade[Cell::states] = {};
            for (i64 k = 0; k < Cell::states; ++k) {
                old_row[k] = at.state(k, step, rank);
                new_row[k] = at.state(k, step + 1, rank);
                d_row[k] = d[k] + rank * row;
            }
            if (projecting) {
                new_row[0] = at.projected(step, rank);
                d_row[0] = d_out + rank * row;
            }
            if (zoned) {
                for (i64 k = 0; k < Cell::states; ++k) {
                    remade[k] = carried.remade[k].get() + (plan.start[step] + rank) * row;
                    if (k > 0 || !projecting)
                        zoneout.part(k, rank, step, begin, end, d_row[k],
                                     carried.kept[k].get() + rank * row);
                    if (looks_at_new<Cell>) new_row[k] = remade[k];
                }
                remake_states(cell, gates, old_row, padded, begin, end, remade);
            }
            for (i64 u = begin; u < end; u += kLanes) {
                vf gate[Cell::slots], old_state[Cell::states], new_state[Cell::states],
                    grad[Cell::states];
                for (i64 s = 0; s < Cell::slots; ++s) gate[s] = load(gates + s * padded + u);
                for (i64 k = 0; k < Cell::states; ++k) {
                    old_state[k] = load(old_row[k] + u);
                    new_state[k] = load(new_row[k] + u);
                    grad[k] = load(d_row[k] + u);
                }
                const DiagonalAt<Cell> diagonal(carried.diagonals.get(), padded, u);
                if constexpr (diagonal.count > 0)
                    cell.backward(gate, old_state, new_state, grad, diagonal.weight);
                else
                    cell.backward(gate, old_state, new_state, grad);
                for (i64 s = 0; s < Cell::slots; ++s) store(gates + s * padded + u, gate[s]);
                for (i64 k = 0; k < Cell::states; ++k) store(d_row[k] + u, grad[k]);
            }
            if (zoned)
                for (i64 k = projecting; k < Cell::states; ++k)
                    if (zoneout.of(k))
                        add_row(carried.kept[k].get() + rank * row + begin, end - begin,
                                d_row[k] + begin);
        }
        // From here on d[0] holds the part of dh that does not pass through a product. Each part goes
        // on with the units that its own columns of the product are.
        if (!part.meet_or_part()) return;
        begin = part.unit(0, padded), end = part.unit(1, padded);
        bool accumulate = !masked && (Cell::carries_h || zoneout.of(0));
        if constexpr (Cell::second.count() > 0) {
            float* d_second = carried.second.get();
            w_second.multiply(carried.gates.of(at.gates(step, first) + Cell::second.begin * padded,
                                               at.row.gates, rows, Cell::second.count() * padded, first),
                              rows, d_second + first * row, row, begin, end, false);
            for (i64 rank = first; rank < last; ++rank) {
                float* gates = at.gates(step, rank);
                const float* h = at.h(step, rank);
                if (h == nullptr) h = at.state(0, step, rank);
                for (i64 u = begin; u < end; u += kLanes) {
                    vf gate[Cell::slots];
                    for (i64 s = 0; s < Cell::slots; ++s) gate[s] = load(gates + s * padded + u);
                    const vf dh = cell.backward_second(gate, load(h + u),
                                                       load(d_second + rank * row + u));
                    for (i64 s = 0; s < Cell::slots; ++s) store(gates + s * padded + u, gate[s]);
                    float* into = products + rank * row + u;
                    store(into, masked ? dh : load(into) + dh);
                }
            }
            accumulate = true;
            if (!part.meet()) return;
        }
        const i64 columns = projecting ? w_first.columns() : end;
        w_first.multiply(carried.gates.of(at.gates(step, first) + Cell::h_slots.begin * padded,
                                          at.row.gates, rows, Cell::h_slots.count() * padded, first),
                         rows, products + first * row, row, begin, columns, accumulate);
        if (masked)
            for (i64 rank = first; rank < last; ++rank)
                add_masked(r, plan.rows[rank], products + rank * row, begin, min64(columns, r.outputs),
                           d[0] + rank * row);
    }
    if (!part.meet()) return;
    part.for_ranks([&](i64 rank) {
        out.add_leading(rank, d[0] + rank * row);
        for (i64 k = 0; k < Cell::states; ++k)
            if (g.dinitial[k] != nullptr)
                store_state(d[k] + rank * row, state_width(r, k),
                            g.dinitial[k] + plan.rows[rank] * state_width(r, k));
    });
}

// dx = dG·W_xᵀ, back to (batch, time) order.
template <class Cell> void input_gradient(const Recurrent& r, float* dx) {
    constexpr i64 kTaskRows = 8 * kTileRows;
    const i64 tokens = r.plan.tokens, padded = padded_units(r.units), row = RowLayout<Cell>(r).gates;
    const SlotMatrix m = {r.kernel, r.inputs, Cell::gates, r.units, Cell::x_gate};
    const TransposedWeights weights(m, Cell::x_slots, r.bf16);
    const i64 columns = weights.columns();
    const i64 depth = Cell::x_slots.count() * padded;
    const Floats by_token(tokens * columns);
    const OperandRows operand(r.bf16, tokens, depth);
    const float* gates = r.saved.gates + Cell::x_slots.begin * padded;
    parallel_tasks((tokens + kTaskRows - 1) / kTaskRows,
                   multiply_nanoseconds(kTaskRows, columns, depth),
                   [&](i64 task) {
                       const i64 first = task * kTaskRows, rows = min64(kTaskRows, tokens - first);
                       weights.multiply(operand.of(gates + first * row, row, rows, depth, first), rows,
                                        by_token.get() + first * columns, columns, 0, columns, false);
                   });
    parallel_tasks(r.plan.batch, copy_nanoseconds(r.plan.time * r.inputs),
                   [&](i64 rank) { scatter_input(r, rank, by_token.get(), columns, dx); });
}

template <class Cell> void backward(const Cell& cell, const Recurrent& r, const RecurrentGrad& g) {
    const i64 row = RowLayout<Cell>(r).state, rows = r.plan.batch * row;
    {
        const SlotMatrix m = {r.recurrent_kernel, r.outputs, Cell::gates, r.units, Cell::h_gate};
        const TransposedWeights w_first(m, Cell::h_slots, r.bf16), w_second(m, Cell::second, r.bf16);
        const StepBuffers<Cell> at(r);
        const ZoneoutRows zoneout(r, Cell::states);
        Carried carried;
        carried.gates = OperandRows(r.bf16, r.plan.batch, Cell::slots * padded_units(r.units));
        for (i64 k = 0; k < Cell::states; ++k) carried.d[k] = Floats(rows);
        if (Cell::second.count() > 0) carried.second = Floats(rows);
        if (r.recurrent_mask != nullptr) carried.operand = Floats(rows);
        if (projects(r)) {
            carried.put_out = Floats(rows);
            carried.projections = Floats(r.plan.tokens * row);
        }
        for (i64 k = 0; k < Cell::states && zoneout.any(); ++k) {
            carried.kept[k] = Floats(rows);
            if (looks_at_new<Cell>) carried.remade[k] = Floats(r.plan.tokens * row);
        }
        const PackedMatrix w_projection = projection_back(r);
        carried.diagonals = padded_diagonals(r, diagonals_of<Cell>);
        for_parts<Cell>(r, [&](const Part& part) {
            backward_part(cell, r, g, w_first, w_second, w_projection, at, zoneout, carried, part);
        });
        if (projects(r))
            gemm({r.units, r.outputs, r.plan.tokens, r.saved.projected, 1, row,
                  carried.projections.get(), row, 1, nullptr, g.dprojection, r.outputs, false});
        if (g.ddiagonal != nullptr) diagonal_gradient<Cell>(r, at, carried.remade, g.ddiagonal);
    }
    weight_gradients<Cell>(r, g);
    if (g.dx != nullptr) input_gradient<Cell>(r, g.dx);
}

} // namespace
} // namespace gw::GW_ISA

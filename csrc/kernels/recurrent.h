// The one time loop: forward and backward through time for every cell.
//
// Each thread owns a range of ranks and runs all steps of them without meeting another thread; where
// rows are few and weights large, all threads share the rows and each owns a part of the weights. Per
// step: gather x_t, multiply into the slots, apply the cell, hand the state on. The weight gradients are
// merged over all tokens after the loop.
#pragma once
#include "kernels/cell_rows.h"
#include "kernels/parts.h"
#include "kernels/weight_gradients.h"
#include "kernels/zoneout.h"

namespace gw::GW_ISA {
namespace {

// Adds x·W_x, h·W_h or both (a null operand is left out) to `rows` rows of gates, in the panels of a
// part; whichever comes first for a panel starts from the bias. Every other step takes the panels backwards:
// the last ones of the step before are still in the cache.
inline void multiply_first(const Part& part, const ForwardWeights& weights, i64 rows,
                           const ProductRows& x, const ProductRows& h, float* gates, i64 gates_row,
                           bool backwards = false) {
    PanelRunner runner(rows);
    part.for_panels(0, weights.first(), backwards, [&](i64 i, i64 after) {
        const CellPanel& panel = weights.panels()[i];
        const CellPanel& next = weights.panels()[after];
        const bool ask = weights.far() && after != i && next.vectors == panel.vectors;
        Tile& t = runner.next(gates + panel.column, gates_row);
        t.words = weights.words();
        if (x.data != nullptr && panel.x != nullptr)
            t.add({x.data, x.row, 1, panel.x, panel.vectors * kLanes, x.k, ask ? next.x : nullptr});
        if (h.data != nullptr && panel.h != nullptr)
            t.add({h.data, h.row, 1, panel.h, panel.vectors * kLanes, h.k, ask ? next.h : nullptr});
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
    part.for_panels(0, weights.first(), false, [&](i64 i, i64) {
        const CellPanel& panel = weights.panels()[i];
        if (panel.x == nullptr) return;
        for (i64 s = step; s < stop; ++s) {
            if (rows_at(s) <= 0) break;
            const ProductRows x = at.x_operand_made(r, s, part.first);
            PanelRunner runner(rows_at(s));
            Tile& t = runner.next(at.gates(s, part.first) + panel.column, at.row.gates);
            t.words = weights.words();
            t.add({x.data, x.row, 1, panel.x, panel.vectors * kLanes, x.k});
            t.start = weights.bias() + panel.column;
            runner.run(t, panel.vectors);
        }
    });
}

// The rows of a rank at a step.
template <class Cell>
GW_INLINE StepRow<Cell> step_row(const Recurrent& r, const StepBuffers<Cell>& at, i64 step, i64 rank,
                                 const float* diagonals, const float* norms) {
    StepRow<Cell> row = {};
    row.gates = at.gates(step, rank);
    for (i64 k = 0; k < Cell::states; ++k) row.prev[k] = at.state(k, step, rank);
    row.units = r.units;
    row.padded = padded_units(r.units);
    row.diagonals = diagonals;
    row.norms = norms;
    row.epsilon = r.epsilon;
    return row;
}

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
                       at.h_operand(r, step, first, rows), at.gates(step, first), at.row.gates,
                       step % 2 == 1);
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
                part.for_panels(weights.first(), weights.first() + weights.second(), false, [&](i64 i, i64) {
                    const CellPanel& panel = weights.panels()[i];
                    Tile& t = runner.next(at.gates(step, first) + panel.column, at.row.gates);
                    t.words = weights.words();
                    t.add({second.data, second.row, 1, panel.h, panel.vectors * kLanes, second.k});
                    t.start = t.c;
                    t.start_row = at.row.gates;
                    runner.run(t, panel.vectors);
                });
            }
            if (!part.meet()) return;
        }
        for (i64 rank = first; rank < last; ++rank) {
            StepRow<Cell> row = step_row(r, at, step, rank, weights.diagonals(), weights.norms());
            row.begin = begin, row.end = end;
            float* next[Cell::states];
            for (i64 k = 0; k < Cell::states; ++k) next[k] = at.state(k, step + 1, rank);
            if (projecting) next[0] = at.projected(step, rank);
            forward_row(cell, row, next);
            if (zoned)
                for (i64 k = projecting; k < Cell::states; ++k)
                    zoneout.mix(k, rank, step, row.prev[k], begin, end, next[k]);
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
    Floats norms;         // [D, padded] the weights of normalized rows
    Floats dnorms;        // [batch, D, padded] their gradients, by rank
    Floats work;          // [batch, scratch, padded] working memory; each part takes that of its first rank
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
    const i64 norm_row = norm_rows(layout_of<Cell>()) * padded, work_row = scratch_of<Cell> * padded;
    float* d_out = carried.put_out.get();
    float* d[Cell::states];
    for (i64 k = 0; k < Cell::states; ++k) d[k] = carried.d[k].get();
    part.for_ranks([&](i64 rank) {
        for (i64 k = 0; k < Cell::states; ++k)
            load_state(g.dfinal[k], plan.rows[rank], state_width(r, k), d[k] + rank * row);
        out.add_last(rank, d[0] + rank * row);
        zero_row(norm_row, carried.dnorms.get() + rank * norm_row);
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
            StepRow<Cell> own =
                step_row(r, at, step, rank, carried.diagonals.get(), carried.norms.get());
            own.begin = begin, own.end = end;
            const float* new_row[Cell::states];
            float *d_row[Cell::states], *remade[Cell::states] = {};
            for (i64 k = 0; k < Cell::states; ++k) {
                new_row[k] = at.state(k, step + 1, rank);
                d_row[k] = d[k] + rank * row;
            }
            if (projecting) {
                new_row[0] = at.projected(step, rank);
                d_row[0] = d_out + rank * row;
            }
            if (zoned) {
                for (i64 k = 0; k < Cell::states; ++k) {
                    if (k > 0 || !projecting)
                        zoneout.part(k, rank, step, begin, end, d_row[k],
                                     carried.kept[k].get() + rank * row);
                    if (looks_at_new<Cell>)
                        new_row[k] = remade[k] =
                            carried.remade[k].get() + (plan.start[step] + rank) * row;
                }
                remake_states(cell, own, remade);
            }
            backward_row(cell, own, new_row, d_row, carried.work.get() + first * work_row,
                         carried.dnorms.get() + rank * norm_row);
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
                              rows, d_second + first * row, row, begin, end, false, step % 2 == 1);
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
                         rows, products + first * row, row, begin, columns, accumulate, step % 2 == 1);
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
    const i64 tokens = r.plan.tokens, padded = padded_units(r.units), row = RowLayout<Cell>(r).gates;
    const SlotMatrix m = {r.kernel, r.inputs, Cell::gates, r.units, Cell::x_gate};
    const TransposedWeights weights(m, Cell::x_slots, r.bf16);
    const i64 columns = weights.columns(), by_token_row = row_floats(columns);
    const i64 depth = Cell::x_slots.count() * padded;
    const Floats by_token(tokens * by_token_row);
    const OperandRows operand(words_of(r), tokens, depth);
    const float* gates = r.saved.gates + Cell::x_slots.begin * padded;
    // Each task reads all weights: where these come from far away, so many rows that it does not matter.
    constexpr i64 kFewest = 8 * kTileRows, kMost = 32 * kTileRows;
    const bool many = columns * depth > kCachedWeights || (kHasTiles && r.bf16);
    const i64 most = many ? kMost : kFewest;
    const i64 tasks = round_up(1 + tokens / most, max_threads());
    const i64 task_rows = round_up(1 + tokens / tasks, kTileRows);
    parallel_tasks((tokens + task_rows - 1) / task_rows, multiply_nanoseconds(task_rows, columns, depth),
                   [&](i64 task) {
                       const i64 first = task * task_rows, rows = min64(task_rows, tokens - first);
                       weights.multiply(operand.of(gates + first * row, row, rows, depth, first), rows,
                                        by_token.get() + first * by_token_row, by_token_row, 0, columns,
                                        false);
                   });
    parallel_tasks(r.plan.batch, copy_nanoseconds(r.plan.time * r.inputs),
                   [&](i64 rank) { scatter_input(r, rank, by_token.get(), by_token_row, dx); });
}

template <class Cell> void backward(const Cell& cell, const Recurrent& r, const RecurrentGrad& g) {
    const i64 row = RowLayout<Cell>(r).state, rows = r.plan.batch * row;
    {
        const SlotMatrix m = {r.recurrent_kernel, r.outputs, Cell::gates, r.units, Cell::h_gate};
        const TransposedWeights w_first(m, Cell::h_slots, r.bf16), w_second(m, Cell::second, r.bf16);
        const StepBuffers<Cell> at(r);
        const ZoneoutRows zoneout(r, Cell::states);
        Carried carried;
        carried.gates = OperandRows(words_of(r), r.plan.batch, Cell::slots * padded_units(r.units));
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
        if constexpr (normalizes<Cell>) {
            const CellLayout layout = layout_of<Cell>();
            const i64 padded = padded_units(r.units);
            carried.norms = norm_weights(r, layout);
            carried.dnorms = Floats(r.plan.batch * norm_rows(layout) * padded);
            carried.work = Floats(r.plan.batch * scratch_of<Cell> * padded);
        }
        for_parts<Cell>(r, [&](const Part& part) {
            backward_part(cell, r, g, w_first, w_second, w_projection, at, zoneout, carried, part);
        });
        if (projects(r))
            gemm({r.units, r.outputs, r.plan.tokens, r.saved.projected, 1, row,
                  carried.projections.get(), row, 1, nullptr, g.dprojection, r.outputs, false});
        if constexpr (normalizes<Cell>) norm_gradients<Cell>(r, g, carried.dnorms.get());
        if (g.ddiagonal != nullptr) diagonal_gradient<Cell>(r, at, carried.remade, g.ddiagonal);
    }
    weight_gradients<Cell>(r, g);
    if (g.dx != nullptr) input_gradient<Cell>(r, g.dx);
}

} // namespace
} // namespace gw::GW_ISA

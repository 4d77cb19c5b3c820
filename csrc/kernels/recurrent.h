// The one time loop: forward and backward through time for every cell.
//
// Each thread owns a range of ranks and runs all steps of them without meeting another thread. Per step:
// gather x_t, multiply into the slots, apply the cell, hand the state on. The weight gradients are
// merged over all tokens after the loop.
#pragma once
#include "kernels/cell_weights.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"
#include "kernels/sequence_io.h"
#include "kernels/weight_gradients.h"

namespace gw::GW_ISA {
namespace {

// With few rows the weights cost more than the rows: x·W_x is computed for several steps at once, so that
// only W_h is read at each.
constexpr i64 kAheadRows = 4;   // up to this many rows
constexpr i64 kAheadSteps = 16;

inline i64 steps_ahead(const SequencePlan& plan) {
    return plan.batch <= kAheadRows ? min64(kAheadSteps, plan.steps) : 1;
}

// Where the rows of a step lie: one block per step when everything is kept, else blocks in turn.
template <class Cell> class StepBuffers {
  public:
    StepBuffers(const Recurrent& r)
        : row(r), plan_(r.plan), keep_(r.saved.gates != nullptr), ahead_(steps_ahead(r.plan)),
          at_(r.saved) {
        if (keep_) return;
        const i64 rows = r.plan.batch;
        gates_ = Floats(rows * ahead_ * row.gates);
        x_ = Floats(rows * ahead_ * row.x);
        at_.gates = gates_.get();
        at_.x = x_.get();
        for (i64 k = 0; k < Cell::states; ++k) {
            states_[k] = Floats(2 * rows * row.state);
            at_.states[k] = states_[k].get();
        }
        if (r.recurrent_mask != nullptr) h_ = Floats(rows * row.state);
        if (Cell::second.count() > 0) second_ = Floats(rows * row.state);
        if (projects(r)) projected_ = Floats(rows * row.state);
        at_.h = h_.get();
        at_.second = second_.get();
        at_.projected = projected_.get();
    }

    const RowLayout<Cell> row;

    i64 ahead() const { return ahead_; } // steps whose gates lie side by side
    float* gates(i64 step, i64 rank) const { return at_.gates + (token(step) + rank) * row.gates; }
    float* x(i64 step, i64 rank) const { return at_.x + (token(step) + rank) * row.x; }
    // What the cell puts out, where h is the projection of it; else null.
    float* projected(i64 step, i64 rank) const {
        return at_.projected == nullptr ? nullptr : at_.projected + (kept(step) + rank) * row.state;
    }
    float* second(i64 step, i64 rank) const { return at_.second + (kept(step) + rank) * row.state; }
    // h as the products see it, when that is not the state itself; else null.
    float* h(i64 step, i64 rank) const {
        return at_.h == nullptr ? nullptr : at_.h + (kept(step) + rank) * row.state;
    }
    // The state a step starts from; state(plan.lengths[rank], ...) is the final one.
    float* state(i64 k, i64 step, i64 rank) const {
        const i64 block = keep_ ? (step == 0 ? 0 : plan_.batch + plan_.start[step - 1])
                                : (step & 1) * plan_.batch;
        return at_.states[k] + (block + rank) * row.state;
    }

  private:
    i64 kept(i64 step) const { return keep_ ? plan_.start[step] : 0; }
    i64 token(i64 step) const {
        return plan_.start[step] - (keep_ ? 0 : plan_.start[step - step % ahead_]);
    }
    const SequencePlan& plan_;
    bool keep_;
    i64 ahead_;
    RecurrentSaved at_;
    Floats gates_, states_[kMaxStates], x_, h_, second_, projected_;
};

// Runs body(first rank, last rank) over blocks of rows, in parallel. A block goes through all steps by
// itself. Where the weights stay in the cache between steps, small blocks keep everything else there
// too; where they do not, each thread takes one block, so that they are read as seldom as possible.
template <class Cell, class Body> void for_row_blocks(const Recurrent& r, const Body& body) {
    constexpr i64 kBlockRows = 48;
    constexpr i64 kCachedWeights = 1 << 16; // floats
    const SequencePlan& plan = r.plan;
    const i64 columns = Cell::slots * padded_units(r.units), depth = r.inputs + r.outputs;
    if (plan.batch == 0) return;
    i64 threads =
        min64(worthwhile_threads(multiply_nanoseconds(plan.tokens, columns, depth)), plan.batch);
    if (plan.batch <= kAheadRows) threads = 1;
    i64 blocks = threads;
    if (columns * depth <= kCachedWeights)
        blocks = round_up((plan.batch + kBlockRows - 1) / kBlockRows, threads);
    TaskCounter counter;
    parallel(static_cast<int>(threads), [&](int) {
        for (i64 block; (block = counter.take()) < blocks;)
            body(rank_boundary(plan, block, blocks), rank_boundary(plan, block + 1, blocks));
    });
    throw_if_interrupted();
}

// Adds x·W_x, h·W_h or both (a null operand is left out) to rows of gates; whichever comes first for a
// panel starts from the bias.
inline void multiply_first(const ForwardWeights& weights, i64 rows, const float* x, i64 x_row,
                           i64 inputs, const float* h, i64 h_row, i64 units, float* gates,
                           i64 gates_row) {
    PanelRunner runner(rows);
    for (i64 i = 0; i < weights.first(); ++i) {
        const CellPanel& panel = weights.panels()[i];
        Tile t(gates + panel.column, gates_row);
        if (x != nullptr && panel.x != nullptr)
            t.add({x, x_row, 1, panel.x, panel.vectors * kLanes, inputs});
        if (h != nullptr && panel.h != nullptr)
            t.add({h, h_row, 1, panel.h, panel.vectors * kLanes, units});
        if (t.operands == 0) continue;
        if (x == nullptr && panel.x != nullptr) {
            t.start = t.c;
            t.start_row = gates_row;
        } else {
            t.start = weights.bias() + panel.column;
        }
        runner.run(t, panel.vectors);
    }
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

template <class Cell> void forward_rows(const Cell& cell, const Recurrent& r,
                                        const ForwardWeights& weights, const StepBuffers<Cell>& at,
                                        i64 first, i64 last) {
    const SequencePlan& plan = r.plan;
    const i64 padded = padded_units(r.units);
    const OutputRows out(r);
    for (i64 rank = first; rank < last; ++rank) {
        for (i64 k = 0; k < Cell::states; ++k)
            load_state(r.initial[k], plan.rows[rank], state_width(r, k), at.state(k, 0, rank));
        out.write_leading(rank, at.state(0, 0, rank));
    }
    const bool projecting = projects(r);
    const bool ahead = at.ahead() > 1; // then first is 0 and last the batch
    for (i64 step = 0; step < plan.steps && !interrupted(); ++step) {
        const i64 end = min64(last, plan.active[step]), rows = end - first;
        if (rows <= 0) break;
        if (step % at.ahead() == 0) {
            const i64 stop = min64(step + at.ahead(), plan.steps);
            for (i64 s = step; s < stop; ++s)
                for (i64 rank = first; rank < min64(last, plan.active[s]); ++rank)
                    gather_input(r, rank, s, at.x(s, rank));
            if (ahead)
                multiply_first(weights, plan.start[stop] - plan.start[step], at.x(step, 0), at.row.x,
                               r.inputs, nullptr, 0, 0, at.gates(step, 0), at.row.gates);
        }
        if (at.h(step, first) != nullptr)
            for (i64 rank = first; rank < end; ++rank)
                mask_state(r, plan.rows[rank], at.state(0, step, rank), at.h(step, rank));
        const float* h = at.h(step, first);
        if (h == nullptr) h = at.state(0, step, first);
        multiply_first(weights, rows, ahead ? nullptr : at.x(step, first), at.row.x, r.inputs, h,
                       at.row.state, r.outputs, at.gates(step, first), at.row.gates);
        if constexpr (Cell::second.count() > 0) {
            for (i64 rank = first; rank < end; ++rank) {
                const float* gates = at.gates(step, rank);
                const float* operand = h + (rank - first) * at.row.state;
                for (i64 u = 0; u < padded; u += kLanes) {
                    vf gate[Cell::slots];
                    for (i64 s = 0; s < Cell::slots; ++s) gate[s] = load(gates + s * padded + u);
                    store(at.second(step, rank) + u, cell.forward_first(gate, load(operand + u)));
                }
            }
            PanelRunner runner(rows);
            for (i64 i = weights.first(); i < weights.first() + weights.second(); ++i) {
                const CellPanel& panel = weights.panels()[i];
                Tile t(at.gates(step, first) + panel.column, at.row.gates);
                t.add({at.second(step, first), at.row.state, 1, panel.h, panel.vectors * kLanes,
                       r.units});
                t.start = t.c;
                t.start_row = at.row.gates;
                runner.run(t, panel.vectors);
            }
        }
        for (i64 rank = first; rank < end; ++rank) {
            float* gates = at.gates(step, rank);
            const float* prev[Cell::states];
            float* next[Cell::states];
            for (i64 k = 0; k < Cell::states; ++k) {
                prev[k] = at.state(k, step, rank);
                next[k] = at.state(k, step + 1, rank);
            }
            if (projecting) next[0] = at.projected(step, rank);
            for (i64 u = 0; u < padded; u += kLanes) {
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
            if (!projecting) out.write_step(rank, step, next[0]);
        }
        if (projecting) {
            weights.projection().multiply(at.projected(step, first), at.row.state, rows,
                                          at.state(0, step + 1, first), at.row.state);
            for (i64 rank = first; rank < end; ++rank)
                out.write_step(rank, step, at.state(0, step + 1, rank));
        }
    }
    for (i64 rank = first; rank < last; ++rank) {
        for (i64 k = 0; k < Cell::states; ++k)
            store_state(at.state(k, plan.lengths[rank], rank), state_width(r, k),
                        r.final_states[k] + plan.rows[rank] * state_width(r, k));
        out.write_last(rank, at.state(0, plan.lengths[rank], rank));
    }
}

template <class Cell> void forward(const Cell& cell, const Recurrent& r) {
    const StepBuffers<Cell> at(r);
    auto run = [&](const ForwardWeights& weights) {
        for_row_blocks<Cell>(
            r, [&](i64 first, i64 last) { forward_rows(cell, r, weights, at, first, last); });
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
};

template <class Cell> void backward_rows(const Cell& cell, const Recurrent& r,
                                         const RecurrentGrad& g, const TransposedWeights& w_first,
                                         const TransposedWeights& w_second,
                                         const PackedMatrix& w_projection,
                                         const StepBuffers<Cell>& at, const Carried& carried,
                                         i64 first, i64 last) {
    const SequencePlan& plan = r.plan;
    const i64 padded = padded_units(r.units), row = at.row.state;
    const OutputGrad out(r, g);
    const bool masked = r.recurrent_mask != nullptr, projecting = projects(r);
    float* d_out = carried.put_out.get();
    float* d[Cell::states];
    for (i64 k = 0; k < Cell::states; ++k) {
        d[k] = carried.d[k].get();
        for (i64 rank = first; rank < last; ++rank)
            load_state(g.dfinal[k], plan.rows[rank], state_width(r, k), d[k] + rank * row);
    }
    for (i64 rank = first; rank < last; ++rank) out.add_last(rank, d[0] + rank * row);

    for (i64 step = plan.steps; step-- > 0 && !interrupted();) {
        const i64 end = min64(last, plan.active[step]), rows = end - first;
        if (rows <= 0) continue;
        float* products = masked ? carried.operand.get() : d[0];
        if (projecting) {
            for (i64 rank = first; rank < end; ++rank) {
                out.add_step(rank, step, d[0] + rank * row);
                copy_row(d[0] + rank * row, round_up(r.outputs, kLanes),
                         carried.projections.get() + (plan.start[step] + rank) * row);
            }
            w_projection.multiply(d[0] + first * row, row, rows, d_out + first * row, row);
            if (masked)
                for (i64 rank = first; rank < end; ++rank)
                    zero_row(round_up(r.outputs, kLanes), d[0] + rank * row);
        }
        for (i64 rank = first; rank < end; ++rank) {
            if (!projecting) out.add_step(rank, step, d[0] + rank * row);
            float* gates = at.gates(step, rank);
            const float* new_row[Cell::states];
            float* d_row[Cell::states];
            for (i64 k = 0; k < Cell::states; ++k) {
                new_row[k] = at.state(k, step + 1, rank);
                d_row[k] = d[k] + rank * row;
            }
            if (projecting) {
                new_row[0] = at.projected(step, rank);
                d_row[0] = d_out + rank * row;
            }
            for (i64 u = 0; u < padded; u += kLanes) {
                vf gate[Cell::slots], old_state[Cell::states], new_state[Cell::states],
                    grad[Cell::states];
                for (i64 s = 0; s < Cell::slots; ++s) gate[s] = load(gates + s * padded + u);
                for (i64 k = 0; k < Cell::states; ++k) {
                    old_state[k] = load(at.state(k, step, rank) + u);
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
        }
        // From here on d[0] holds the part of dh that does not pass through a product.
        bool accumulate = !masked && Cell::carries_h;
        if constexpr (Cell::second.count() > 0) {
            float* d_second = carried.second.get();
            w_second.multiply(at.gates(step, first) + Cell::second.begin * padded, at.row.gates, rows,
                              d_second + first * row, row, false);
            for (i64 rank = first; rank < end; ++rank) {
                float* gates = at.gates(step, rank);
                const float* h = at.h(step, rank);
                if (h == nullptr) h = at.state(0, step, rank);
                for (i64 u = 0; u < padded; u += kLanes) {
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
        }
        w_first.multiply(at.gates(step, first) + Cell::h_slots.begin * padded, at.row.gates, rows,
                         products + first * row, row, accumulate);
        if (masked)
            for (i64 rank = first; rank < end; ++rank)
                add_masked(r, plan.rows[rank], products + rank * row, d[0] + rank * row);
    }
    for (i64 rank = first; rank < last; ++rank) {
        out.add_leading(rank, d[0] + rank * row);
        for (i64 k = 0; k < Cell::states; ++k)
            if (g.dinitial[k] != nullptr)
                store_state(d[k] + rank * row, state_width(r, k),
                            g.dinitial[k] + plan.rows[rank] * state_width(r, k));
    }
}

// dx = dG·W_xᵀ, back to (batch, time) order.
template <class Cell> void input_gradient(const Recurrent& r, float* dx) {
    const i64 padded = padded_units(r.units), width = Cell::x_slots.count() * padded;
    const SlotMatrix m = {r.kernel, r.inputs, Cell::gates, r.units, Cell::x_gate};
    const Floats weights = padded_copy(m, Cell::x_slots);
    const Floats by_token(r.plan.tokens * r.inputs);
    gemm({r.plan.tokens, r.inputs, width, r.saved.gates + Cell::x_slots.begin * padded,
          RowLayout<Cell>(r).gates, 1, weights.get(), 1, width, nullptr, by_token.get(), r.inputs, false});
    const double nanoseconds = copy_nanoseconds(r.plan.time * r.inputs);
    parallel_tasks(r.plan.batch, nanoseconds,
                   [&](i64 rank) { scatter_input(r, rank, by_token.get(), dx); });
}

template <class Cell> void backward(const Cell& cell, const Recurrent& r, const RecurrentGrad& g) {
    const i64 rows = r.plan.batch * RowLayout<Cell>(r).state;
    {
        const TransposedWeights w_first(r, Cell::gates, Cell::h_gate, Cell::h_slots);
        const TransposedWeights w_second(r, Cell::gates, Cell::h_gate, Cell::second);
        const StepBuffers<Cell> at(r);
        Carried carried;
        for (i64 k = 0; k < Cell::states; ++k) carried.d[k] = Floats(rows);
        if (Cell::second.count() > 0) carried.second = Floats(rows);
        if (r.recurrent_mask != nullptr) carried.operand = Floats(rows);
        const i64 row = RowLayout<Cell>(r).state;
        if (projects(r)) {
            carried.put_out = Floats(rows);
            carried.projections = Floats(r.plan.tokens * row);
        }
        const PackedMatrix w_projection = projection_back(r);
        carried.diagonals = padded_diagonals(r, diagonals_of<Cell>);
        for_row_blocks<Cell>(r, [&](i64 first, i64 last) {
            backward_rows(cell, r, g, w_first, w_second, w_projection, at, carried, first, last);
        });
        if (projects(r))
            gemm({r.units, r.outputs, r.plan.tokens, r.saved.projected, 1, row,
                  carried.projections.get(), row, 1, nullptr, g.dprojection, r.outputs, false});
        if (g.ddiagonal != nullptr) diagonal_gradient<Cell>(r, at, g.ddiagonal);
    }
    weight_gradients<Cell>(r, g);
    if (g.dx != nullptr) input_gradient<Cell>(r, g.dx);
}

} // namespace
} // namespace gw::GW_ISA

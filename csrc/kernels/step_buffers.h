// Where the time loop keeps the rows of each step, and how many steps it looks ahead.
#pragma once
#include "kernels/cell_weights.h"

namespace gw::GW_ISA {
namespace {

// Weights up to this many floats stay in a core's cache from one step to the next.
constexpr i64 kCachedWeights = 1 << 16;

// Words of W_x and W_h together, as they are read.
template <class Cell> i64 weights_of(const Recurrent& r) {
    const i64 depth = r.inputs + r.outputs;
    return Cell::slots * padded_units(r.units) * word_count(words_of(r), depth);
}

// Where the weights do not stay in the cache, or cost more than the few rows they meet, x·W_x is computed
// for several steps at once, so that only W_h is read at each.
inline i64 steps_ahead(const SequencePlan& plan, i64 weights, bool tiles) {
    constexpr i64 kFewRows = 4, kFewSteps = 16; // always, for so few rows
    const i64 most_rows = tiles ? 384 : 192;    // of all steps together; tiles are done sooner
    if (plan.batch <= kFewRows) return min64(kFewSteps, plan.steps);
    if (weights <= kCachedWeights || 2 * plan.batch > most_rows) return 1;
    return min64(most_rows / plan.batch, plan.steps);
}

// Where the rows of a step lie: one block per step when everything is kept, else blocks in turn.
template <class Cell> class StepBuffers {
  public:
    explicit StepBuffers(const Recurrent& r)
        : row(r), plan_(r.plan), keep_(r.saved.gates != nullptr),
          ahead_(steps_ahead(r.plan, weights_of<Cell>(r), kHasTiles && words_of(r) != Words::floats)), at_(r.saved),
          x_rows_(words_of(r), ahead_ * r.plan.batch, r.inputs), h_rows_(words_of(r), r.plan.batch, r.outputs),
          second_rows_(words_of(r), Cell::second.count() > 0 ? r.plan.batch : 0, r.units) {
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
    // Rows of all ranks at steps [step, stop), which follow each other from the first one's.
    i64 rows_of(i64 step, i64 stop) const {
        return keep_ ? plan_.start[stop] - plan_.start[step] : (stop - step) * plan_.batch;
    }
    // Whether a rank that is done has rows like the others.
    bool has_rows_of_done() const { return !keep_ && plan_.ragged; }
    float* gates(i64 step, i64 rank) const { return at_.gates + (token(step) + rank) * row.gates; }
    float* x(i64 step, i64 rank) const { return at_.x + (token(step) + rank) * row.x; }
    // What the cell puts out, where h is the projection of it; else null.
    float* projected(i64 step, i64 rank) const {
        return at_.projected == nullptr ? nullptr : at_.projected + (kept(step) + rank) * row.state;
    }
    // The same as left operands of products, of `rows` ranks from `rank` on.
    ProductRows x_operand(const Recurrent& r, i64 step, i64 rank, i64 rows) const {
        return x_rows_.of(x(step, rank), row.x, rows, r.inputs, step % ahead_ * plan_.batch + rank);
    }
    ProductRows x_operand_made(const Recurrent& r, i64 step, i64 rank) const {
        return x_rows_.made(x(step, rank), row.x, r.inputs, step % ahead_ * plan_.batch + rank);
    }
    ProductRows h_operand(const Recurrent& r, i64 step, i64 rank, i64 rows) const {
        const float* masked = h(step, rank);
        return h_rows_.of(masked != nullptr ? masked : state(0, step, rank), row.state, rows, r.outputs,
                          rank);
    }
    ProductRows second_operand(const Recurrent& r, i64 step, i64 rank, i64 rows) const {
        return second_rows_.of(second(step, rank), row.state, rows, r.units, rank);
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
    // Kept, tokens follow each other; else each rank has its place at every step, so that parts which are
    // at different steps do not meet.
    i64 token(i64 step) const {
        return keep_ ? plan_.start[step] : step % ahead_ * plan_.batch;
    }
    const SequencePlan& plan_;
    bool keep_;
    i64 ahead_;
    RecurrentSaved at_;
    Floats gates_, states_[kMaxStates], x_, h_, second_, projected_;
    OperandRows x_rows_, h_rows_, second_rows_;
};

} // namespace
} // namespace gw::GW_ISA

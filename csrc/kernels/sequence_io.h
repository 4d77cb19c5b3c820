// Moves rows between the user's (batch, time) arrays and the time loop's tokens.
#pragma once
#include "api/recurrent.h"
#include "kernels/elementwise.h"

namespace gw::GW_ISA {
namespace {

// First rank of a thread: ranks are split so that each thread gets about the same number of steps.
inline i64 rank_boundary(const SequencePlan& plan, i64 thread, i64 threads) {
    if (!plan.ragged) return plan.batch * thread / threads;
    i64 rank = 0;
    for (i64 sum = 0; rank < plan.batch && sum * threads < plan.tokens * thread; ++rank)
        sum += plan.lengths[rank];
    return thread == threads ? plan.batch : rank;
}

inline i64 position_of(const SequencePlan& plan, i64 rank, i64 step) {
    return plan.position != nullptr ? plan.position[rank * plan.time + step] : step;
}

// Position after the outputs that repeat those of a step.
inline i64 next_position(const SequencePlan& plan, i64 rank, i64 step) {
    return step + 1 < plan.lengths[rank] ? position_of(plan, rank, step + 1) : plan.time;
}

inline i64 first_position(const SequencePlan& plan, i64 rank) {
    return plan.lengths[rank] > 0 ? position_of(plan, rank, 0) : plan.time;
}

GW_INLINE void multiply_row(const float* from, const float* by, i64 n, float* to) {
    for_vectors(0, n, [&](i64 i, i64 lanes) {
        store_some(to + i, load_some(from + i, lanes) * load_some(by + i, lanes), lanes);
    });
}

GW_INLINE void add_row(const float* from, i64 n, float* to) {
    for_vectors(0, n, [&](i64 i, i64 lanes) {
        store_some(to + i, load_some(to + i, lanes) + load_some(from + i, lanes), lanes);
    });
}

GW_INLINE void zero_row(i64 n, float* to) {
    for_vectors(0, n, [&](i64 i, i64 lanes) { store_some(to + i, zero(), lanes); });
}

// A row of a user's [B, H] array into a padded row; a null array is zeros.
inline void load_state(const float* array, i64 row, i64 units, float* padded_row) {
    zero_row(round_up(units, kLanes), padded_row);
    if (array != nullptr) copy_row(array + row * units, units, padded_row);
}

// State 0 is h.
inline i64 state_width(const Recurrent& r, i64 k) { return k == 0 ? r.outputs : r.units; }

inline void store_state(const float* padded_row, i64 units, float* row) {
    copy_row(padded_row, units, row);
}

// x of (rank, step), dropout applied, and the one behind it.
GW_INLINE void gather_input(const Recurrent& r, i64 rank, i64 step, float* out) {
    const i64 row = r.plan.rows[rank], position = position_of(r.plan, rank, step);
    const i64 t = r.go_backwards ? r.plan.time - 1 - position : position;
    const float* x = r.x + (row * r.plan.time + t) * r.inputs;
    if (r.input_mask != nullptr)
        multiply_row(x, r.input_mask + row * r.inputs, r.inputs, out);
    else
        copy_row(x, r.inputs, out);
    out[r.inputs] = 1.0f;
}

// Its adjoint: one row of dx from the gradients by token, token_row floats apart; masked steps get zeros.
inline void scatter_input(const Recurrent& r, i64 rank, const float* by_token, i64 token_row,
                          float* dx) {
    const SequencePlan& plan = r.plan;
    const i64 row = plan.rows[rank];
    if (plan.lengths[rank] < plan.time)
        zero_row(plan.time * r.inputs, dx + row * plan.time * r.inputs);
    for (i64 step = 0; step < plan.lengths[rank]; ++step) {
        const i64 position = position_of(plan, rank, step);
        const i64 t = r.go_backwards ? plan.time - 1 - position : position;
        const float* from = by_token + (plan.start[step] + rank) * token_row;
        float* to = dx + (row * plan.time + t) * r.inputs;
        if (r.input_mask != nullptr)
            multiply_row(from, r.input_mask + row * r.inputs, r.inputs, to);
        else
            copy_row(from, r.inputs, to);
    }
}

// h as the products see it: dropout applied, or a plain copy; features [begin, end) of a padded row.
GW_INLINE void mask_state(const Recurrent& r, i64 row, const float* h, i64 begin, i64 end, float* out) {
    if (r.recurrent_mask != nullptr) {
        const i64 real = min64(end, r.outputs);
        multiply_row(h + begin, r.recurrent_mask + row * r.outputs + begin, real - begin, out + begin);
        for (i64 u = real; u < end; ++u) out[u] = 0.0f;
    } else {
        copy_row(h + begin, end - begin, out + begin);
    }
}

// dh += d_operand ⊙ mask for features [begin, end)
GW_INLINE void add_masked(const Recurrent& r, i64 row, const float* d_operand, i64 begin, i64 end,
                          float* dh) {
    const float* mask = r.recurrent_mask + row * r.outputs;
    for_vectors(begin, end - begin, [&](i64 i, i64 lanes) {
        const vf sum = load_some(dh + i, lanes) + load_some(d_operand + i, lanes) * load_some(mask + i, lanes);
        store_some(dh + i, sum, lanes);
    });
}

// Writes outputs. A masked step repeats the output before it (the initial state before the first real
// step), or is zero under zero_output_for_mask.
class OutputRows {
  public:
    explicit OutputRows(const Recurrent& r) : r_(r), plan_(r.plan) {}

    void write_leading(i64 rank, const float* h) const {
        if (r_.return_sequences) fill(rank, 0, first_position(plan_, rank), h, 0, r_.outputs);
    }
    // Features [begin, end).
    GW_INLINE void write_step(i64 rank, i64 step, const float* h, i64 begin, i64 end) const {
        if (!r_.return_sequences) return;
        const i64 position = position_of(plan_, rank, step);
        copy_row(h + begin, end - begin, row(rank, position) + begin);
        if (plan_.ragged) fill(rank, position + 1, next_position(plan_, rank, step), h, begin, end);
    }
    void write_last(i64 rank, const float* h) const {
        if (r_.return_sequences) return;
        float* y = r_.y + plan_.rows[rank] * r_.outputs;
        if (last_is_zero(r_, rank))
            zero_row(r_.outputs, y);
        else
            copy_row(h, r_.outputs, y);
    }
    static bool last_is_zero(const Recurrent& r, i64 rank) {
        const i64 length = r.plan.lengths[rank];
        return r.zero_output_for_mask &&
               (length == 0 || position_of(r.plan, rank, length - 1) != r.plan.time - 1);
    }

  private:
    float* row(i64 rank, i64 position) const {
        return r_.y + (plan_.rows[rank] * plan_.time + position) * r_.outputs;
    }
    void fill(i64 rank, i64 position, i64 stop, const float* h, i64 begin, i64 end) const {
        for (; position < stop; ++position) {
            if (r_.zero_output_for_mask)
                zero_row(end - begin, row(rank, position) + begin);
            else
                copy_row(h + begin, end - begin, row(rank, position) + begin);
        }
    }
    const Recurrent& r_;
    const SequencePlan& plan_;
};

// Adds the gradient of the outputs to that of the states they were copied from.
class OutputGrad {
  public:
    OutputGrad(const Recurrent& r, const RecurrentGrad& g) : r_(r), plan_(r.plan), dy_(g.dy) {}

    void add_last(i64 rank, float* dh) const {
        if (dy_ != nullptr && !r_.return_sequences && !OutputRows::last_is_zero(r_, rank))
            add_row(dy_ + plan_.rows[rank] * r_.outputs, r_.outputs, dh);
    }
    // Features [begin, end).
    GW_INLINE void add_step(i64 rank, i64 step, i64 begin, i64 end, float* dh) const {
        if (dy_ == nullptr || !r_.return_sequences) return;
        const i64 position = position_of(plan_, rank, step);
        add_row(row(rank, position) + begin, end - begin, dh + begin);
        if (plan_.ragged) add(rank, position + 1, next_position(plan_, rank, step), begin, end, dh);
    }
    void add_leading(i64 rank, float* dh) const {
        if (dy_ != nullptr && r_.return_sequences)
            add(rank, 0, first_position(plan_, rank), 0, r_.outputs, dh);
    }

  private:
    const float* row(i64 rank, i64 position) const {
        return dy_ + (plan_.rows[rank] * plan_.time + position) * r_.outputs;
    }
    void add(i64 rank, i64 position, i64 stop, i64 begin, i64 end, float* dh) const {
        if (r_.zero_output_for_mask) return;
        for (; position < stop; ++position)
            add_row(row(rank, position) + begin, end - begin, dh + begin);
    }
    const Recurrent& r_;
    const SequencePlan& plan_;
    const float* dy_;
};

} // namespace
} // namespace gw::GW_ISA

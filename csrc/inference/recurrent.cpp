#include "inference/recurrent.h"


namespace gw {

void RecurrentInstruction::plan(Values& values) {
    const std::size_t wanted = 1 + (masked ? 1 : 0) + (given_states ? count() : 0);
    check_counts(wanted, wanted, 1 + count());
    const Shape x = floats(values, 0, 3, 3);
    check_last(x, weights.inputs);
    const i64 batch = x.size[0], time = x.size[1];
    if (time == 0) fail("inputs", "have at least one time step", "shape " + x.text());
    if (kept_rows_ > 0 && batch != kept_rows_)
        fail("inputs", "have " + std::to_string(kept_rows_) + " rows, as the stream has", x.text());
    if (masked) {
        const Shape& mask = checked(values, 1, ValueKind::mask, 2, 2).shape;
        if (mask.size[0] != batch || mask.size[1] != time)
            fail("mask", "have shape (" + std::to_string(batch) + ", " + std::to_string(time) + ")",
                 mask.text());
    } else {
        order_->set(batch, time, nullptr, go_backwards);
    }
    for (std::size_t k = 0; given_states && k < count(); ++k) {
        const Shape wanted_state = {2, {batch, width(k)}};
        const Shape& state = floats(values, 1 + masked + k, 2, 2);
        if (!(state == wanted_state)) fail("initial_state", "have shape " + wanted_state.text(), state.text());
    }
    give(values, 0, return_sequences ? Shape{3, {batch, time, weights.outputs}}
                                         : Shape{2, {batch, weights.outputs}});
    for (std::size_t k = 0; k < count(); ++k) give(values, 1 + k, {2, {batch, width(k)}});
}

void RecurrentInstruction::run(const Kernels& kernels, Values& values) {
    const Value& x = in(values, 0);
    if (masked) order_->set(x.shape.size[0], x.shape.size[1], in(values, 1).mask(), go_backwards);
    Recurrent r = {};
    r.plan = order_->plan();
    r.inputs = weights.inputs;
    r.units = weights.units;
    r.outputs = weights.outputs;
    r.x = x.floats();
    r.packed = weights.packed.get();
    r.bf16 = weights.bf16;
    r.int8 = weights.int8;
    r.activation = activation;
    r.recurrent_activation = recurrent_activation;
    r.activation_clip = activation_clip;
    r.cell_clip = cell_clip;
    r.epsilon = epsilon;
    r.zoneout = zoneout;
    r.go_backwards = go_backwards;
    r.return_sequences = return_sequences;
    r.zero_output_for_mask = zero_output_for_mask;
    r.y = out(values).floats();
    for (std::size_t k = 0; k < count(); ++k) {
        r.final_states[k] = out(values, 1 + k).floats();
        if (given_states) r.initial[k] = in(values, 1 + masked + k).floats();
        if (kept_rows_ == 0) continue;
        r.initial[k] = kept_[k]->present();
        r.final_states[k] = kept_[k]->next();
    }
    kernels.recurrent_forward(weights.cell, r);
    for (std::size_t k = 0; kept_rows_ > 0 && k < count(); ++k)
        copy_bytes(out(values, 1 + k).data, r.final_states[k], out(values, 1 + k).bytes());
}

void RecurrentInstruction::keep_states(i64 batch, i64 /*most*/) {
    kept_rows_ = batch;
    for (std::size_t k = 0; k < count(); ++k) kept_[k]->start(batch, width(k));
}

void RecurrentInstruction::advance() {
    for (Own<KeptState>& state : kept_) state->advance();
}

void RecurrentInstruction::select_rows(const std::vector<i64>& rows) {
    Instruction::select_rows(rows);
    kept_rows_ = static_cast<i64>(rows.size());
}

std::vector<Instruction::Kept> RecurrentInstruction::kept() {
    std::vector<Kept> found;
    static const char* const names[kMaxStates] = {"h", "c"};
    for (std::size_t k = 0; kept_rows_ > 0 && k < count(); ++k)
        found.push_back({names[k], &*kept_[k], {width(k)}});
    return found;
}

} // namespace gw

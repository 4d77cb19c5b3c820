#include "inference/instruction.h"

namespace gw {

std::vector<StateArray> Instruction::states() {
    std::vector<StateArray> found;
    for (const Kept& one : kept()) {
        std::vector<i64> shape = {one.state->rows()};
        shape.insert(shape.end(), one.shape.begin(), one.shape.end());
        found.push_back({one.name, std::move(shape)});
    }
    return found;
}

void Instruction::read_state(std::size_t i, float* to) {
    const KeptState& state = *kept()[i].state;
    copy_bytes(to, state.present(), static_cast<std::size_t>(state.rows() * state.width()) * sizeof(float));
}

void Instruction::write_states(const std::vector<GivenState>& given) {
    const std::vector<Kept> own = kept();
    for (std::size_t i = 0; i < own.size(); ++i) {
        const KeptState& state = *own[i].state;
        copy_bytes(state.present(), given[i].data,
                   static_cast<std::size_t>(state.rows() * state.width()) * sizeof(float));
    }
}

void Instruction::reset_row(i64 row) {
    for (const Kept& one : kept()) {
        float* values = one.state->present() + row * one.state->width();
        for (i64 i = 0; i < one.state->width(); ++i) values[i] = 0.0f;
    }
}

void Instruction::select_rows(const std::vector<i64>& rows) {
    for (const Kept& one : kept()) one.state->select(rows);
}

} // namespace gw

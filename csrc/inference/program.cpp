#include "inference/program.h"
#include "inference/arena.h"

namespace gw {
namespace {

constexpr std::size_t kNever = static_cast<std::size_t>(-1);

[[noreturn]] void refuse(const std::string& what) {
    throw std::invalid_argument("program must " + what);
}

// Checks that every value is written once, before it is read, and finds its last reader.
std::vector<std::size_t> last_uses(std::size_t values, const std::vector<Constant>& constants,
                                   const std::vector<std::unique_ptr<Instruction>>& instructions,
                                   const std::vector<int>& inputs, const std::vector<int>& outputs) {
    std::vector<std::size_t> last(values, kNever);
    std::vector<bool> written(values, false), made(values, false), told(values, false);
    auto at = [&](int value) {
        if (value < 0 || static_cast<std::size_t>(value) >= values)
            refuse("name values in [0, " + std::to_string(values) + "), not " + std::to_string(value));
        return static_cast<std::size_t>(value);
    };
    auto write = [&](int value) {
        if (written[at(value)]) refuse("write each value once, not value " + std::to_string(value) + " again");
        written[at(value)] = true;
    };
    for (const int value : inputs) write(value);
    for (const Constant& constant : constants) write(constant.value);
    for (std::size_t i = 0; i < instructions.size(); ++i) {
        for (const int value : instructions[i]->inputs) {
            if (!written[at(value)])
                refuse("write each value before it is read, not value " + std::to_string(value) + " later");
            last[at(value)] = i;
        }
        for (const int value : instructions[i]->outputs) {
            write(value);
            made[at(value)] = true;
            if (last[at(value)] == kNever) last[at(value)] = i;
        }
    }
    for (const int value : outputs) {
        if (!made[at(value)] || told[at(value)])
            refuse("put out values that it computes, each once, not value " + std::to_string(value));
        told[at(value)] = true;
    }
    return last;
}

} // namespace

Program::Program(const Kernels& kernels_, std::vector<ValueKind> kinds_, std::vector<Constant> constants_,
                 std::vector<std::unique_ptr<Instruction>> instructions_, std::vector<int> inputs_,
                 std::vector<int> outputs_)
    : kernels(kernels_), kinds(std::move(kinds_)), constants(std::move(constants_)),
      instructions(std::move(instructions_)), inputs(std::move(inputs_)), outputs(std::move(outputs_)),
      last_use(last_uses(kinds.size(), constants, instructions, inputs, outputs)) {
    for (const int value : outputs)
        if (kinds[static_cast<std::size_t>(value)] != ValueKind::floats) refuse("put out floats");
}

Frame::Frame(const Program& program, i64 batch, i64 most)
    : program_(program), values_(program.kinds.size()), outside_(program.kinds.size(), false) {
    for (std::size_t i = 0; i < values_.size(); ++i) values_[i].kind = program.kinds[i];
    for (const Constant& constant : program.constants) {
        Value& held = values_[static_cast<std::size_t>(constant.value)];
        held.shape = constant.shape;
        held.data = const_cast<float*>(constant.data);
        outside_[static_cast<std::size_t>(constant.value)] = true;
    }
    for (const int value : program.inputs) outside_[static_cast<std::size_t>(value)] = true;
    for (const int value : program.outputs) outside_[static_cast<std::size_t>(value)] = true;
    for (const auto& instruction : program.instructions) {
        instructions_.push_back(instruction->copy());
        if (batch > 0) instructions_.back()->keep_states(batch, most);
    }
}

void Frame::plan(const std::vector<Shape>& inputs) {
    if (planned_ == inputs) return;
    planned_.clear();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        inputs[i].count();
        values_[static_cast<std::size_t>(program_.inputs[i])].shape = inputs[i];
    }
    for (const auto& instruction : instructions_) instruction->plan(values_);
    place();
    planned_ = inputs;
}

// Gives every value its place: the memory of those that were read for the last time is used again.
void Frame::place() {
    ArenaPlan arena;
    std::vector<std::size_t> offsets(values_.size(), 0);
    std::vector<std::vector<std::size_t>> ending(instructions_.size());
    for (std::size_t i = 0; i < instructions_.size(); ++i) {
        for (const int value : instructions_[i]->outputs) {
            const std::size_t at = static_cast<std::size_t>(value);
            if (outside_[at]) continue;
            offsets[at] = arena.take(values_[at].bytes());
            ending[program_.last_use[at]].push_back(at);
        }
        for (const std::size_t at : ending[i]) arena.give_back(offsets[at], values_[at].bytes());
    }
    if (arena.bytes() > arena_bytes_) {
        arena_bytes_ = 0; // should there be no memory
        arena_.reset();
        arena_ = new_block<char>(static_cast<i64>(arena.bytes()));
        arena_bytes_ = arena.bytes();
    }
    for (const auto& instruction : instructions_)
        for (const int value : instruction->outputs)
            if (const std::size_t at = static_cast<std::size_t>(value); !outside_[at])
                values_[at].data = arena_.get() + offsets[at];
}

void Frame::set_input(std::size_t i, const void* data, bool wide) {
    Value& value = values_[static_cast<std::size_t>(program_.inputs[i])];
    value.data = const_cast<void*>(data);
    value.wide = wide;
}

void Frame::set_output(std::size_t i, float* data) {
    values_[static_cast<std::size_t>(program_.outputs[i])].data = data;
}

void Frame::select(const std::vector<i64>& rows) {
    planned_.clear();
    for (const auto& instruction : instructions_) instruction->select_rows(rows);
}

void Frame::run() {
    for (const auto& instruction : instructions_) instruction->make_ready(values_);
    {
        const Scratch::Use use(scratch_);
        for (const auto& instruction : instructions_) {
            instruction->run(program_.kernels, values_);
            scratch_.rewind();
        }
    }
    for (const auto& instruction : instructions_) instruction->advance();
    scratch_.grow();
}

} // namespace gw

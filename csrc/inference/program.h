// A model as a flat list of instructions over one arena, and what runs it.
//
// A Program is what does not change; any number of Frames run it, each on one thread at a time: the values of
// one call, or of one stream with the states that it keeps.
#pragma once
#include "inference/instruction.h"

namespace gw {

struct Constant {
    int value;
    Shape shape;
    const float* data; // outlives the program
};

class Program {
  public:
    // Throws std::invalid_argument: a value is read before it is written, or written twice.
    Program(const Kernels& kernels, std::vector<ValueKind> kinds, std::vector<Constant> constants,
            std::vector<std::unique_ptr<Instruction>> instructions, std::vector<int> inputs,
            std::vector<int> outputs);

    const Kernels& kernels;
    const std::vector<ValueKind> kinds; // of all values
    const std::vector<Constant> constants;
    const std::vector<std::unique_ptr<Instruction>> instructions;
    const std::vector<int> inputs, outputs; // values
    const std::vector<std::size_t> last_use; // of each value: the instruction that reads it last
};

class Frame {
  public:
    // batch > 0: the frame of a stream of so many rows, of at most `most` steps (0: of any number).
    Frame(const Program& program, i64 batch, i64 most = 0);

    // Finds the shapes and makes room for all values; nothing to do if the shapes are those of last time.
    // Throws std::invalid_argument and std::bad_alloc, and has then forgotten the shapes.
    void plan(const std::vector<Shape>& inputs);
    const Shape& output_shape(std::size_t i) const { return value(program_.outputs[i]).shape; }

    void set_input(std::size_t i, const void* data, bool wide);
    void set_output(std::size_t i, float* data);
    void run();

    Instruction& instruction(std::size_t i) const { return *instructions_[i]; }
    // Goes on with those rows of a stream, in that order.
    void select(const std::vector<i64>& rows);
    std::size_t bytes() const { return arena_bytes_ + scratch_.bytes(); }

  private:
    const Value& value(int i) const { return values_[static_cast<std::size_t>(i)]; }
    void place();

    const Program& program_;
    Values values_;
    std::vector<std::unique_ptr<Instruction>> instructions_;
    std::vector<Shape> planned_; // of the inputs; empty: not planned
    std::vector<bool> outside_;  // values whose memory is the caller's or the program's
    std::size_t arena_bytes_ = 0;
    Block<char> arena_;
    Scratch scratch_;
};

} // namespace gw

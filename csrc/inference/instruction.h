// One instruction of a program: one whole kernel, and what it needs to know to call it.
#pragma once
#include "api/kernels.h"
#include "inference/values.h"

#include <memory>

namespace gw {

// A state that an instruction keeps between the steps of a stream, as an array: a row for each of the batch.
struct StateArray {
    const char* name;
    std::vector<i64> shape; // rows first
    int free_axis = -1;     // of this axis an array that restores the state may have another size
};

struct GivenState { // what a state is restored from
    std::vector<i64> shape;
    const float* data;
};

// A state of a stream, twice: what a run starts from and what it ends with.
class KeptState {
  public:
    void start(i64 rows, i64 width) {
        width_ = width;
        make(rows, rows_);
    }
    i64 rows() const { return count_; }
    i64 width() const { return width_; }
    float* present() const { return rows_[now_].get(); }
    float* next() const { return rows_[1 - now_].get(); }
    void advance() { now_ = 1 - now_; }
    void select(const std::vector<i64>& rows) {
        Block<float> chosen[2];
        const i64 before = now_;
        make(static_cast<i64>(rows.size()), chosen);
        for (std::size_t i = 0; i < rows.size(); ++i)
            copy_bytes(chosen[0].get() + static_cast<i64>(i) * width_, rows_[before].get() + rows[i] * width_,
                       static_cast<std::size_t>(width_) * sizeof(float));
        for (int i = 0; i < 2; ++i) rows_[i] = std::move(chosen[i]);
        now_ = 0;
    }

  private:
    void make(i64 rows, Block<float>* blocks) {
        for (int k = 0; k < 2; ++k) {
            blocks[k] = new_block<float>(rows * width_);
            for (i64 i = 0; i < rows * width_; ++i) blocks[k].get()[i] = 0.0f;
        }
        count_ = rows;
    }

    Block<float> rows_[2];
    i64 count_ = 0, width_ = 0;
    int now_ = 0;
};

class Instruction {
  public:
    virtual ~Instruction() = default;
    virtual std::unique_ptr<Instruction> copy() const = 0; // of what was given, not of what runs leave
    // Checks the shapes of the inputs and sets those of the outputs. Throws std::invalid_argument.
    virtual void plan(Values& values) = 0;
    virtual void run(const Kernels& kernels, Values& values) = 0;
    // Streams: from here on states are kept, zeros first, for streams of at most `most` steps (0: of any
    // number). Before each run, once its shapes are planned, `make_ready` takes the memory it needs and
    // throws std::invalid_argument where the stream cannot go on. A run leaves the states as they are; once
    // all instructions have run, `advance` puts those that it ended with in their place.
    virtual void keep_states(i64 /*batch*/, i64 /*most*/) {}
    virtual void make_ready(const Values& /*values*/) {}
    virtual void advance() {}

    // The present states, between two runs.
    virtual std::vector<StateArray> states();
    virtual void read_state(std::size_t i, float* to);
    // Throws std::invalid_argument if these, whose shapes fit, cannot be the states, and makes room for them.
    virtual void check_states(const std::vector<GivenState>& /*given*/) {}
    virtual void write_states(const std::vector<GivenState>& given);
    virtual void reset_row(i64 row);
    virtual void select_rows(const std::vector<i64>& rows); // those rows of the batch, in that order

    std::string name; // of the layer, for the sentences of errors
    std::vector<int> inputs, outputs;

  protected:
    struct Kept {
        const char* name;
        KeptState* state;
        std::vector<i64> shape; // of one row
    };
    virtual std::vector<Kept> kept() { return {}; } // what the functions above are about by default

    // "<argument> of '<layer>' must be <rule>, not <found>"
    [[noreturn]] void fail(const std::string& argument, const std::string& rule,
                           const std::string& found) const {
        throw std::invalid_argument(argument + " of '" + name + "' must " + rule + ", not " + found);
    }
    const Value& in(const Values& values, std::size_t i) const {
        return values[static_cast<std::size_t>(inputs[i])];
    }
    Value& out(Values& values, std::size_t i = 0) const {
        return values[static_cast<std::size_t>(outputs[i])];
    }
    // Sets the shape of output i, whose kind the program says. Refuses what cannot be addressed.
    void give(Values& values, std::size_t i, const Shape& shape,
              ValueKind kind = ValueKind::floats) const {
        Value& value = out(values, i);
        if (value.kind != kind) fail("outputs", "be of the kind that the program says", "another");
        shape.count();
        value.shape = shape;
    }
    // Input i, of that kind and so many axes at least.
    const Value& checked(const Values& values, std::size_t i, ValueKind kind, int least,
                         int most = kMaxAxes) const {
        const Value& value = in(values, i);
        if (value.kind != kind) fail("inputs", "be of another kind", "what they are");
        if (value.shape.axes < least || value.shape.axes > most)
            fail("inputs",
                 "have " + std::to_string(least) + " to " + std::to_string(most) + " axes",
                 "shape " + value.shape.text());
        return value;
    }
    const Shape& floats(const Values& values, std::size_t i, int least, int most = kMaxAxes) const {
        return checked(values, i, ValueKind::floats, least, most).shape;
    }
    void check_counts(std::size_t least, std::size_t most, std::size_t results) const {
        if (inputs.size() < least || inputs.size() > most)
            fail("inputs", "be " + std::to_string(least) + " to " + std::to_string(most),
                 std::to_string(inputs.size()));
        if (outputs.size() != results)
            fail("outputs", "be " + std::to_string(results), std::to_string(outputs.size()));
    }
    void check_last(const Shape& shape, i64 wanted) const {
        if (shape.last() != wanted)
            fail("inputs", "have " + std::to_string(wanted) + " features", "shape " + shape.text());
    }
    // One array of rows of `columns` features, put out in the same shape.
    void plan_same_shape(Values& values, i64 columns) const {
        check_counts(1, 1, 1);
        const Shape shape = floats(values, 0, 1);
        check_last(shape, columns);
        give(values, 0, shape);
    }
};

template <class T> class CopiedInstruction : public Instruction {
  public:
    std::unique_ptr<Instruction> copy() const override {
        return std::make_unique<T>(static_cast<const T&>(*this));
    }

  private:
    CopiedInstruction() = default;
    friend T;
};

// Working memory of an instruction: a copy of it starts with none.
template <class T> class Own {
  public:
    Own() = default;
    Own(const Own&) {}
    Own& operator=(const Own&) = delete;
    T* operator->() { return &held_; }
    T& operator*() { return held_; }
    const T* operator->() const { return &held_; }
    const T& operator*() const { return held_; }

  private:
    T held_;
};

} // namespace gw

// One instruction of a program: one whole kernel, and what it needs to know to call it.
#pragma once
#include "api/kernels.h"
#include "inference/values.h"

#include <memory>

namespace gw {

// A state that an instruction keeps between the steps of a stream; a row for each of the batch.
struct StateRows {
    const char* name;
    float* data;
    i64 rows;
    std::vector<i64> shape; // of one row
    i64 width() const {
        i64 floats = 1;
        for (const i64 n : shape) floats *= n;
        return floats;
    }
};

class Instruction {
  public:
    virtual ~Instruction() = default;
    virtual std::unique_ptr<Instruction> copy() const = 0; // of what was given, not of what runs leave
    // Checks the shapes of the inputs and sets those of the outputs. Throws std::invalid_argument.
    virtual void plan(Values& values) = 0;
    virtual void run(const Kernels& kernels, Values& values) = 0;
    // Streams: from here on states are kept, zeros first. A run leaves them as they are; once all
    // instructions have run, `advance` puts those that it ended with in their place.
    virtual void keep_states(i64 /*batch*/) {}
    virtual void advance() {}
    virtual std::vector<StateRows> states() { return {}; } // the present ones

    std::string name; // of the layer, for the sentences of errors
    std::vector<int> inputs, outputs;

  protected:
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

// A state of a stream, twice: what a run starts from and what it ends with.
class KeptState {
  public:
    void start(i64 floats) {
        for (Block<float>& one : rows_) {
            one = new_block<float>(floats);
            for (i64 i = 0; i < floats; ++i) one.get()[i] = 0.0f;
        }
    }
    float* present() const { return rows_[now_].get(); }
    float* next() const { return rows_[1 - now_].get(); }
    void advance() { now_ = 1 - now_; }

  private:
    Block<float> rows_[2];
    int now_ = 0;
};

template <class T> class CopiedInstruction : public Instruction {
  public:
    std::unique_ptr<Instruction> copy() const override {
        return std::make_unique<T>(static_cast<const T&>(*this));
    }
};

// Working memory of an instruction: a copy of it starts with none.
template <class T> class Own {
  public:
    Own() = default;
    Own(const Own&) {}
    Own& operator=(const Own&) = delete;
    T* operator->() { return &held_; }
    T& operator*() { return held_; }

  private:
    T held_;
};

} // namespace gw

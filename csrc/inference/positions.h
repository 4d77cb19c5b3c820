// What depends on the positions of steps: in a stream each row counts its own.
#pragma once
#include "inference/instruction.h"

namespace gw {

class PositionedInstruction : public Instruction {
  public:
    void keep_states(i64 batch, i64 most) override;
    void advance() override;
    std::vector<StateArray> states() override;
    void read_state(std::size_t i, float* to) override;
    void check_states(const std::vector<GivenState>& given) override;
    void write_states(const std::vector<GivenState>& given) override;
    void reset_row(i64 row) override;
    void select_rows(const std::vector<i64>& rows) override;

  protected:
    // The position of the first step of a row.
    i64 first(i64 row) const { return starts_->empty() ? 0 : (*starts_)[static_cast<std::size_t>(row)]; }
    // Whether rows stand at positions of their own.
    bool apart() const { return !starts_->empty(); }
    void check_rows(const Shape& x) const;
    void ran(i64 steps) { steps_ = steps; }

  private:
    i64 steps_ = 0; // of the run under way
    Own<std::vector<i64>> starts_;
};

// y[b, t] = x[b, t] + table[position], or the row of the table alone.
struct PositionInstruction : PositionedInstruction {
    const float* table = nullptr; // [rows, columns]
    i64 rows = 0, columns = 0;
    bool added = true;
    std::unique_ptr<Instruction> copy() const override { return std::make_unique<PositionInstruction>(*this); }
    void plan(Values& values) override;
    void make_ready(const Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

// Even features of y are sines of position * frequency, odd ones cosines; x gives the shape.
struct WaveInstruction : PositionedInstruction {
    std::vector<double> frequencies; // one for each feature
    std::unique_ptr<Instruction> copy() const override { return std::make_unique<WaveInstruction>(*this); }
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

// Turns the pairs of features i and i + features / 2 by position * frequency, and multiplies by a factor.
struct RotaryInstruction : PositionedInstruction {
    std::vector<double> frequencies; // one for each pair
    float factor = 1.0f;
    std::unique_ptr<Instruction> copy() const override { return std::make_unique<RotaryInstruction>(*this); }
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

} // namespace gw

// Instructions that look at windows over time: convolution and pooling.
#pragma once
#include "inference/instruction.h"

namespace gw {

enum class Padding : i32 { valid, same, causal };

// What convolutions share: (batch, time, channels) -> (batch, windows, features), the steps around a
// sequence, and in a stream those before it.
class WindowInstruction : public Instruction {
  public:
    i64 taps = 1, channels = 1, features = 1, stride = 1, dilation = 1;
    Padding padding = Padding::valid;

    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
    void keep_states(i64 batch, i64 most) override;
    void advance() override { kept_->advance(); }
    void select_rows(const std::vector<i64>& rows) override;

  protected:
    i64 span() const { return (taps - 1) * dilation + 1; }
    i64 count() const { return count_; }
    // y [batch, windows, features] of x [batch, period, channels], the period being whole strides.
    virtual void convolve(const Kernels& kernels, const float* x, i64 batch, i64 period, float* y) = 0;

  private:
    std::vector<Kept> kept() override;

    i64 left_ = 0, length_ = 0, count_ = 0; // steps before the first, in all, and windows
    i64 kept_rows_ = 0;
    Own<KeptState> kept_; // [batch, span - 1, channels] of a stream: the steps before the next
};

struct ConvInstruction : WindowInstruction {
    const float *kernel = nullptr, *bias = nullptr; // [taps, channels / groups, features], [features] or null
    i64 groups = 1;
    bool bf16 = false; // products round their operands
    std::shared_ptr<const void> int8; // packed, in the place of the kernel of one group without dilation
    std::unique_ptr<Instruction> copy() const override { return std::make_unique<ConvInstruction>(*this); }

  private:
    void convolve(const Kernels& kernels, const float* x, i64 batch, i64 period, float* y) override;
    void multiply(const Kernels& kernels, const float* x, i64 rows, float* y) const;
};

struct DepthwiseInstruction : WindowInstruction { // each channel by itself
    const float* kernel = nullptr;                // [taps, channels]
    std::unique_ptr<Instruction> copy() const override {
        return std::make_unique<DepthwiseInstruction>(*this);
    }

  private:
    void convolve(const Kernels& kernels, const float* x, i64 batch, i64 period, float* y) override;
};

struct PoolInstruction : CopiedInstruction<PoolInstruction> {
    i64 size = 1, stride = 1;
    i64 windows = 0; // so many that together cover all steps, whatever their size; 0: of that size
    Padding padding = Padding::valid;
    bool largest = true;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;

  private:
    Own<std::vector<i64>> begins_, ends_;
};

struct PoolOverTimeInstruction : CopiedInstruction<PoolOverTimeInstruction> { // x, mask if there is one
    bool largest = true, keepdims = false;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

} // namespace gw

// Instructions that move values, and those that join them.
#pragma once
#include "inference/instruction.h"

namespace gw {

// The values of each sample in another shape; one size may be -1.
struct ReshapeInstruction : CopiedInstruction<ReshapeInstruction> {
    std::vector<i64> target; // without the batch axis
    bool same = false;       // a copy: the shape is that of the input
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct RepeatInstruction : CopiedInstruction<RepeatInstruction> { // (batch, features) -> (batch, n, features)
    i64 times = 1;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

// Steps of zeros before and after; negative numbers cut steps off.
struct PadInstruction : CopiedInstruction<PadInstruction> {
    i64 before = 0, after = 0;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct StretchInstruction : CopiedInstruction<StretchInstruction> { // every step so many times
    i64 times = 1;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct LastStepInstruction : CopiedInstruction<LastStepInstruction> { // (batch, time, ...) -> (batch, 1, ...)
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct PermuteInstruction : CopiedInstruction<PermuteInstruction> {
    std::vector<i64> axes; // for each axis of the output that of the input
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct FlipInstruction : CopiedInstruction<FlipInstruction> { // the order of axis 1, of floats or a mask
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct ConcatenateInstruction : CopiedInstruction<ConcatenateInstruction> {
    int axis = 0;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct BinaryInstruction : CopiedInstruction<BinaryInstruction> { // broadcast to one another
    BinaryOp op = BinaryOp::add;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct JoinedMasksInstruction : CopiedInstruction<JoinedMasksInstruction> { // where either, or both, are true
    bool both = false;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

} // namespace gw

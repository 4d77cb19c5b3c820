// Instructions that look at each row by itself.
#pragma once
#include "inference/instruction.h"

namespace gw {

struct EmbeddingInstruction : CopiedInstruction<EmbeddingInstruction> { // ids -> rows of the table
    const float* table = nullptr;                                      // [rows, columns]
    const std::int8_t* bytes = nullptr;                                // in its place, with
    const float* scale = nullptr;                                      // those of the rows
    i64 rows = 0, columns = 0;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct NonzeroInstruction : CopiedInstruction<NonzeroInstruction> { // ids -> mask
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct MaskingInstruction : CopiedInstruction<MaskingInstruction> { // x -> y, mask
    float value = 0.0f;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct DenseInstruction : CopiedInstruction<DenseInstruction> {
    i64 features = 0, units = 0;
    const float *kernel = nullptr, *bias = nullptr; // [features, units], [units] or null
    bool transposed = false;                        // the kernel is [units, features]
    std::shared_ptr<const float> packed;            // the kernel again, for the program's table; or null
    bool bf16 = false;                              // the product rounds its operands
    std::shared_ptr<const void> int8;               // packed, in the place of the kernel; or null
    Activation activation = Activation::linear;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
    // Packs the kernel, where a product reads it often enough by itself for that to pay.
    void pack(const Kernels& kernels);
};

struct ShiftInstruction : CopiedInstruction<ShiftInstruction> { // x + bias over the last axis
    i64 columns = 0;
    const float* bias = nullptr; // [columns]
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct ActivationInstruction : CopiedInstruction<ActivationInstruction> {
    Activation activation = Activation::linear;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct SoftmaxInstruction : CopiedInstruction<SoftmaxInstruction> { // over the last axis
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct RowNormInstruction : CopiedInstruction<RowNormInstruction> {
    i64 columns = 0;
    const float *gamma = nullptr, *beta = nullptr; // [columns] or null
    float epsilon = 0.0f;
    bool centered = true;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

struct ColumnNormInstruction : CopiedInstruction<ColumnNormInstruction> {
    i64 columns = 0;
    const float *mean = nullptr, *factor = nullptr, *shift = nullptr; // [columns]
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

} // namespace gw

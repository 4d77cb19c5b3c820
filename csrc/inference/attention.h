// Attention over whole sequences, and what positions add.
#pragma once
#include "inference/instruction.h"

namespace gw {

// Inputs: queries (batch, time, heads * features), keys (batch, keys, key_heads * features) and values
// (batch, keys, key_heads * value_features). Output (batch, time, heads * value_features).
struct AttentionInstruction : CopiedInstruction<AttentionInstruction> {
    i64 heads = 1, key_heads = 1, features = 1, value_features = 1;
    float scale = 1.0f;
    bool causal = false;
    i64 window = -1; // steps; negative: no limit
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

// y[b, t] = x[b, t] + table[t], or table[t] alone.
struct PositionInstruction : CopiedInstruction<PositionInstruction> {
    const float* table = nullptr; // [rows, columns]
    i64 rows = 0, columns = 0;
    bool added = true;
    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
};

} // namespace gw

// Attention: over whole sequences, or in a stream to all steps so far.
#pragma once
#include "inference/instruction.h"
#include "inference/key_value_cache.h"

namespace gw {

// Inputs: queries (batch, time, ...) from a column on, (heads, features) in one piece; keys and values
// (batch, keys, ...) likewise, all three of one product maybe; then the masks there are. Output (batch,
// time, heads * value_features).
struct AttentionInstruction : CopiedInstruction<AttentionInstruction> {
    i64 heads = 1, key_heads = 1, features = 1, value_features = 1;
    i64 columns[3] = {0, 0, 0}; // where queries, keys and values begin
    float scale = 1.0f, soft_cap = 0.0f;
    bool causal = false;
    i64 window = -1;               // steps; negative: no limit
    const float* slopes = nullptr; // [heads] or null
    bool query_masked = false;     // (batch, time): where false, zeros come out
    bool key_masked = false;       // (batch, keys): where false, a key is left out
    bool pair_masked = false;      // (batch, time, keys), or with heads behind the batch; sizes may be 1
    bool of_stream = false;        // keys come with the queries, step by step, and are kept in a stream

    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
    void keep_states(i64 batch, i64 most) override;
    void make_ready(const Values& values) override;
    void advance() override;
    std::vector<StateArray> states() override;
    void read_state(std::size_t i, float* to) override;
    void check_states(const std::vector<GivenState>& given) override;
    void write_states(const std::vector<GivenState>& given) override;
    void reset_row(i64 row) override;
    void select_rows(const std::vector<i64>& rows) override;

  private:
    bool streams() const { return streams_ && of_stream; }
    std::size_t place(bool keys) const { return 3u + (keys && query_masked ? 1u : 0u); }
    void keep(const Values& values);
    LogitsView<bool> mask(const Values& values, Buffer<bool>& joined) const;

    bool streams_ = false;
    i64 steps_ = 0; // of the run under way
    Own<KeyValueCache> cache_;
};

} // namespace gw

// A recurrent layer: all steps in one call, its states kept where it streams.
#pragma once
#include "inference/instruction.h"
#include "runtime/sequence_plan.h"

namespace gw {

// Weights of a cell, packed for one instruction set.
struct CellWeights {
    Cell cell;
    CellShape shape;
    i64 inputs, units, outputs;
    bool bf16; // rounded to bfloat16, as the other operands of their products are
    bool int8; // whole numbers and scales, as the other operands become
    std::shared_ptr<const void> packed;
};

// Inputs: x, the mask if `masked`, then the initial states if `given_states`. Outputs: y and the final
// states.
struct RecurrentInstruction : CopiedInstruction<RecurrentInstruction> {
    CellWeights weights = {};
    Activation activation = Activation::tanh, recurrent_activation = Activation::sigmoid;
    float activation_clip = kUnbounded, cell_clip = kUnbounded;
    float epsilon = 1e-3f; // of layer normalization
    Zoneout zoneout = {};
    bool go_backwards = false, return_sequences = false, zero_output_for_mask = false;
    bool masked = false, given_states = false;

    void plan(Values& values) override;
    void run(const Kernels& kernels, Values& values) override;
    void keep_states(i64 batch, i64 most) override;
    void advance() override;
    void select_rows(const std::vector<i64>& rows) override;

  private:
    std::vector<Kept> kept() override;
    std::size_t count() const { return static_cast<std::size_t>(weights.shape.states); }
    i64 width(std::size_t state) const { return state == 0 ? weights.outputs : weights.units; }

    i64 kept_rows_ = 0; // of a stream
    Own<PlanStorage> order_;
    Own<KeptState> kept_[kMaxStates];
};

} // namespace gw

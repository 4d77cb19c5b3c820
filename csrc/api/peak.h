// Contracts of the loops that show what a processor can do at most. Each runs on one thread.
#pragma once
#include "api/types.h"

namespace gw {

// Chains of one instruction, as many as fill the pipelines; all operands stay in registers.
struct ArithmeticPeak {
    float (*run)(i64 steps); // returns the sum of the chains; null: the ISA lacks the instruction
    i64 operations;          // of one step; a product and its addition are two
};

struct PeakKernels {
    ArithmeticPeak fma_f32, dot_bf16, dot_int8, tile_bf16, tile_int8;
    // The sum of x [n], taken `times` times; n is a multiple of kPeakFloats.
    float (*read)(const float* x, i64 n, i64 times);
};

constexpr i64 kPeakFloats = 1024;

} // namespace gw

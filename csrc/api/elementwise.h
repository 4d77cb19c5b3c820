// Contracts of the elementwise kernels.
#pragma once
#include "api/types.h"

namespace gw {

// y = x ⊙ mask / (1 - rate), and zero where x was dropped even if it was not finite. The mask comes from
// Philox4x32-10 with key = seed and counter = block index: element i is word i % 4 of block i / 4, kept
// when word >= threshold. It depends on nothing but seed and position, so the same call on dy is the
// backward pass.
struct Dropout {
    const float* x; // [batch, time, features]; null: y receives the mask itself
    float* y;
    i64 batch, time, features;
    bool spatial; // the mask of (b, t, c) is element b*features + c, else its position
    u64 seed;
    u32 threshold; // floor(rate * 2^32)
    float scale;   // 1 / (1 - rate)
};

enum class BinaryOp : i32 { add, subtract, multiply, divide, maximum, minimum };

// y[i] = a[i * a_step] op b[i * b_step]; a step is 0 or 1. NaN wins over every number. It runs on the
// thread that calls it, in that thread's mode: subnormal numbers stay what they are, as in NumPy.
struct Binary {
    BinaryOp op;
    i64 n;
    const float *a, *b;
    i64 a_step, b_step;
    float* y; // [n]
};

// real[r] is whether any feature of row r differs from `value`; y is x where it is, else zero.
struct Masking {
    i64 rows, columns;
    float value;
    const float* x; // [rows, columns]
    float* y;       // [rows, columns]
    bool* real;     // [rows]
};

} // namespace gw

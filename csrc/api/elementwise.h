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

} // namespace gw

// Contracts of the elementwise kernels.
#pragma once
#include "api/types.h"

namespace gw {

// y = x ⊙ mask / (1 - rate). The mask comes from Philox4x32-10 (Salmon et al. 2011) with key = seed and
// counter = block index, so it depends on nothing but seed and position: calling it again on dy is the
// backward pass. Element i of the mask is word i % 4 of block i / 4, kept when word >= threshold.
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

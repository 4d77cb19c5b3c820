// Contracts of the elementwise kernels.
#pragma once
#include "api/types.h"

namespace gw {

// y = x ⊙ mask / (1 - rate). The mask comes from Philox4x32-10 (Salmon et al. 2011) with key = seed and
// counter = block index, so it depends on nothing but seed and position: calling it again on dy is the
// backward pass. Element i of the mask is word i % 4 of block i / 4, kept when word >= threshold.
struct Dropout {
    const float* x;  // [outer, inner, repeat... ] see below; null: writes the mask itself
    float* y;
    i64 batch, time, features; // mask index of (b, t, c): spatial ? b*features + c : position
    bool spatial;
    u64 seed;
    u32 threshold; // floor(rate * 2^32)
    float scale;   // 1 / (1 - rate)
};

} // namespace gw

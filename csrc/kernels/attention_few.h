// Few queries before many keys, as when a model writes step by step: keys and values are read once, where
// they lie, for packing them would take longer than the products.
#pragma once
#include "kernels/attention_tile.h"

namespace gw::GW_ISA {
namespace {

constexpr i64 kFewRows = 4, kFewHeads = 16;

// The products of one row of a with kLanes rows of k.
GW_INLINE vf multiply_keys(const float* a, i64 depth, const float* k, i64 step) {
    vf sums[kLanes];
#pragma GCC unroll 16
    for (int l = 0; l < kLanes; ++l) sums[l] = splat(0.0f);
    i64 i = 0;
    for (; i + kLanes <= depth; i += kLanes) {
        const vf x = load(a + i);
        const float* row = k + i;
#pragma GCC unroll 4
        for (int l = 0; l < kLanes; l += 4, row += 4 * step) {
#pragma GCC unroll 4
            for (int r = 0; r < 4; ++r) sums[l + r] += x * load(row + r * step);
        }
    }
    if (i < depth) {
        const vf x = load(a + i);
#pragma GCC unroll 16
        for (int l = 0; l < kLanes; ++l) sums[l] += x * load_first(k + l * step + i, depth - i);
    }
    return sum_each(sums);
}

// The same with one row of k.
GW_INLINE float multiply_key(const float* a, i64 depth, const float* k) {
    vf sum = splat(0.0f);
    for_vectors(0, depth, [&](i64 i, i64 lanes) { sum += load(a + i) * load_some(k + i, lanes); });
    vf sums[kLanes] = {sum};
    return sum_each(sums)[0];
}

// s = a·kᵀ for the keys each group looks at; k where it lies, rows `step` apart, `count` of them.
inline void multiply_rows(const RowGroups& groups, const float* a, i64 stride, i64 depth,
                          const float* k, i64 step, i64 count, float* s) {
    for (const RowGroup& group : groups) {
        const Range columns = group.columns();
        for (i64 j = columns.begin; j < columns.end; j += kLanes)
            for (i64 row = group.row; row < group.row + group.rows; ++row) {
                const float* x = a + row * stride;
                float* to = s + row * kLogitStride + j;
                if (j + kLanes <= count) {
                    store(to, multiply_keys(x, depth, k + j * step, step));
                } else {
                    for (i64 l = 0; l < count - j; ++l)
                        to[l] = multiply_key(x, depth, k + (j + l) * step);
                    for (i64 l = count - j; l < kLanes; ++l) to[l] = 0.0f;
                }
            }
    }
}

inline bool finite_rows(const float* x, i64 step, i64 rows, i64 features) {
    vu largest = {};
    for (i64 row = 0; row < rows; ++row)
        for_vectors(0, features, [&](i64 i, i64 lanes) {
            const vu magnitude =
                reinterpret_cast<vu>(load_some(x + row * step + i, lanes)) & 0x7fffffffu;
            largest = magnitude > largest ? magnitude : largest;
        });
    return is_finite(largest);
}

} // namespace
} // namespace gw::GW_ISA

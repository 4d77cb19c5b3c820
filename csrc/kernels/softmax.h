// Softmax over rows of any length. NaN needs no care of its own: it loses every comparison, so it is
// never the row's maximum, and through the sum it reaches all of its row and no other.
#pragma once
#include "kernels/elementwise.h"

namespace gw::GW_ISA {
namespace {

constexpr float kInfinity = __builtin_inff();

GW_INLINE vf load_or(const float* p, i64 lanes, float rest) {
    if (lanes == kLanes) return load(p);
    float padded[kLanes];
    for (int i = 0; i < kLanes; ++i) padded[i] = i < lanes ? p[i] : rest;
    return load(padded);
}

// What is subtracted before the exponential so that it cannot overflow: the largest number of the row.
// A row of nothing but -inf has none; its softmax is 0 / 0, as in every other library.
inline float row_shift(const float* x, i64 n) {
    vf top = splat(-kInfinity);
    for (i64 i = 0; i < n; i += kLanes) {
        const vf v = load_or(x + i, min64(kLanes, n - i), -kInfinity);
        top = v > top ? v : top;
    }
    float largest = top[0];
    for (int l = 1; l < kLanes; ++l) largest = top[l] > largest ? top[l] : largest;
    return largest == -kInfinity ? 0.0f : largest;
}

// Sum of e^(x - shift); y, when given, receives the terms.
inline float row_exp_sum(const float* x, i64 n, float shift, float* y) {
    vf sum = splat(0.0f);
    for (i64 i = 0; i < n; i += kLanes) {
        const i64 lanes = min64(kLanes, n - i);
        const vf e = exp(load_or(x + i, lanes, -kInfinity) - shift);
        if (y != nullptr) store_some(y + i, e, lanes);
        sum += e;
    }
    return sum_lanes(sum);
}

// f(row) for every row, some rows a task: work of about a nanosecond for each column.
template <class F> void for_rows(i64 rows, i64 columns, const F& f) {
    constexpr i64 kFloats = 1 << 12;
    const i64 some = 1 + kFloats / (columns + 1);
    parallel_tasks((rows + some - 1) / some, static_cast<double>(min64(rows, some) * columns),
                   [&](i64 task) {
                       for (i64 row = task * some; row < min64(rows, (task + 1) * some); ++row) f(row);
                   });
}

inline void softmax_forward(const float* x, float* y, i64 rows, i64 columns) {
    for_rows(rows, columns, [&](i64 row) {
        const float* in = x + row * columns;
        float* out = y + row * columns;
        const float factor = 1.0f / row_exp_sum(in, columns, row_shift(in, columns), out);
        for_vectors(0, columns, [&](i64 i, i64 lanes) {
            store_some(out + i, load_some(out + i, lanes) * factor, lanes);
        });
    });
}

// dx = y ⊙ (dy - sum(y ⊙ dy))
inline void softmax_backward(const float* y, const float* dy, float* dx, i64 rows, i64 columns) {
    for_rows(rows, columns, [&](i64 row) {
        const float *p = y + row * columns, *g = dy + row * columns;
        vf dot = splat(0.0f);
        for_vectors(0, columns, [&](i64 i, i64 lanes) {
            dot += load_some(p + i, lanes) * load_some(g + i, lanes);
        });
        const float total = sum_lanes(dot);
        for_vectors(0, columns, [&](i64 i, i64 lanes) {
            const vf d = load_some(p + i, lanes) * (load_some(g + i, lanes) - total);
            store_some(dx + row * columns + i, d, lanes);
        });
    });
}

} // namespace
} // namespace gw::GW_ISA

// Loops over arrays of any length, and the activations on them.
#pragma once
#include "kernels/activations.h"
#include "runtime/parallel.h"

namespace gw::GW_ISA {
namespace {

// f(position, count) over [0, n) in blocks, in parallel: elementwise work of about a nanosecond each.
template <class F> void for_blocks(i64 n, const F& f) {
    constexpr i64 kBlock = 1 << 13;
    parallel_tasks((n + kBlock - 1) / kBlock, static_cast<double>(min64(n, kBlock)),
                   [&](i64 block) { f(block * kBlock, min64(kBlock, n - block * kBlock)); });
}

// f(position, lanes) over [begin, begin + count) a vector at a time.
template <class F> GW_INLINE void for_vectors(i64 begin, i64 count, const F& f) {
    for (i64 i = 0; i < count; i += kLanes) f(begin + i, min64(kLanes, count - i));
}

GW_INLINE vf load_some(const float* p, i64 n) { return n == kLanes ? load(p) : load_first(p, n); }
GW_INLINE void store_some(float* p, vf x, i64 n) {
    if (n == kLanes)
        store(p, x);
    else
        store_first(p, x, n);
}

GW_INLINE void copy_row(const float* from, i64 n, float* to) {
    for_vectors(0, n, [&](i64 i, i64 lanes) { store_some(to + i, load_some(from + i, lanes), lanes); });
}

inline void activation_forward(Activation kind, const float* x, float* y, i64 n) {
    for_blocks(n, [&](i64 begin, i64 count) {
        for_vectors(begin, count, [&](i64 i, i64 lanes) {
            store_some(y + i, activation_value(kind, load_some(x + i, lanes)), lanes);
        });
    });
}

inline void activation_backward(Activation kind, const float* x, const float* dy, float* dx, i64 n) {
    for_blocks(n, [&](i64 begin, i64 count) {
        for_vectors(begin, count, [&](i64 i, i64 lanes) {
            const vf slope = activation_slope(kind, load_some(x + i, lanes));
            store_some(dx + i, load_some(dy + i, lanes) * slope, lanes);
        });
    });
}

} // namespace
} // namespace gw::GW_ISA

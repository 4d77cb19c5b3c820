// Loops that keep one resource of the processor as busy as it gets: see api/peak.h.
#pragma once
#include "api/peak.h"
#include "kernels/tile.h"

namespace gw::GW_ISA {
namespace {

// With two operands they fill the 16 or 32 registers: more than latency times pipelines anywhere.
constexpr int kChains = kTileRows * kPanelVectors + 2;

// x = step(x) on every chain. They begin with different values: the compiler computes equal ones once.
template <class V, class Step> GW_INLINE float run_chains(i64 steps, const Step& step) {
    V x[kChains];
#pragma GCC unroll 26
    for (int c = 0; c < kChains; ++c) x[c] = __builtin_convertvector(vi{} + c, V);
    for (i64 s = 0; s < steps; ++s) {
#pragma GCC unroll 26
        for (int c = 0; c < kChains; ++c) x[c] = step(x[c]);
    }
    vf total = {};
#pragma GCC unroll 26
    for (int c = 0; c < kChains; ++c) total += __builtin_convertvector(x[c], vf);
    return sum_lanes(total);
}

// The product depends on the step before, or it would be computed once; x goes to 2.
inline float run_fma_f32(i64 steps) {
    vf half = splat(0.5f), one = splat(1.0f);
    keep_in_register(half);
    keep_in_register(one);
    return run_chains<vf>(steps, [&](vf x) { return x * half + one; });
}

// Generic lambdas: only a level that has the instructions may look the functions up.
template <bool exists> constexpr ArithmeticPeak dot_bf16_peak() {
    if constexpr (exists)
        return {[](i64 steps) {
                    const vi ones = vi{} + 0x3f803f80;
                    return run_chains<vf>(steps, [&](auto x) { return dot_bf16(x, ones, ones); });
                },
                i64(4) * kLanes * kChains};
    else
        return {};
}

template <bool exists> constexpr ArithmeticPeak dot_int8_peak() {
    if constexpr (exists)
        return {[](i64 steps) {
                    const vi ones = vi{} + 0x01010101;
                    return run_chains<vi>(steps, [&](auto x) { return dot_int8(x, ones, ones); });
                },
                i64(8) * kLanes * kChains};
    else
        return {};
}

// Products of whole tiles of registers.
template <bool exists> constexpr ArithmeticPeak tile_peak([[maybe_unused]] bool bytes) {
    if constexpr (exists) {
        constexpr i64 kProducts = 4 * kTileSide * kTileSide * kTileSide; // of words
        if (bytes) return {[](i64 steps) { return run_tile_chains<true>(steps); }, 8 * kProducts};
        return {[](i64 steps) { return run_tile_chains<false>(steps); }, 4 * kProducts};
    } else {
        return {};
    }
}

inline float read_floats(const float* x, i64 n, i64 times) {
    constexpr int kSums = 8;
    static_assert(kPeakFloats % (kSums * kLanes) == 0);
    vf total[kSums] = {};
    for (i64 t = 0; t < times; ++t)
        for (i64 i = 0; i < n; i += kSums * kLanes)
            for (int v = 0; v < kSums; ++v) total[v] += load(x + i + v * kLanes);
    for (int v = 1; v < kSums; ++v) total[0] += total[v];
    return sum_lanes(total[0]);
}

constexpr PeakKernels peak_kernels() {
    return {{run_fma_f32, i64(2) * kLanes * kChains},
            dot_bf16_peak<kHasDots>(),
            dot_int8_peak<kHasDots>(),
            tile_peak<kHasTiles>(false),
            tile_peak<kHasTiles>(true),
            read_floats};
}

} // namespace
} // namespace gw::GW_ISA

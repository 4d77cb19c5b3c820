// bfloat16 operands of products: two neighbours along k in the 32 bits of one word, so that a product of
// words runs through the same tiles as one of floats, two steps of k at a time. Sums stay float32.
#pragma once
#include "kernels/simd.h"

namespace gw::GW_ISA {
namespace {

inline i64 pair_words(i64 k) { return round_up((k + 1) / 2, kWordStep); }

// The float rounded to the nearest bfloat16, to even when halfway, in the upper 16 bits; the lower ones
// are not cleared. A NaN stays one.
GW_INLINE vu round_bf16(vf x) {
    const vu bits = reinterpret_cast<vu>(x);
    const vu rounded = bits + (0x7fffu + ((bits >> 16) & 1u));
    return x == x ? rounded : bits | 0x400000u;
}

// Words of low in the lower and high in the upper half.
GW_INLINE vf pair(vf low, vf high) {
    if constexpr (kRoundsPairs) return interleave_halves(round_pairs(low, high));
    return reinterpret_cast<vf>((round_bf16(low) >> 16) | (round_bf16(high) & 0xffff0000u));
}

// Two vectors of a row as one of pairs along it.
GW_INLINE vf pairs_along(vf first, vf second) {
    if constexpr (kRoundsPairs) {
        return round_pairs(first, second);
    } else {
        typedef u16 half __attribute__((vector_size(kLanes * 2)));
        half words[2] = {__builtin_convertvector(round_bf16(first) >> 16, half),
                         __builtin_convertvector(round_bf16(second) >> 16, half)};
        vf both;
        __builtin_memcpy(&both, words, sizeof both);
        return both;
    }
}

// n floats of a row as pairs along it, zeros behind them to the last word.
inline void pair_row(const float* x, i64 n, float* words) {
    u16* out = reinterpret_cast<u16*>(words);
    typedef u16 half __attribute__((vector_size(kLanes * 2), aligned(2), may_alias));
    i64 i = 0;
    if constexpr (kRoundsPairs)
        for (; i + 2 * kLanes <= n; i += 2 * kLanes)
            store(words + i / 2, round_pairs(load(x + i), load(x + i + kLanes)));
    for (; i + kLanes <= n; i += kLanes)
        *reinterpret_cast<half*>(out + i) = __builtin_convertvector(round_bf16(load(x + i)) >> 16, half);
    for (; i < n; ++i) out[i] = static_cast<u16>(round_bf16(splat(x[i]))[0] >> 16);
    for (; i < 2 * pair_words(n); ++i) out[i] = 0;
}

} // namespace
} // namespace gw::GW_ISA

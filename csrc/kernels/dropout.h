// Dropout from a counter-based generator: Philox4x32-10 (Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", 2011).
#pragma once
#include "api/elementwise.h"
#include "kernels/elementwise.h"

namespace gw::GW_ISA {
namespace {

// kLanes blocks at a time, one per lane.
typedef u64 vu64 __attribute__((vector_size(kLanes * 8)));

GW_INLINE void multiply_high_low(vu x, u32 by, vu& high, vu& low) {
    const vu64 product = __builtin_convertvector(x, vu64) * u64(by);
    high = __builtin_convertvector(product >> 32, vu);
    low = __builtin_convertvector(product & 0xffffffffu, vu);
}

// words[w][lane] is word w of block first + lane.
GW_INLINE void philox(u64 seed, u64 first, vu words[4]) {
    vu64 block;
    for (int l = 0; l < kLanes; ++l) block[l] = first + static_cast<u64>(l);
    vu c0 = __builtin_convertvector(block & 0xffffffffu, vu);
    vu c1 = __builtin_convertvector(block >> 32, vu);
    vu c2 = vu{}, c3 = vu{};
    u32 key0 = static_cast<u32>(seed), key1 = static_cast<u32>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        vu high0, low0, high1, low1;
        multiply_high_low(c0, 0xD2511F53u, high0, low0);
        multiply_high_low(c2, 0xCD9E8D57u, high1, low1);
        c0 = high1 ^ c1 ^ key0;
        c1 = low1;
        c2 = high0 ^ c3 ^ key1;
        c3 = low0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

// Factors of mask elements [first, first + count); first is a multiple of 4.
inline void mask_factors(const Dropout& d, i64 first, i64 count, float* out) {
    for (i64 done = 0; done < count; done += 4 * kLanes) {
        vu words[4];
        philox(d.seed, static_cast<u64>(first + done) / 4, words);
        const i64 some = min64(4 * kLanes, count - done);
        for (i64 i = 0; i < some; ++i)
            out[done + i] = words[i % 4][i / 4] >= d.threshold ? d.scale : 0.0f;
    }
}

inline void dropout_elements(const Dropout& d) {
    constexpr i64 kBlock = 4096;
    const i64 n = d.batch * d.time * d.features;
    parallel_tasks((n + kBlock - 1) / kBlock, [&](i64 task) {
        const i64 begin = task * kBlock, count = min64(kBlock, n - begin);
        float factors[kBlock];
        mask_factors(d, begin, count, factors);
        for_vectors(0, count, [&](i64 i, i64 lanes) {
            const vf factor = load_some(factors + i, lanes);
            const vf y = d.x == nullptr ? factor : load_some(d.x + begin + i, lanes) * factor;
            store_some(d.y + begin + i, y, lanes);
        });
    });
}

inline void dropout_features(const Dropout& d) {
    constexpr i64 kBlock = 256; // features at a time
    const i64 blocks = (d.features + kBlock - 1) / kBlock;
    parallel_tasks(d.batch * blocks, [&](i64 task) {
        const i64 row = task / blocks, begin = task % blocks * kBlock;
        const i64 count = min64(kBlock, d.features - begin);
        const i64 element = row * d.features + begin, first = element / 4 * 4;
        float factors[kBlock + 4];
        mask_factors(d, first, element - first + count, factors);
        const float* mask = factors + (element - first);
        for (i64 t = 0; t < d.time; ++t) {
            const i64 at = (row * d.time + t) * d.features + begin;
            for_vectors(0, count, [&](i64 i, i64 lanes) {
                store_some(d.y + at + i, load_some(d.x + at + i, lanes) * load_some(mask + i, lanes),
                           lanes);
            });
        }
    });
}

inline void dropout(const Dropout& d) {
    if (d.spatial)
        dropout_features(d);
    else
        dropout_elements(d);
}

} // namespace
} // namespace gw::GW_ISA

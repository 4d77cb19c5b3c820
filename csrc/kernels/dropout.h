// Dropout from a counter-based generator: Philox4x32-10 (Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", 2011).
#pragma once
#include "api/elementwise.h"
#include "kernels/elementwise.h"

namespace gw::GW_ISA {
namespace {

constexpr i64 kBlocks = kLanes / 2; // blocks of the generator drawn at a time, one per long word
constexpr i64 kDrawn = 4 * kBlocks; // words they hold: two vectors
constexpr int kRounds = 10;

class Philox {
  public:
    explicit Philox(u64 seed) {
        u32 low = static_cast<u32>(seed), high = static_cast<u32>(seed >> 32);
        for (int round = 0; round < kRounds; ++round) {
            low_[round] = vl{} + low;
            high_[round] = vl{} + high;
            low += 0x9E3779B9u;
            high += 0xBB67AE85u;
        }
        for (int l = 0; l < kBlocks; ++l) lanes_[l] = static_cast<u64>(l);
    }

    // The words of blocks block .. block + kBlocks - 1, in order. A 32-bit word of the state is the low
    // half of a lane; high halves are left as they fall, for only low halves are multiplied.
    GW_INLINE void words(u64 block, vu& first, vu& second) const {
        const vl by0 = vl{} + 0xD2511F53u, by2 = vl{} + 0xCD9E8D57u;
        vl c0 = lanes_ + block, c1 = c0 >> 32, c2 = vl{}, c3 = vl{};
#pragma GCC unroll 10
        for (int round = 0; round < kRounds; ++round) {
            const vl p0 = multiply_low_halves(c0, by0), p2 = multiply_low_halves(c2, by2);
            c0 = (p2 >> 32) ^ c1 ^ low_[round];
            c2 = (p0 >> 32) ^ c3 ^ high_[round];
            c1 = p2;
            c3 = p0;
        }
        const vl words01 = (c0 & 0xffffffffu) | (c1 << 32);
        const vl words23 = (c2 & 0xffffffffu) | (c3 << 32);
        first = reinterpret_cast<vu>(interleave_first(words01, words23));
        second = reinterpret_cast<vu>(interleave_second(words01, words23));
    }

  private:
    vl low_[kRounds], high_[kRounds]; // the keys of the rounds
    vl lanes_;
};

// f(i, lanes, kept) over elements first + i of the mask, i < count; first is a multiple of 4.
template <class F> GW_INLINE void draw(const Dropout& d, i64 first, i64 count, const F& f) {
    const Philox philox(d.seed);
    const vu threshold = vu{} + d.threshold;
    for (i64 i = 0; i < count; i += kDrawn) {
        vu low, high;
        philox.words(static_cast<u64>(first + i) / 4, low, high);
        f(i, min64(kLanes, count - i), low >= threshold);
        if (count - i > kLanes) f(i + kLanes, min64(kLanes, count - i - kLanes), high >= threshold);
    }
}

// Selected, not multiplied: what is dropped is zero even if it was not finite.
inline void dropout_elements(const Dropout& d) {
    const float scale = d.scale;
    for_blocks(d.batch * d.time * d.features, [&](i64 begin, i64 count) {
        const float* x = d.x == nullptr ? nullptr : d.x + begin;
        float* y = d.y + begin;
        draw(d, begin, count, [&](i64 i, i64 lanes, vi kept) {
            const vf scaled = x == nullptr ? splat(scale) : load_some(x + i, lanes) * scale;
            store_some(y + i, kept ? scaled : splat(0.0f), lanes);
        });
    });
}

inline void dropout_features(const Dropout& d) {
    constexpr i64 kFeatures = 256; // of one row at a time
    const i64 blocks = (d.features + kFeatures - 1) / kFeatures;
    const i64 nanoseconds = min64(kFeatures, d.features) * (1 + d.time / 4);
    parallel_tasks(d.batch * blocks, static_cast<double>(nanoseconds), [&](i64 task) {
        const i64 row = task / blocks, begin = task % blocks * kFeatures;
        const i64 count = min64(kFeatures, d.features - begin);
        const i64 element = row * d.features + begin, skipped = element % 4;
        float factors[kFeatures + 4];
        draw(d, element - skipped, skipped + count, [&](i64 i, i64 lanes, vi kept) {
            store_some(factors + i, kept ? splat(d.scale) : splat(0.0f), lanes);
        });
        for (i64 t = 0; t < d.time; ++t) {
            const i64 at = (row * d.time + t) * d.features + begin;
            for_vectors(0, count, [&](i64 i, i64 lanes) {
                const vf factor = load_some(factors + skipped + i, lanes);
                const vf scaled = load_some(d.x + at + i, lanes) * factor;
                store_some(d.y + at + i, factor > 0.0f ? scaled : splat(0.0f), lanes);
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

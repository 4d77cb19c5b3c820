// Vector types and leaf operations: the only file with #if on instruction sets.
#pragma once
#include "api/types.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define GW_INLINE inline __attribute__((always_inline))

namespace gw::GW_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;      // floats in a vector
constexpr int kPanelVectors = 4; // vectors across a micro-kernel tile: 6 x 4 sums fit 32 registers
#elif defined(__AVX2__)
constexpr int kLanes = 8;
constexpr int kPanelVectors = 2; // 6 x 2 sums fit 16 registers
#elif defined(__aarch64__)
constexpr int kLanes = 4;
constexpr int kPanelVectors = 4;
#else
constexpr int kLanes = 4;
constexpr int kPanelVectors = 2;
#endif
constexpr int kTileRows = 6;

typedef float vf __attribute__((vector_size(kLanes * 4)));
typedef i32 vi __attribute__((vector_size(kLanes * 4)));
typedef u32 vu __attribute__((vector_size(kLanes * 4)));
typedef u64 vl __attribute__((vector_size(kLanes * 4))); // kLanes / 2 long words
typedef float vf_unaligned __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

GW_INLINE i64 min64(i64 a, i64 b) { return a < b ? a : b; }

GW_INLINE vf load(const float* p) { return *reinterpret_cast<const vf_unaligned*>(p); }
GW_INLINE void store(float* p, vf x) { *reinterpret_cast<vf_unaligned*>(p) = x; }
GW_INLINE vf splat(float x) { return x - vf{}; } // x - 0 is x even for -0: folds to a broadcast

#if defined(__AVX2__) && !defined(__AVX512F__)
// All bits set in the first n of 8 lanes.
GW_INLINE __m256i first_lanes(i64 n) {
    alignas(32) static constexpr i32 edge[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(edge + 8 - n));
}
#endif

// The first n floats; the other lanes are zero.
GW_INLINE vf load_first(const float* p, i64 n) {
#if defined(__AVX512F__)
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p);
#elif defined(__AVX2__)
    return _mm256_maskload_ps(p, first_lanes(n));
#else
    float lanes[kLanes] = {};
    for (i64 i = 0; i < n; ++i) lanes[i] = p[i];
    return load(lanes);
#endif
}
GW_INLINE void store_first(float* p, vf x, i64 n) {
#if defined(__AVX512F__)
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), x);
#elif defined(__AVX2__)
    _mm256_maskstore_ps(p, first_lanes(n), x);
#else
    float lanes[kLanes];
    store(lanes, x);
    for (i64 i = 0; i < n; ++i) p[i] = lanes[i];
#endif
}

// Into the nearest cache, or the one behind it.
GW_INLINE void ask_for(const float* p) { __builtin_prefetch(p, 0, 3); }
GW_INLINE void ask_for_soon(const float* p) { __builtin_prefetch(p, 0, 2); }

// Keeps a value in a register: without it the compiler folds the load into each FMA of a small tile and
// reads the same weights once per row.
template <class Vector> GW_INLINE void keep_in_register(Vector& x) {
#if defined(GATEWORK_EMULATE_AVX512)
    (void)x;
#elif defined(__AVX512F__)
    __asm__("" : "+v"(x));
#elif defined(__x86_64__)
    __asm__("" : "+x"(x));
#elif defined(__aarch64__)
    __asm__("" : "+w"(x));
#else
    (void)x;
#endif
}

// sum + a·b. Where loops by hand stand beside the compiler's, rounded once in all of them, whatever the
// options of a build.
GW_INLINE vf add_product(vf sum, vf a, vf b) {
#if defined(__AVX2__) && !defined(__AVX512F__)
    return _mm256_fmadd_ps(a, b, sum);
#else
    return sum + a * b;
#endif
}

// The same, rounded once wherever the processor can: compilers fuse no product with an addition that stands
// behind a branch, and then the loops of one row and of many would differ.
GW_INLINE vf add_fused(vf sum, vf a, vf b) {
#if defined(__AVX512F__)
    return _mm512_maskz_fmadd_ps(static_cast<__mmask16>(-1), a, b, sum);
#elif defined(__aarch64__)
    return vfmaq_f32(sum, a, b);
#else
    return add_product(sum, a, b);
#endif
}

// x * 2^n for integral-valued n in [-252, 252]; overflows to infinity, underflows to zero.
GW_INLINE vf scale_by_power(vf x, vf n) {
#if defined(__AVX512F__)
    // The maskless form makes gcc 12 warn of an uninitialised operand that it never reads.
    return _mm512_maskz_scalef_ps(static_cast<__mmask16>(-1), x, n);
#else
    const vi whole = __builtin_convertvector(n, vi), half = whole >> 1;
    return x * reinterpret_cast<vf>((half + 127) << 23) *
           reinterpret_cast<vf>((whole - half + 127) << 23);
#endif
}

// The nearest integer; NaN gives one whose low 9 bits are zero.
GW_INLINE vi round_to_int(vf x) {
#if defined(__AVX512F__)
    return reinterpret_cast<vi>(_mm512_maskz_cvtps_epi32(static_cast<__mmask16>(-1), x));
#elif defined(__AVX2__)
    return reinterpret_cast<vi>(_mm256_cvtps_epi32(x));
#elif defined(__x86_64__)
    return reinterpret_cast<vi>(_mm_cvtps_epi32(x));
#elif defined(__aarch64__)
    return vcvtnq_s32_f32(x);
#else
    vi n;
    for (int i = 0; i < kLanes; ++i) n[i] = x[i] == x[i] ? static_cast<i32>(__builtin_rintf(x[i])) : 0;
    return n;
#endif
}

// The nearest whole number.
GW_INLINE vf nearest(vf x) {
#if defined(__AVX512F__)
    return _mm512_maskz_roundscale_ps(static_cast<__mmask16>(-1), x, 8);
#elif defined(__AVX2__)
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#elif defined(__SSE4_1__)
    return _mm_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
    for (int i = 0; i < kLanes; ++i) x[i] = __builtin_rintf(x[i]);
    return x;
#endif
}

GW_INLINE vf sqrt(vf x) {
#if defined(__AVX512F__)
    return _mm512_maskz_sqrt_ps(static_cast<__mmask16>(-1), x);
#elif defined(__AVX2__)
    return _mm256_sqrt_ps(x);
#elif defined(__x86_64__)
    return _mm_sqrt_ps(x);
#else
    for (int i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);
    return x;
#endif
}

// The 64-bit products of the low halves of the lanes.
GW_INLINE vl multiply_low_halves(vl x, vl y) {
#if defined(__AVX512F__)
    return reinterpret_cast<vl>(_mm512_maskz_mul_epu32(
        static_cast<__mmask8>(-1), reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(y)));
#elif defined(__AVX2__)
    return reinterpret_cast<vl>(
        _mm256_mul_epu32(reinterpret_cast<__m256i>(x), reinterpret_cast<__m256i>(y)));
#elif defined(__x86_64__)
    return reinterpret_cast<vl>(
        _mm_mul_epu32(reinterpret_cast<__m128i>(x), reinterpret_cast<__m128i>(y)));
#else
    return (x & 0xffffffffu) * (y & 0xffffffffu);
#endif
}

// Per lane: sum + the dot product of two bf16, or of four unsigned with four signed bytes (where the
// instruction exists).
#if defined(__AVX512BF16__) && defined(__AVX512VNNI__)
constexpr bool kHasDots = true;
GW_INLINE vf dot_bf16(vf sum, vi a, vi b) {
    return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}
GW_INLINE vi dot_int8(vi sum, vi a, vi b) {
    return reinterpret_cast<vi>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(sum),
                                                    reinterpret_cast<__m512i>(a),
                                                    reinterpret_cast<__m512i>(b)));
}
#else
constexpr bool kHasDots = false;
GW_INLINE vf dot_bf16(vf sum, vi a, vi b) {
    const vu x = reinterpret_cast<vu>(a), y = reinterpret_cast<vu>(b);
    sum += reinterpret_cast<vf>(x & 0xffff0000u) * reinterpret_cast<vf>(y & 0xffff0000u);
    return sum + reinterpret_cast<vf>(x << 16) * reinterpret_cast<vf>(y << 16);
}
template <class V> V dot_int8(V sum, vi a, vi b) = delete;
#endif

// 2 kLanes floats as bfloat16 in their order, two in each lane; subnormal ones become zero.
#if defined(__AVX512BF16__) && !defined(GATEWORK_EMULATE_AVX512)
constexpr bool kRoundsPairs = true;
GW_INLINE vf round_pairs(vf first, vf second) {
    return reinterpret_cast<vf>(_mm512_cvtne2ps_pbh(second, first));
}
// The first and the second kLanes of halves of x, in turn.
GW_INLINE vf interleave_halves(vf x) {
    typedef u16 halves __attribute__((vector_size(kLanes * 4)));
    const halves h = reinterpret_cast<halves>(x);
    return reinterpret_cast<vf>(__builtin_shufflevector(h, h, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22,
                                                        7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                                        14, 30, 15, 31));
}
#else
constexpr bool kRoundsPairs = false;
GW_INLINE vf round_pairs(vf first, vf) { return first; }
GW_INLINE vf interleave_halves(vf x) { return x; }
#endif

// Products of words of four int8 in [-127, 127], exact. Of the left ones come kLeftWords words: the bytes
// with kByteOffset added; or their magnitudes, and all ones where they are negative, for instructions that
// multiply bytes without a sign by bytes with one: |x| * ~w is x * w - |x| there. Then sums lack the
// magnitudes of all negative x, whatever w is. Two products of 127 and 128 fit the 16 bits between.
#if defined(__AVX512BF16__) && defined(__AVX512VNNI__)
constexpr i32 kByteOffset = 128;
constexpr int kLeftWords = 1;
GW_INLINE vi add_products(vi sum, const vi (&x)[1], vi w) { return dot_int8(sum, x[0], w); }
#elif defined(__SSSE3__)
constexpr i32 kByteOffset = 0;
constexpr int kLeftWords = 2;
GW_INLINE vi add_products(vi sum, const vi (&x)[2], vi w) {
#if defined(__AVX512BW__)
    const __m512i magnitude = reinterpret_cast<__m512i>(x[0]), right = reinterpret_cast<__m512i>(w ^ x[1]);
    return sum + reinterpret_cast<vi>(
                     _mm512_madd_epi16(_mm512_maddubs_epi16(magnitude, right), _mm512_set1_epi16(1)));
#elif defined(__AVX2__)
    const __m256i magnitude = reinterpret_cast<__m256i>(x[0]), right = reinterpret_cast<__m256i>(w ^ x[1]);
    return sum + reinterpret_cast<vi>(
                     _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, right), _mm256_set1_epi16(1)));
#else
    const __m128i magnitude = reinterpret_cast<__m128i>(x[0]), right = reinterpret_cast<__m128i>(w ^ x[1]);
    return sum + reinterpret_cast<vi>(
                     _mm_madd_epi16(_mm_maddubs_epi16(magnitude, right), _mm_set1_epi16(1)));
#endif
}
#else
constexpr i32 kByteOffset = 0;
constexpr int kLeftWords = 1;
GW_INLINE vi add_products(vi sum, const vi (&x)[1], vi w) {
    const vu left = reinterpret_cast<vu>(x[0]), right = reinterpret_cast<vu>(w);
    for (int up = 0; up < 32; up += 8) // each byte in turn at the top of the lane, then back with its sign
        sum += (reinterpret_cast<vi>(left << up) >> 24) * (reinterpret_cast<vi>(right << up) >> 24);
    return sum;
}
#endif

// a0 b0 a1 b1 ...: the first and the second half of the lanes.
GW_INLINE vl interleave_first(vl a, vl b) {
#if defined(__AVX512F__)
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
#elif defined(__AVX2__)
    return __builtin_shufflevector(a, b, 0, 4, 1, 5);
#else
    return __builtin_shufflevector(a, b, 0, 2);
#endif
}
GW_INLINE vl interleave_second(vl a, vl b) {
#if defined(__AVX512F__)
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#elif defined(__AVX2__)
    return __builtin_shufflevector(a, b, 2, 6, 3, 7);
#else
    return __builtin_shufflevector(a, b, 1, 3);
#endif
}

// NaN passes through both: of two operands that do not compare, x86 takes the second.
GW_INLINE vf at_least(vf x, float low) {
#if defined(__AVX512F__)
    return _mm512_maskz_max_ps(static_cast<__mmask16>(-1), splat(low), x);
#elif defined(__AVX2__)
    return _mm256_max_ps(splat(low), x);
#elif defined(__x86_64__)
    return _mm_max_ps(splat(low), x);
#else
    return x < low ? splat(low) : x;
#endif
}
GW_INLINE vf at_most(vf x, float high) {
#if defined(__AVX512F__)
    return _mm512_maskz_min_ps(static_cast<__mmask16>(-1), splat(high), x);
#elif defined(__AVX2__)
    return _mm256_min_ps(splat(high), x);
#elif defined(__x86_64__)
    return _mm_min_ps(splat(high), x);
#else
    return x > high ? splat(high) : x;
#endif
}

GW_INLINE vf abs(vf x) { return reinterpret_cast<vf>(reinterpret_cast<vu>(x) & 0x7fffffffu); }
GW_INLINE vf copy_sign(vf magnitude, vf sign) {
    return reinterpret_cast<vf>((reinterpret_cast<vu>(magnitude) & 0x7fffffffu) |
                                (reinterpret_cast<vu>(sign) & 0x80000000u));
}

GW_INLINE vi lane_numbers() {
    vi n;
    for (int i = 0; i < kLanes; ++i) n[i] = i;
    return n;
}

// The first n bytes as lanes with all bits set where a byte is not zero; the other lanes are zero.
GW_INLINE vi load_flags(const bool* p, i64 n) {
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
    const auto some = static_cast<__mmask16>(n >= kLanes ? -1 : (1 << n) - 1);
    const __m128i bytes = _mm_maskz_loadu_epi8(some, p);
    return reinterpret_cast<vi>(_mm512_maskz_set1_epi32(_mm_test_epi8_mask(bytes, bytes), -1));
#else
    vi lanes = {};
    for (i64 i = 0; i < min64(n, kLanes); ++i) lanes[i] = -static_cast<i32>(p[i]);
    return lanes;
#endif
}

// x where it is larger, else y: NaN in x loses.
GW_INLINE vf larger_number(vf x, vf y) {
#if defined(__AVX512F__)
    return _mm512_maskz_max_ps(static_cast<__mmask16>(-1), x, y);
#elif defined(__AVX2__)
    return _mm256_max_ps(x, y);
#elif defined(__x86_64__)
    return _mm_max_ps(x, y);
#else
    return x > y ? x : y;
#endif
}

GW_INLINE i64 round_up(i64 n, i64 step) { return (n + step - 1) / step * step; }

} // namespace
} // namespace gw::GW_ISA

#include "kernels/lanes.h"

// The inner loop of a tile by hand, where the compiler's own is what limits it.
#if defined(__AVX2__) && !defined(__AVX512F__)
#include "kernels/tile_loop_avx2.h"
#else
namespace gw::GW_ISA {
namespace {
template <int Rows, int Vectors> constexpr bool kHasTileLoop = false;
template <int Rows, bool AlongK, class Sums, class Operand> void run_tile_loop(Sums&, const Operand&) = delete;
} // namespace
} // namespace gw::GW_ISA
#endif

// Registers of a whole tile.
#if defined(__AMX_TILE__) && defined(__AMX_BF16__) && defined(__AMX_INT8__)
#include "kernels/amx.h"
#else
namespace gw::GW_ISA {
namespace {
constexpr bool kHasTiles = false;
constexpr i64 kTileSide = 1;
} // namespace
} // namespace gw::GW_ISA
#endif

namespace gw::GW_ISA {
namespace {
// Words of pairs or bytes along k come in a whole number of steps of what multiplies them, the last ones zero.
constexpr i64 kWordStep = kTileSide;
} // namespace
} // namespace gw::GW_ISA

// AVX-512 for processors without it: the instructions that kernels/simd.h names, lane by lane, each as Intel's
// manual defines it. With it in front of a kernel's file, and GCC's vectors of 64 bytes, every test of the
// levels avx512 and avx512_bf16 runs on AVX2, slowly (`make avx512`). No build that is used has it.
#pragma once
#include <immintrin.h>

#include <cmath>
#include <cstring>

#pragma GCC diagnostic ignored "-Wpsabi" // all of it is inlined

namespace gw_emulated {

typedef float f32x16 __attribute__((vector_size(64)));
typedef int i32x16 __attribute__((vector_size(64)));
typedef short i16x32 __attribute__((vector_size(64)));
typedef signed char i8x64 __attribute__((vector_size(64)));
typedef unsigned char u8x64 __attribute__((vector_size(64)));
typedef unsigned long long u64x8 __attribute__((vector_size(64)));

#define GW_EMULATED static inline __attribute__((always_inline))

template <class F> GW_EMULATED f32x16 each(const F& f) {
    f32x16 y;
    for (int i = 0; i < 16; ++i) y[i] = f(i);
    return y;
}

GW_EMULATED f32x16 load(unsigned mask, const float* p) {
    return each([&](int i) { return (mask >> i & 1) != 0 ? p[i] : 0.0f; });
}
GW_EMULATED void store(float* p, unsigned mask, f32x16 x) {
    for (int i = 0; i < 16; ++i)
        if ((mask >> i & 1) != 0) p[i] = x[i];
}
GW_EMULATED f32x16 fmadd(f32x16 a, f32x16 b, f32x16 c) {
    return each([&](int i) { return __builtin_fmaf(a[i], b[i], c[i]); });
}
GW_EMULATED f32x16 scalef(f32x16 x, f32x16 n) {
    return each([&](int i) { return n[i] == n[i] ? std::ldexp(x[i], static_cast<int>(n[i])) : n[i]; });
}
GW_EMULATED i32x16 to_int(f32x16 x) {
    i32x16 y;
    for (int i = 0; i < 16; ++i) y[i] = _mm_cvtss_si32(_mm_set_ss(x[i]));
    return y;
}
GW_EMULATED f32x16 nearest(f32x16 x) {
    return each([&](int i) { return __builtin_rintf(x[i]); });
}
GW_EMULATED f32x16 sqrt(f32x16 x) {
    return each([&](int i) { return __builtin_sqrtf(x[i]); });
}
// Of two operands that do not compare, the second.
GW_EMULATED f32x16 max(f32x16 a, f32x16 b) {
    return each([&](int i) { return a[i] > b[i] ? a[i] : b[i]; });
}
GW_EMULATED f32x16 min(f32x16 a, f32x16 b) {
    return each([&](int i) { return a[i] < b[i] ? a[i] : b[i]; });
}
GW_EMULATED u64x8 multiply_low(u64x8 a, u64x8 b) { return (a & 0xffffffffu) * (b & 0xffffffffu); }

GW_EMULATED i16x32 maddubs(u8x64 a, i8x64 b) {
    i16x32 y;
    for (int i = 0; i < 32; ++i) {
        const int sum = a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
        y[i] = static_cast<short>(sum > 32767 ? 32767 : sum < -32768 ? -32768 : sum);
    }
    return y;
}
GW_EMULATED i32x16 madd(i16x32 a, i16x32 b) {
    i32x16 y;
    for (int i = 0; i < 16; ++i) y[i] = a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
    return y;
}
GW_EMULATED i32x16 dpbusd(i32x16 sum, u8x64 a, i8x64 b) {
    for (int i = 0; i < 16; ++i)
        for (int j = 4 * i; j < 4 * i + 4; ++j) sum[i] += a[j] * b[j];
    return sum;
}
// The instruction rounds once less; kernels' tests allow for either.
GW_EMULATED f32x16 dpbf16(f32x16 sum, i32x16 a, i32x16 b) {
    auto half = [](int word, int j) {
        const unsigned bits = static_cast<unsigned>(word) >> (16 * j) << 16;
        float x;
        std::memcpy(&x, &bits, sizeof x);
        return x;
    };
    return each([&](int i) {
        return sum[i] + half(a[i], 1) * half(b[i], 1) + half(a[i], 0) * half(b[i], 0);
    });
}

GW_EMULATED __m128i load_bytes(unsigned mask, const void* p) {
    alignas(16) unsigned char bytes[16] = {};
    for (int i = 0; i < 16; ++i)
        if ((mask >> i & 1) != 0) bytes[i] = static_cast<const unsigned char*>(p)[i];
    return _mm_load_si128(reinterpret_cast<const __m128i*>(bytes));
}
GW_EMULATED unsigned test_bytes(__m128i a, __m128i b) {
    alignas(16) unsigned char bytes[16];
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes), _mm_and_si128(a, b));
    unsigned mask = 0;
    for (int i = 0; i < 16; ++i) mask |= unsigned(bytes[i] != 0) << i;
    return mask;
}
GW_EMULATED i32x16 set_int(unsigned mask, int x) {
    i32x16 y;
    for (int i = 0; i < 16; ++i) y[i] = (mask >> i & 1) != 0 ? x : 0;
    return y;
}

} // namespace gw_emulated

#define __m512i gw_emulated::i32x16
#define __m512bh gw_emulated::i32x16
#define _mm512_maskz_loadu_ps(mask, p) gw_emulated::load(mask, p)
#define _mm512_mask_storeu_ps(p, mask, x) gw_emulated::store(p, mask, x)
#define _mm512_maskz_fmadd_ps(mask, a, b, c) gw_emulated::fmadd(a, b, c)
#define _mm512_maskz_scalef_ps(mask, x, n) gw_emulated::scalef(x, n)
#define _mm512_maskz_cvtps_epi32(mask, x) gw_emulated::to_int(x)
#define _mm512_maskz_roundscale_ps(mask, x, how) gw_emulated::nearest(x)
#define _mm512_maskz_sqrt_ps(mask, x) gw_emulated::sqrt(x)
#define _mm512_maskz_max_ps(mask, a, b) gw_emulated::max(a, b)
#define _mm512_maskz_min_ps(mask, a, b) gw_emulated::min(a, b)
#define _mm512_maskz_mul_epu32(mask, a, b)                                                         \
    gw_emulated::multiply_low((gw_emulated::u64x8)(a), (gw_emulated::u64x8)(b))
#define _mm512_maddubs_epi16(a, b)                                                                 \
    gw_emulated::maddubs((gw_emulated::u8x64)(a), (gw_emulated::i8x64)(b))
#define _mm512_madd_epi16(a, b) gw_emulated::madd(a, b)
#define _mm512_set1_epi16(x) (gw_emulated::i16x32{} + short(x))
#define _mm512_dpbusd_epi32(sum, a, b)                                                             \
    gw_emulated::dpbusd(sum, (gw_emulated::u8x64)(a), (gw_emulated::i8x64)(b))
#define _mm512_dpbf16_ps(sum, a, b) gw_emulated::dpbf16(sum, a, b)
#define _mm512_maskz_set1_epi32(mask, x) gw_emulated::set_int(mask, x)
#define _mm_maskz_loadu_epi8(mask, p) gw_emulated::load_bytes(mask, p)
#define _mm_test_epi8_mask(a, b) gw_emulated::test_bytes(a, b)

// Only now: GCC's own header must not believe it.
#define __AVX512F__ 1
#define __AVX512BW__ 1
#define __AVX512VL__ 1
#ifdef GATEWORK_EMULATE_DOTS
#define __AVX512VNNI__ 1
#define __AVX512BF16__ 1
#endif
#ifdef GATEWORK_EMULATE_TILES
#define __AMX_TILE__ 1
#define __AMX_BF16__ 1
#define __AMX_INT8__ 1
#endif

// Elementary functions on vectors. Error bounds hold over all finite inputs, with results below the
// smallest normal number counted as zero; tests/kernels/test_math.py holds the same numbers.
#pragma once
#include "kernels/simd.h"

namespace gw::GW_ISA {
namespace {

constexpr float kLog2e = 1.44269504088896341f;
constexpr float kLn2High = 0.693359375f; // 10 bits: n * kLn2High is exact
constexpr float kLn2Low = -2.12194440e-4f;

// x = n ln2 + r with |r| <= ln2 / 2; returns e^r - 1 (Cephes expf polynomial).
GW_INLINE vf reduced_expm1(vf x, vi& whole) {
    whole = round_to_int(x * kLog2e);
    const vf n = __builtin_convertvector(whole, vf);
    const vf r = (x - n * kLn2High) - n * kLn2Low;
    vf p = splat(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    return p * (r * r) + r;
}

// x * 2^n where x and the result are normal numbers, or x is NaN and n came from it.
GW_INLINE vf scale_normal(vf x, vi n) {
    return reinterpret_cast<vf>(reinterpret_cast<vi>(x) + (n << 23));
}

// e^x, 2 ULP.
GW_INLINE vf exp(vf x) {
    vi n;
    const vf p = reduced_expm1(at_most(at_least(x, -104.0f), 89.0f), n);
    return scale_by_power(p + 1.0f, __builtin_convertvector(n, vf));
}

// 2^x for x < 128, 2 ULP: the polynomial of degree 6 whose relative error on [-1/2, 1/2] is least.
GW_INLINE vf exp2(vf x) {
    x = at_least(x, -150.0f);
    const vf n = nearest(x), r = x - n;
    vf p = splat(1.535336196e-04f);
    p = p * r + 1.339887502e-03f;
    p = p * r + 9.618436918e-03f;
    p = p * r + 5.550332367e-02f;
    p = p * r + 2.402264774e-01f;
    p = p * r + 6.931471825e-01f;
    p = p * r + 1.0f;
    return scale_by_power(p, n);
}

// e^x - 1, 3 ULP.
GW_INLINE vf expm1(vf x) {
    vi n;
    const vf p = reduced_expm1(at_most(at_least(x, -104.0f), 89.0f), n);
    const vf power = scale_by_power(splat(1.0f), __builtin_convertvector(n, vf));
    return p * power + (power - 1.0f);
}

// 1 / (1 + e^-x), 3 ULP. Past the limits the quotient is 1, or below the smallest normal number.
GW_INLINE vf sigmoid(vf x) {
    vi n;
    const vf p = reduced_expm1(at_most(at_least(-x, -87.0f), 88.0f), n);
    return 1.0f / (1.0f + scale_normal(p + 1.0f, n));
}

// (e^2|x| - 1) / (e^2|x| + 1) with the sign of x, 4 ULP.
GW_INLINE vf tanh(vf x) {
    vi n;
    const vf p = reduced_expm1(at_most(abs(x), 10.0f) * 2.0f, n);
    const vf power = scale_normal(splat(1.0f), n);
    const vf m = p * power + (power - 1.0f);
    return copy_sign(m / (m + 2.0f), x);
}

// log(1 + x) for x in [0, 1], 2 ULP: 2 artanh(s), s = x / (2 + x), a series in z = s^2 <= 1/9.
GW_INLINE vf log1p_of_fraction(vf x) {
    const vf twice = (x + x) / (x + 2.0f), z = twice * twice * 0.25f; // s itself could be a denormal
    vf p = splat(1.34337738e-1f);
    p = p * z + 1.41169786e-1f;
    p = p * z + 2.00038359e-1f;
    p = p * z + 3.33333194e-1f;
    return twice * (z * p) + twice;
}

// erf(x), 2 ULP: below 1 a series in x^2, above it 1 - e^-q with q = -log(erfc(|x|)); 1 from 4 on. Both
// are least-squares fits, weighted for the least greatest relative error.
GW_INLINE vf erf(vf x) {
    const vf s = x * x;
    vf p = splat(7.85386146e-5f);
    p = p * s - 8.01019371e-4f;
    p = p * s + 5.18832775e-3f;
    p = p * s - 2.68538129e-2f;
    p = p * s + 1.12835854e-1f;
    p = p * s - 3.76126260e-1f;
    p = p * s + 1.28379166e-1f;
    const vf t = at_most(abs(x), 4.0f);
    vf q = splat(-1.86379199e-4f);
    q = q * t + 2.94765830e-3f;
    q = q * t - 2.18380634e-2f;
    q = q * t + 1.03106752e-1f;
    q = q * t + 6.38144851e-1f;
    q = q * t + 1.12708914f;
    q = q * t + 3.41523031e-4f;
    vi n;
    const vf e = reduced_expm1(-q, n);
    return t < 1.0f ? p * x + x : copy_sign(1.0f - scale_normal(e + 1.0f, n), x);
}

// log(1 + e^x) without overflow, 3 ULP.
GW_INLINE vf softplus(vf x) {
    return (x > 0.0f ? x : splat(0.0f)) + log1p_of_fraction(exp(-abs(x)));
}

} // namespace
} // namespace gw::GW_ISA

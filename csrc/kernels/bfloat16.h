// bfloat16 operands of products: two neighbours along k in the 32 bits of one word, so that a product of
// words runs through the same tiles as one of floats, two steps of k at a time. Sums stay float32.
#pragma once
#include "kernels/simd.h"
#include "runtime/memory.h"

namespace gw::GW_ISA {
namespace {

inline i64 pair_words(i64 k) { return (k + 1) / 2; }

// The float rounded to the nearest bfloat16, to even when halfway, in the upper 16 bits; the lower ones
// are not cleared. A NaN stays one.
GW_INLINE vu round_bf16(vf x) {
    const vu bits = reinterpret_cast<vu>(x);
    const vu rounded = bits + (0x7fffu + ((bits >> 16) & 1u));
    return x == x ? rounded : bits | 0x400000u;
}

// Words of low in the lower and high in the upper half.
GW_INLINE vf pair(vf low, vf high) {
    return reinterpret_cast<vf>((round_bf16(low) >> 16) | (round_bf16(high) & 0xffff0000u));
}

// n floats of a row as pairs along it; an odd last one is paired with zero.
inline void pair_row(const float* x, i64 n, float* words) {
    u16* out = reinterpret_cast<u16*>(words);
    typedef u16 half __attribute__((vector_size(kLanes * 2), aligned(2), may_alias));
    i64 i = 0;
    for (; i + kLanes <= n; i += kLanes)
        *reinterpret_cast<half*>(out + i) = __builtin_convertvector(round_bf16(load(x + i)) >> 16, half);
    for (; i < n; ++i) out[i] = static_cast<u16>(round_bf16(splat(x[i]))[0] >> 16);
    if (n % 2 != 0) out[n] = 0;
}

// Rows as a product reads them: k words or floats each.
struct ProductRows {
    const float* data;
    i64 row, k;
};

// The left operand of products: the rows themselves, or their pairs in memory of this object.
class OperandRows {
  public:
    OperandRows() = default;
    OperandRows(bool pairs, i64 rows, i64 columns)
        : row_(row_words(columns)), words_(pairs ? rows * row_ : 0) {}

    // `rows` rows of `columns`, the first of them kept at place `first` of this object.
    ProductRows of(const float* x, i64 x_row, i64 rows, i64 columns, i64 first = 0) const {
        if (words_.get() != nullptr)
            for (i64 i = 0; i < rows; ++i)
                pair_row(x + i * x_row, columns, words_.get() + (first + i) * row_);
        return made(x, x_row, columns, first);
    }
    // The same again, of rows that have not changed since.
    ProductRows made(const float* x, i64 x_row, i64 columns, i64 first = 0) const {
        if (words_.get() == nullptr) return {x, x_row, columns};
        return {words_.get() + first * row_, row_, pair_words(columns)};
    }

  private:
    // Off multiples of 512 bytes, where rows would meet in a few sets of the cache.
    static i64 row_words(i64 columns) {
        const i64 words = round_up(pair_words(columns), 16);
        return words % 128 == 0 ? words + 16 : words;
    }
    i64 row_ = 0;
    Floats words_;
};

} // namespace
} // namespace gw::GW_ISA

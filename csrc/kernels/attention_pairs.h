// Attention's products by tile registers: operands rounded to bfloat16, two neighbours along k in a word
// (bfloat16.h). Logits, weights' sums and results stay float32. Products are so quick then that rows which
// look at nothing are computed along with the others.
#pragma once
#include "kernels/attention_tile.h"
#include "kernels/bfloat16.h"

namespace gw::GW_ISA {
namespace {

constexpr i64 kKeyWords = kKeys / 2;              // of a row of weights
constexpr i64 kKeyWordStride = kKeyWords + kLanes; // from one such row to the next

constexpr u32 kNotFinite = 0x7f800000u; // the least of them, without its sign

// The first n of kLanes floats, none of them for n <= 0; the other lanes are zero.
GW_INLINE vf load_up_to(const float* p, i64 n) {
    return n >= kLanes ? load(p) : n > 0 ? load_first(p, n) : splat(0.0f);
}

// out[row] = factor * x[row] as words of pairs, zeros behind the features.
inline void pack_row_pairs(const float* x, i64 step, i64 rows, i64 features, float factor, i64 words,
                           float* out) {
    for (i64 row = 0; row < rows; ++row, x += step, out += words)
        for (i64 w = 0; w < words; w += kLanes)
            store(out + w, pairs_along(load_up_to(x + 2 * w, features - 2 * w) * factor,
                                       load_up_to(x + 2 * w + kLanes, features - 2 * w - kLanes) *
                                           factor));
}

// Rows of x become columns of words [words, kKeys]; beyond `rows` zero.
inline void pack_column_pairs(const float* x, i64 step, i64 rows, i64 features, i64 words, float* out) {
    for (i64 first = 0; first < kKeys; first += kLanes) {
        for (i64 w = 0; w < words; w += kLanes) {
            vf block[kLanes];
            for (i64 r = 0; r < kLanes; ++r) {
                const float* at = x + (first + r) * step + 2 * w;
                const i64 left = first + r < rows ? features - 2 * w : 0;
                block[r] = pairs_along(load_up_to(at, left), load_up_to(at + kLanes, left - kLanes));
            }
            transpose(block);
            for (i64 r = 0; r < kLanes; ++r) store(out + (w + r) * kKeys + first, block[r]);
        }
    }
}

// Columns of panels of a matrix of pairs down its rows: `width` floats, a whole number of vectors.
template <class F> GW_INLINE void for_panels(i64 width, const F& f) {
    for (i64 column = 0; column < width; column += kPanel)
        f(column, static_cast<int>(min64(kPanel, width - column) / kLanes));
}

// Pairs of neighbouring rows of x, `words` rows of them in each panel, zeros beyond `rows` and where x is
// not finite (see add_not_finite). Whether all of x is.
inline bool pack_pairs_down(const float* x, i64 step, i64 rows, i64 features, float factor, i64 words,
                            i64 width, float* out) {
    vu largest = {};
    auto read = [&](i64 row, i64 column) {
        const vf value = row < rows ? load_up_to(x + row * step + column, features - column) * factor
                                    : splat(0.0f);
        const vu magnitude = reinterpret_cast<vu>(value) & 0x7fffffffu;
        largest = magnitude > largest ? magnitude : largest;
        return magnitude < kNotFinite ? value : splat(0.0f);
    };
    for_panels(width, [&](i64 column, int vectors) {
        float* panel = out + column * words;
        for (i64 w = 0; w < words; ++w)
            for (int v = 0; v < vectors; ++v) {
                const i64 at = column + v * kLanes;
                store(panel + (w * vectors + v) * kLanes, pair(read(2 * w, at), read(2 * w + 1, at)));
            }
    });
    return is_finite(largest);
}

// s = a·b of `rows` rows of `words` words, b packed by pack_column_pairs.
inline void multiply_column_pairs(const float* a, i64 rows, i64 words, const float* packed, float* s) {
    Tile t(s, kLogitStride);
    t.words = Words::pairs;
    t.add({a, words, 1, packed, kKeys, words});
    run_rows(t, rows, kKeys / kLanes);
}

// c += a·b of `rows` rows of `words` words `a_step` apart, b packed by pack_pairs_down, c `width` wide.
inline void add_pairs(const float* a, i64 a_step, i64 rows, i64 words, const float* packed, i64 width,
                      float* c) {
    for_panels(width, [&](i64 column, int vectors) {
        Tile t(c + column, width);
        t.words = Words::pairs;
        t.add({a, a_step, 1, packed + column * words, vectors * kLanes, words});
        t.start = t.c;
        t.start_row = width;
        run_rows(t, rows, vectors);
    });
}

// What add_pairs left out: c += a·(factor b) for the elements of b that are not finite. They meet only what
// is not zero: a query hears nothing from keys it does not look at, not even that they are NaN.
inline void add_not_finite(i64 rows, i64 columns, const Operand& product, float factor, float* c,
                           i64 ldc) {
    for (i64 r = 0; r < rows; ++r) {
        for (i64 k = 0; k < product.k; ++k) {
            const float x = product.a[r * product.a_row + k * product.a_col];
            if (x == 0.0f) continue;
            for_vectors(0, columns, [&](i64 i, i64 lanes) {
                float* to = c + r * ldc + i;
                const vf y = load_some(product.b + k * product.b_row + i, lanes);
                const vi finite = (reinterpret_cast<vu>(y) & 0x7fffffffu) < kNotFinite;
                const vf before = load_some(to, lanes);
                store_some(to, finite ? before : before + y * factor * x, lanes);
            });
        }
    }
}

// Weights of a row as words, zero outside of the columns its group looks at.
GW_INLINE void pair_weights(const float* s, Range columns, float* words) {
    auto read = [&](i64 j) { return j >= columns.begin && j < columns.end ? load(s + j) : splat(0.0f); };
    for (i64 j = 0; j < kKeys; j += 2 * kLanes) store(words + j / 2, pairs_along(read(j), read(j + kLanes)));
}

// Columns of kKeys rows of s become rows of words, pairs of neighbouring rows of s; those that are not live
// count as zero.
inline void transpose_pairs(const float* s, const bool (&live)[kKeys], Range columns, float* words) {
    for (i64 j = 0; j < kKeys; j += kLanes) {
        const bool used = j >= columns.begin && j < columns.end;
        for (i64 w = 0; w < kKeyWords; w += kLanes) {
            vf block[kLanes];
            auto read = [&](i64 row) {
                return used && live[row] ? load(s + row * kLogitStride + j) : splat(0.0f);
            };
            for (i64 r = 0; r < kLanes; ++r) block[r] = pair(read(2 * (w + r)), read(2 * (w + r) + 1));
            transpose(block);
            for (i64 r = 0; r < kLanes; ++r) store(words + (j + r) * kKeyWordStride + w, block[r]);
        }
    }
}

} // namespace
} // namespace gw::GW_ISA

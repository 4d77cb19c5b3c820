// int8 operands of products. A row of the left one, or a column of the right one, is a scale times whole
// numbers in [-127, 127], of which four neighbours along k lie in the bytes of one word. Products and sums
// of whole numbers are exact in int32; only then the scales come in.
#pragma once
#include "api/int8.h"
#include "kernels/elementwise.h"
#include "kernels/operand.h"

namespace gw::GW_ISA {
namespace {

inline i64 byte_words(i64 k) { return round_up((k + 3) / 4, kWordStep); }

// Beneath the words of a panel lie the scales of its columns, then what kByteOffset adds to their sums.
constexpr i64 kColumnRows = 2;

// Behind the words of a row lie its scale, and what its sums lack for the sake of kLeftWords.
inline i64 left_words(i64 k) { return kLeftWords * byte_words(k) + 2; }

// n floats of a row as bytes and what lies behind them: the largest magnitude becomes 127. A row with a
// NaN or an infinity has NaN for a scale, so that all it is multiplied into become NaN.
inline void quantize_row(const float* x, i64 n, float* words) {
    typedef std::int8_t bytes __attribute__((vector_size(kLanes), may_alias));
    constexpr i32 kInfinity = 0x7f800000;
    constexpr float kLeast = 1e-36f; // of less, 127 / x is no float
    constexpr int kWords = kLanes / 4; // of a vector's bytes
    vi most = {};
    for_vectors(0, n, [&](i64 i, i64 lanes) { // magnitudes compare as their bits do, NaN above all
        const vi bits = reinterpret_cast<vi>(abs(load_some(x + i, lanes)));
        most = bits > most ? bits : most;
    });
    i32 top = 0;
    for (int i = 0; i < kLanes; ++i) top = most[i] > top ? most[i] : top;
    float largest = 0.0f;
    __builtin_memcpy(&largest, &top, sizeof largest);
    const bool finite = top < kInfinity, some = finite && largest >= kLeast;
    const float factor = some ? 127.0f / largest : 0.0f;
    vu lacking = {};
    auto split = [&](vf v, bytes (&out)[kLeftWords]) {
        const vi whole = round_to_int(v * factor);
        if constexpr (kLeftWords == 1) {
            out[0] = __builtin_convertvector(whole + kByteOffset, bytes);
        } else {
            const vu negative = reinterpret_cast<vu>(whole >> 31);
            const vu magnitude = (reinterpret_cast<vu>(whole) ^ negative) - negative;
            lacking += magnitude & negative;
            out[0] = __builtin_convertvector(magnitude, bytes);
            out[1] = __builtin_convertvector(negative, bytes);
        }
    };
    float* to = words;
    for_vectors(0, n, [&](i64 i, i64 lanes) {
        bytes found[kLeftWords];
        split(load_some(x + i, lanes), found);
        if (kLeftWords == 1 && lanes == kLanes) {
            __builtin_memcpy(to, &found[0], sizeof found[0]);
            to += kWords;
            return;
        }
        const i64 real = (lanes + 3) / 4;
        for (i64 w = 0; w < (lanes == kLanes ? i64(kWords) : real); ++w)
            for (int part = 0; part < kLeftWords; ++part)
                __builtin_memcpy(to++, reinterpret_cast<const char*>(&found[part]) + 4 * w, 4);
    });
    for (float* const end = words + kLeftWords * byte_words(n); to < end; ++to) *to = 0.0f;
    to[0] = some ? largest / 127.0f : finite ? 0.0f : __builtin_nanf("");
    u32 total = 0;
    for (int i = 0; i < kLanes; ++i) total += lacking[i];
    __builtin_memcpy(to + 1, &total, sizeof total);
}

// Packs a panel of `width` columns; source(j) tells which of the matrix's is column j, -1: zeros.
template <class F>
void pack_byte_panel(const Int8Matrix& m, i64 width, float* out, const F& source) {
    std::int8_t* bytes = reinterpret_cast<std::int8_t*>(out);
    float* scale = out + byte_words(m.rows) * width;
    float* offset = scale + width;
    for (i64 j = 0; j < width; ++j) {
        const i64 column = source(j);
        i32 sum = 0;
        for (i64 k = 0; k < 4 * byte_words(m.rows); ++k) {
            const std::int8_t value =
                column >= 0 && k < m.rows ? m.data[k * m.columns + column] : std::int8_t(0);
            bytes[(k / 4 * width + j) * 4 + k % 4] = value;
            sum += value;
        }
        scale[j] = column >= 0 ? m.scale[column] : 0.0f;
        sum *= kByteOffset;
        __builtin_memcpy(offset + j, &sum, sizeof sum);
    }
}

} // namespace
} // namespace gw::GW_ISA

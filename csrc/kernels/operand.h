// What a tile multiplies.
#pragma once
#include "kernels/simd.h"

namespace gw::GW_ISA {
namespace {

// What the 32 bits of an operand's word hold: a float, two neighbours along k as bfloat16 (bfloat16.h), or
// four as int8 (int8.h).
enum class Words : i32 { floats, pairs, bytes };

// One product a·b: a has rows a_row and columns a_col apart, b has rows b_row apart; k counts words. What
// turns sums of bytes into floats again lies behind the rows of a, and beneath those of b.
struct Operand {
    const float* a;
    i64 a_row, a_col;
    const float* b;
    i64 b_row;
    i64 k;
    const float* next = nullptr; // the b that comes after this one, as wide, if it may lie far away
};

// c = start + sum of operands, for `rows` rows of `vectors` vectors.
struct Tile {
    float* c;
    i64 ldc;
    const float* start = nullptr; // first value of the sums; null: zero
    i64 start_row = 0;            // rows of `start` are this far apart: 0 for a bias, ldc to accumulate
    i64 last = kLanes;            // columns of the last vector that exist in c (and in start)
    Words words = Words::floats;
    int ask_first = 0, ask_last = 0; // vectors of each row of Operand::next that this tile asks for
    int operands = 0;
    Operand operand[2];

    Tile(float* c_, i64 ldc_) : c(c_), ldc(ldc_) {}
    void add(const Operand& o) { operand[operands++] = o; }
};

} // namespace
} // namespace gw::GW_ISA

// The micro-kernel under every matrix product: a tile of up to 6 rows by kPanelVectors vectors whose
// sums stay in registers while one or two products run through it.
#pragma once
#include "kernels/simd.h"

namespace gw::GW_ISA {
namespace {

constexpr i64 kPanel = kPanelVectors * kLanes; // columns of a full tile

// One product a·b: a has rows a_row and columns a_col apart, b has rows b_row apart.
struct Operand {
    const float* a;
    i64 a_row, a_col;
    const float* b;
    i64 b_row;
    i64 k;
};

// c = start + sum of operands, for `rows` rows of `vectors` vectors.
struct Tile {
    Operand operand[2];
    int operands;
    const float* start; // first value of the sums; null: zero
    i64 start_row;      // rows of `start` are this far apart: 0 for a bias, ldc to accumulate
    float* c;
    i64 ldc;
    i64 last; // columns of the last vector that exist in c (and in start)
};

template <int Rows, int Vectors, bool AlongK>
GW_INLINE void multiply_add(vf (&sum)[Rows][Vectors], const Operand& o) {
    const float* a = o.a;
    const float* b = o.b;
    const i64 a_row = AlongK ? o.a_row : 1, a_col = AlongK ? 1 : o.a_col;
    for (i64 k = 0; k < o.k; ++k) {
        vf weights[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
            weights[v] = load(b + v * kLanes);
            keep_in_register(weights[v]);
        }
#pragma GCC unroll 6
        for (int r = 0; r < Rows; ++r) {
            const vf x = splat(a[r * a_row]);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) sum[r][v] += x * weights[v];
        }
        a += a_col;
        b += o.b_row;
    }
}

template <int Rows, int Vectors> void run_tile(const Tile& t) {
    vf sum[Rows][Vectors];
    const bool whole = t.last == kLanes;
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
            if (t.start == nullptr) {
                sum[r][v] = splat(0.0f);
            } else {
                const float* p = t.start + r * t.start_row + v * kLanes;
                sum[r][v] = v + 1 < Vectors || whole ? load(p) : load_first(p, t.last);
            }
        }
    }
    for (int i = 0; i < t.operands; ++i) {
        if (t.operand[i].a_col == 1)
            multiply_add<Rows, Vectors, true>(sum, t.operand[i]);
        else
            multiply_add<Rows, Vectors, false>(sum, t.operand[i]);
    }
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
            float* p = t.c + r * t.ldc + v * kLanes;
            if (v + 1 < Vectors || whole)
                store(p, sum[r][v]);
            else
                store_first(p, sum[r][v], t.last);
        }
    }
}

using TileFunction = void (*)(const Tile&);

template <int Vectors>
constexpr TileFunction kTileColumn[kTileRows] = {run_tile<1, Vectors>, run_tile<2, Vectors>,
                                                 run_tile<3, Vectors>, run_tile<4, Vectors>,
                                                 run_tile<5, Vectors>, run_tile<6, Vectors>};

inline TileFunction tile_function(int rows, int vectors) {
    if (vectors == 1) return kTileColumn<1>[rows - 1];
    if (vectors == 2) return kTileColumn<2>[rows - 1];
    if constexpr (kPanelVectors == 4)
        return vectors == 3 ? kTileColumn<3>[rows - 1] : kTileColumn<4>[rows - 1];
    return kTileColumn<kPanelVectors>[rows - 1];
}

// Runs a tile over m rows, split as evenly as tiles of at most kTileRows allow: no thin remainder.
inline void run_rows(Tile t, i64 m, int vectors) {
    const i64 tiles = (m + kTileRows - 1) / kTileRows;
    for (i64 i = 0; i < tiles; ++i) {
        const int rows = static_cast<int>(m / tiles + (i < m % tiles));
        tile_function(rows, vectors)(t);
        for (int o = 0; o < t.operands; ++o) t.operand[o].a += rows * t.operand[o].a_row;
        if (t.start != nullptr) t.start += rows * t.start_row;
        t.c += rows * t.ldc;
    }
}

} // namespace
} // namespace gw::GW_ISA

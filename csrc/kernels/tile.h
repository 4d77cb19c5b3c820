// The micro-kernel under every matrix product: a tile of some rows by up to kPanelVectors vectors whose
// sums stay in registers while one or two products run through it.
#pragma once
#include "kernels/simd.h"

#include <utility>

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
    float* c;
    i64 ldc;
    const float* start = nullptr; // first value of the sums; null: zero
    i64 start_row = 0;            // rows of `start` are this far apart: 0 for a bias, ldc to accumulate
    i64 last = kLanes;            // columns of the last vector that exist in c (and in start)
    int operands = 0;
    Operand operand[2];

    Tile(float* c_, i64 ldc_) : c(c_), ldc(ldc_) {}
    void add(const Operand& o) { operand[operands++] = o; }
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
#pragma GCC unroll 12
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
    // Copies: stores through c could otherwise change the tile for all the compiler knows.
    float* const c = t.c;
    const i64 ldc = t.ldc, last = t.last;
    const bool whole = last == kLanes;
#pragma GCC unroll 12
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
            if (t.start == nullptr) {
                sum[r][v] = splat(0.0f);
            } else {
                const float* p = t.start + r * t.start_row + v * kLanes;
                sum[r][v] = v + 1 < Vectors || whole ? load(p) : load_first(p, last);
            }
        }
    }
    for (int i = 0; i < t.operands; ++i) {
        if (t.operand[i].a_col == 1)
            multiply_add<Rows, Vectors, true>(sum, t.operand[i]);
        else
            multiply_add<Rows, Vectors, false>(sum, t.operand[i]);
    }
#pragma GCC unroll 12
    for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
            float* p = c + r * ldc + v * kLanes;
            if (v + 1 < Vectors || whole)
                store(p, sum[r][v]);
            else
                store_first(p, sum[r][v], last);
        }
    }
}

using TileFunction = void (*)(const Tile&);

// Rows of the tallest tile: as many as give every sum a register.
constexpr int tile_rows(int vectors) {
    return vectors == 1 || (vectors == 2 && kPanelVectors == 4) ? 2 * kTileRows : kTileRows;
}

template <int Vectors, int... Rows>
inline TileFunction tile_of(int rows, std::integer_sequence<int, Rows...>) {
    static constexpr TileFunction functions[] = {run_tile<Rows + 1, Vectors>...};
    return functions[rows - 1];
}
template <int Vectors> inline TileFunction tile_of(int rows) {
    return tile_of<Vectors>(rows, std::make_integer_sequence<int, tile_rows(Vectors)>());
}

inline TileFunction tile_function(int rows, int vectors) {
    if (vectors == 1) return tile_of<1>(rows);
    if (vectors == 2) return tile_of<2>(rows);
    if constexpr (kPanelVectors == 4) return vectors == 3 ? tile_of<3>(rows) : tile_of<4>(rows);
    return tile_of<2>(rows);
}

// Splits m rows into tiles as evenly as their greatest height allows: no thin remainder.
class RowTiles {
  public:
    RowTiles(i64 m, int vectors) : end_(m) {
        const i64 tiles = (m + tile_rows(vectors) - 1) / tile_rows(vectors);
        rows_ = tiles > 0 ? m / tiles : 0;
        taller_ = m - rows_ * tiles; // tiles of one more row, which come first
    }
    bool more() const { return first_ < end_; }
    void next() {
        first_ += rows();
        --taller_;
    }
    i64 first() const { return first_; }
    int rows() const { return static_cast<int>(rows_ + (taller_ > 0)); }

  private:
    i64 end_, rows_, taller_, first_ = 0;
};

// Runs a tile over m rows, moving it along.
inline void run_rows(Tile& t, i64 m, int vectors) {
    for (RowTiles tile(m, vectors); tile.more(); tile.next()) {
        const int rows = tile.rows();
        tile_function(rows, vectors)(t);
        for (int o = 0; o < t.operands; ++o) t.operand[o].a += rows * t.operand[o].a_row;
        if (t.start != nullptr) t.start += rows * t.start_row;
        t.c += rows * t.ldc;
    }
}

} // namespace
} // namespace gw::GW_ISA

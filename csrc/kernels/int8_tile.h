// The micro-kernel of products of bytes: sums of whole numbers stay in registers while a product runs
// through, then become floats.
#pragma once
#include "kernels/int8.h"
#include "kernels/operand.h"

namespace gw::GW_ISA {
namespace {

// Rows of the tallest tile: as many as leave registers for what becomes of a byte on its way.
constexpr int kByteRows = kPanelVectors == 4 ? 5 : 4;
constexpr i64 kLeastByteRows = 3; // that tile registers are worth it for

GW_INLINE vi load_words(const float* p) { return reinterpret_cast<vi>(load(p)); }
GW_INLINE vi splat_word(const float* p) {
    i32 word = 0;
    __builtin_memcpy(&word, p, sizeof word);
    return word - vi{};
}

// `Panels` tiles of the same rows.
template <int Rows, int Vectors, int Panels> void run_bytes(const Tile* tiles) {
    for (int i = 0; i < tiles[0].operands; ++i) {
        const Operand o = tiles[0].operand[i];
        const float* b[Panels];
        vi sum[Panels][Rows][Vectors] = {};
#pragma GCC unroll 4
        for (int p = 0; p < Panels; ++p) b[p] = tiles[p].operand[i].b;
        for (i64 k = 0; k < o.k; ++k) {
            vi weights[Panels][Vectors];
#pragma GCC unroll 4
            for (int p = 0; p < Panels; ++p) {
#pragma GCC unroll 4
                for (int v = 0; v < Vectors; ++v) {
                    weights[p][v] = load_words(b[p] + v * kLanes);
                    if (Rows > 1) keep_in_register(weights[p][v]);
                }
                b[p] += o.b_row;
            }
#pragma GCC unroll 5
            for (int r = 0; r < Rows; ++r) {
                vi x[kLeftWords];
#pragma GCC unroll 4
                for (int part = 0; part < kLeftWords; ++part)
                    x[part] = splat_word(o.a + r * o.a_row + k * kLeftWords + part);
#pragma GCC unroll 4
                for (int p = 0; p < Panels; ++p) {
#pragma GCC unroll 4
                    for (int v = 0; v < Vectors; ++v)
                        sum[p][r][v] = add_products(sum[p][r][v], x, weights[p][v]);
                }
            }
        }
        // The scales, and what the sums begin with.
#pragma GCC unroll 4
        for (int p = 0; p < Panels; ++p) {
            const Tile& t = tiles[p];
            const float* start = i > 0 ? t.c : t.start;
            const i64 start_row = i > 0 ? t.ldc : t.start_row;
#pragma GCC unroll 5
            for (int r = 0; r < Rows; ++r) {
                const float* behind = o.a + r * o.a_row + o.k * kLeftWords;
                const vf row_scale = splat(*behind);
#pragma GCC unroll 4
                for (int v = 0; v < Vectors; ++v) {
                    const i64 lanes = v + 1 < Vectors ? i64(kLanes) : t.last, at = v * kLanes;
                    vi whole = sum[p][r][v];
                    if (kLeftWords > 1) whole += splat_word(behind + 1);
                    if (kByteOffset != 0) whole -= load_words(b[p] + o.b_row + at);
                    const vf scale = load(b[p] + at) * row_scale;
                    const vf before =
                        start == nullptr ? zero() : load_some(start + r * start_row + at, lanes);
                    store_some(t.c + r * t.ldc + at,
                               add_fused(before, __builtin_convertvector(whole, vf), scale), lanes);
                }
            }
        }
    }
}

using ByteTile = void (*)(const Tile*);

template <int Vectors>
constexpr ByteTile kByteTiles[5] = {run_bytes<1, Vectors, 1>, run_bytes<2, Vectors, 1>,
                                    run_bytes<3, Vectors, 1>, run_bytes<4, Vectors, 1>,
                                    run_bytes<kByteRows, Vectors, 1>};

inline ByteTile byte_tile(i64 rows, int vectors) {
    if (vectors == 1) return kByteTiles<1>[rows - 1];
    if constexpr (kPanelVectors == 4) {
        if (vectors == 3) return kByteTiles<3>[rows - 1];
        if (vectors == 4) return kByteTiles<4>[rows - 1];
    }
    return kByteTiles<2>[rows - 1];
}

// Runs a tile over some rows, moving it along.
inline void run_byte_rows(Tile& t, i64 rows, int vectors) {
    const i64 tiles = (rows + kByteRows - 1) / kByteRows;
    for (i64 tile = 0; tile < tiles; ++tile) {
        const i64 n = rows / tiles + (tile < rows % tiles); // no thin remainder
        byte_tile(n, vectors)(&t);
        for (int o = 0; o < t.operands; ++o) t.operand[o].a += n * t.operand[o].a_row;
        if (t.start != nullptr) t.start += n * t.start_row;
        t.c += n * t.ldc;
    }
}

// Full tiles of one row, side by side.
constexpr ByteTile kWideBytes[] = {run_bytes<1, kPanelVectors, 1>, run_bytes<1, kPanelVectors, 2>,
                                   run_bytes<1, kPanelVectors, 3>, run_bytes<1, kPanelVectors, 4>};

} // namespace
} // namespace gw::GW_ISA

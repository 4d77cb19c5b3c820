// Tile registers for processors without them, as Intel's manual defines them; see avx512.h.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

namespace gw_emulated {

struct Tile {
    int rows, row_bytes;
    unsigned char bytes[16][64];
};
static thread_local Tile tiles[8];

static inline void tile_zero(int t) { std::memset(tiles[t].bytes, 0, sizeof tiles[t].bytes); }
template <class Rows, class Bytes> static void tile_config(const Rows& rows, const Bytes& row_bytes) {
    for (int t = 0; t < 8; ++t) {
        tiles[t].rows = rows[t];
        tiles[t].row_bytes = row_bytes[t];
        tile_zero(t);
    }
}
static inline void tile_load(int t, const void* p, long step) {
    tile_zero(t);
    for (int i = 0; i < tiles[t].rows; ++i)
        std::memcpy(tiles[t].bytes[i], static_cast<const char*>(p) + i * step,
                    static_cast<std::size_t>(tiles[t].row_bytes));
}
static inline void tile_store(int t, void* p, long step) {
    for (int i = 0; i < tiles[t].rows; ++i)
        std::memcpy(static_cast<char*>(p) + i * step, tiles[t].bytes[i],
                    static_cast<std::size_t>(tiles[t].row_bytes));
}

template <class T> static T tile_element(int t, int row, int index) {
    T x;
    std::memcpy(&x, tiles[t].bytes[row] + index * static_cast<int>(sizeof x), sizeof x);
    return x;
}
template <class T> static void tile_set(int t, int row, int index, T x) {
    std::memcpy(tiles[t].bytes[row] + index * static_cast<int>(sizeof x), &x, sizeof x);
}
static inline float tile_bf16(int t, int row, int index) {
    const std::uint32_t bits = std::uint32_t(tile_element<std::uint16_t>(t, row, index)) << 16;
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

// The products of even and of odd places are two chains of a register's 16 words each, whose sum is added.
static inline void tile_dpbf16(int c, int a, int b) {
    for (int i = 0; i < tiles[c].rows; ++i)
        for (int j = 0; j < tiles[c].row_bytes / 4; ++j) {
            float chain[2] = {};
            for (int k = 0; k < tiles[a].row_bytes / 4; ++k)
                for (int half = 0; half < 2; ++half)
                    chain[half] = std::fma(tile_bf16(a, i, 2 * k + half), tile_bf16(b, k, 2 * j + half),
                                           chain[half]);
            tile_set(c, i, j, tile_element<float>(c, i, j) + (chain[0] + chain[1]));
        }
}
static inline void tile_dpbusd(int c, int a, int b) {
    for (int i = 0; i < tiles[c].rows; ++i)
        for (int j = 0; j < tiles[c].row_bytes / 4; ++j) {
            auto sum = tile_element<std::int32_t>(c, i, j);
            for (int k = 0; k < tiles[a].row_bytes; ++k)
                sum += tile_element<std::uint8_t>(a, i, k) *
                       tile_element<std::int8_t>(b, k / 4, 4 * j + k % 4);
            tile_set(c, i, j, sum);
        }
}

} // namespace gw_emulated

// The micro-kernel of products by tile registers: blocks of one or two registers of rows by up to four of
// columns. Every element is the same chain of additions, sixteen words of k after sixteen, for any number of
// rows, so that no result depends on how they were divided.
#pragma once
#include "kernels/int8.h"
#include "kernels/operand.h"

namespace gw::GW_ISA {
namespace {

// Rows that run together: two registers of `height`; the second begins where both end with the last row,
// and computes a row or two of the first again.
struct RegisterRows {
    i64 first, second; // second: 0 where there is one register
    int height;
};

template <bool Bytes, int C, int A, int B> GW_INLINE void tile_dot() {
    if constexpr (Bytes)
        tile_dot_int8<C, A, B>();
    else
        tile_dot_bf16<C, A, B>();
}

// Products of registers that hold zeros, to see how fast they are.
template <bool Bytes> inline float run_tile_chains(i64 steps) {
    configure_tiles(kTileSide);
    for (i64 s = 0; s < steps; ++s) {
        tile_dot<Bytes, 0, 4, 6>();
        tile_dot<Bytes, 1, 4, 7>();
        tile_dot<Bytes, 2, 5, 6>();
        tile_dot<Bytes, 3, 5, 7>();
    }
    return 0.0f;
}

// Sums += the product, for registers 0 to 3: of one register of rows by `Columns`, or of two by up to two.
// What was written a moment ago is read number by number everywhere here: a copy of it by vectors would wait
// until all stores of sums before it have reached the cache.
template <int Rows, int Columns, bool Bytes>
GW_INLINE void add_tiles(const Operand& o, RegisterRows rows, int column) {
    const i64 a_step = o.a_row * 4, b_step = o.b_row * 4, below = rows.second * o.a_row;
    const float *a = o.a + rows.first * o.a_row, *b = o.b + column * kLanes;
    const float* const end = a + o.k;
    for (; a < end; a += kTileSide, b += kTileSide * o.b_row) {
        tile_load<4>(a, a_step);
        if constexpr (Rows == 2) tile_load<5>(a + below, a_step);
        tile_load<6>(b, b_step);
        tile_dot<Bytes, 0, 4, 6>();
        if constexpr (Rows == 2) tile_dot<Bytes, 2, 5, 6>();
        if constexpr (Columns > 1) {
            tile_load<7>(b + kTileSide, b_step);
            tile_dot<Bytes, 1, 4, 7>();
            if constexpr (Rows == 2) tile_dot<Bytes, 3, 5, 7>();
        }
        if constexpr (Columns > 2) {
            tile_load<6>(b + 2 * kTileSide, b_step);
            tile_dot<Bytes, 2, 4, 6>();
        }
        if constexpr (Columns > 3) {
            tile_load<7>(b + 3 * kTileSide, b_step);
            tile_dot<Bytes, 3, 4, 7>();
        }
    }
}

// f(register, row it begins with below the block's first, its column of registers), a number as a type.
template <int N> struct Number {
    static constexpr int value = N;
};
template <int Rows, int Columns, class F> GW_INLINE void for_sums(RegisterRows rows, const F& f) {
    f(Number<0>(), i64(0), 0);
    if constexpr (Columns > 1) f(Number<1>(), i64(0), 1);
    if constexpr (Rows == 2) {
        f(Number<2>(), rows.second, 0);
        if constexpr (Columns > 1) f(Number<3>(), rows.second, 1);
    } else {
        if constexpr (Columns > 2) f(Number<2>(), i64(0), 2);
        if constexpr (Columns > 3) f(Number<3>(), i64(0), 3);
    }
}

// What a register holds, where some of its columns do not exist in memory.
struct TileCopy {
    alignas(64) float at[kTileSide * kTileSide];
};

template <int Rows, int Columns>
void run_pair_tiles(const Tile& t, RegisterRows rows, int column, i64 last) {
    const i64 row = rows.first;
    float* const c = t.c + row * t.ldc + column * kLanes;
    const float* start = t.start == nullptr ? nullptr : t.start + row * t.start_row + column * kLanes;
    TileCopy copy;
    auto partial = [&](int v) { return v == Columns - 1 && last < kLanes; };
    for_sums<Rows, Columns>(rows, [&](auto number, i64 below, int v) {
        constexpr int kSum = decltype(number)::value;
        if (start != c) // else they come with the sums
            for (int i = 0; i < rows.height; ++i)
                __builtin_prefetch(c + (below + i) * t.ldc + v * kLanes, 1);
        if (start == nullptr) {
            tile_zero<kSum>();
        } else if (!partial(v)) {
            tile_load<kSum>(start + below * t.start_row + v * kLanes, t.start_row * 4);
        } else {
            for (int i = 0; i < rows.height; ++i)
                store(copy.at + i * kTileSide,
                      load_first(start + (below + i) * t.start_row + v * kLanes, last));
            tile_load<kSum>(copy.at, 4 * kTileSide);
        }
    });
    for (int o = 0; o < t.operands; ++o) add_tiles<Rows, Columns, false>(t.operand[o], rows, column);
    for_sums<Rows, Columns>(rows, [&](auto number, i64 below, int v) {
        constexpr int kSum = decltype(number)::value;
        float* const to = c + below * t.ldc + v * kLanes;
        if (!partial(v)) {
            tile_store<kSum>(to, t.ldc * 4);
        } else {
            tile_store<kSum>(copy.at, 4 * kTileSide);
            for (int i = 0; i < rows.height; ++i)
                store_first(to + i * t.ldc, load(copy.at + i * kTileSide), last);
        }
    });
}

// Sums of whole numbers, then as run_bytes (int8_tile.h) makes floats of them.
template <int Rows, int Columns>
void run_byte_tiles(const Tile& t, RegisterRows rows, int column, i64 last) {
    static_assert(kLeftWords == 1);
    const i64 row = rows.first;
    TileCopy copy;
    for (int number = 0; number < t.operands; ++number) {
        const Operand& o = t.operand[number];
        for_sums<Rows, Columns>(rows, [&](auto sum, i64, int) { tile_zero<decltype(sum)::value>(); });
        add_tiles<Rows, Columns, true>(o, rows, column);
        const float* start = number > 0 ? t.c : t.start;
        const i64 start_row = number > 0 ? t.ldc : t.start_row;
        const float* scales = o.b + o.k * o.b_row + column * kLanes;
        for_sums<Rows, Columns>(rows, [&](auto sum, i64 below, int v) {
            tile_store<decltype(sum)::value>(copy.at, 4 * kTileSide);
            const i64 at = (column + v) * kLanes, lanes = v == Columns - 1 ? last : i64(kLanes);
            const vf column_scale = load(scales + v * kLanes);
            const vi offset = reinterpret_cast<vi>(load(scales + o.b_row + v * kLanes));
            for (i64 i = below > 0 ? rows.height - below : 0; i < rows.height; ++i) { // each row once
                const i64 r = row + below + i;
                const vf row_scale = splat(o.a[r * o.a_row + o.k]);
                const vi whole = reinterpret_cast<vi>(load(copy.at + i * kTileSide)) - offset;
                const vf before = start == nullptr ? zero() : load_some(start + r * start_row + at, lanes);
                store_some(t.c + r * t.ldc + at,
                           add_fused(before, __builtin_convertvector(whole, vf), column_scale * row_scale),
                           lanes);
            }
        });
    }
}

// `last`: columns of the last register that exist.
template <int Rows, int Columns> void run_tiles(const Tile& t, RegisterRows rows, int column, i64 last) {
    if (t.words == Words::bytes)
        run_byte_tiles<Rows, Columns>(t, rows, column, last);
    else
        run_pair_tiles<Rows, Columns>(t, rows, column, last);
}

// The tile over m rows; k of its operands is a whole number of kTileSide.
inline void run_by_tiles(const Tile& t, i64 m, int vectors) {
    if (m <= 0) return;
    if (m <= kTileSide) {
        constexpr void (*kColumns[])(const Tile&, RegisterRows, int, i64) = {
            run_tiles<1, 1>, run_tiles<1, 2>, run_tiles<1, 3>, run_tiles<1, 4>};
        static_assert(kPanelVectors == 4);
        configure_tiles(static_cast<int>(m));
        kColumns[vectors - 1](t, {0, 0, static_cast<int>(m)}, 0, t.last);
        return;
    }
    const i64 blocks = (m + 2 * kTileSide - 1) / (2 * kTileSide), rows = m / blocks;
    const i64 taller = m % blocks; // blocks of one more row, which come first
    const int height = static_cast<int>((rows + (taller > 0) + 1) / 2);
    configure_tiles(height);
    for (int column = 0; column < vectors; column += 2) {
        i64 first = 0;
        for (i64 block = 0; block < blocks; ++block) {
            const i64 n = rows + (block < taller);
            const RegisterRows now = {first, n - height, height};
            if (column + 2 <= vectors)
                run_tiles<2, 2>(t, now, column, column + 2 < vectors ? i64(kLanes) : t.last);
            else
                run_tiles<2, 1>(t, now, column, t.last);
            first += n;
        }
    }
}

} // namespace
} // namespace gw::GW_ISA

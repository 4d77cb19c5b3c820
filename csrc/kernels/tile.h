// The micro-kernel under every matrix product: a tile of some rows by up to kPanelVectors vectors whose
// sums stay in registers while one or two products run through it.
#pragma once
#include "kernels/int8_tile.h"
#include "kernels/operand.h"
#if defined(__AMX_TILE__)
#include "kernels/amx_tile.h"
#else
namespace gw::GW_ISA {
namespace {
// Never called.
inline void run_by_tiles(const Tile&, i64, int) {}
template <bool Bytes> float run_tile_chains(i64) { return 0.0f; }
} // namespace
} // namespace gw::GW_ISA
#endif

namespace gw::GW_ISA {
namespace {

constexpr i64 kPanel = kPanelVectors * kLanes; // columns of a full tile
constexpr i64 kDepth = 256; // rows of b per pass: a panel of them stays in the nearest cache

// Where the rows of a lie side by side, each k is a line of its own, often far away and on a page of its own,
// where the processor's guesses end: the tiles ask for it so many k's before.
constexpr i64 kAheadAcross = kLanes == 16 ? 16 : 0;

// Whether tiles ask for the weights that come next while they multiply by the present ones: where those lie
// in a cache that is slower than the products.
constexpr bool kAsksForNext = kLanes == 16; // a vector is a line of the cache

// What is multiplied: floats, or pairs of bfloat16.
template <bool Pairs> struct Product;
template <> struct Product<false> {
    using Vector = vf;
    static GW_INLINE vf load(const float* p) { return gw::GW_ISA::load(p); }
    static GW_INLINE vf splat(const float* p) { return gw::GW_ISA::splat(*p); }
    static GW_INLINE void add(vf& sum, vf a, vf b) { sum = add_product(sum, a, b); }
};
template <> struct Product<true> {
    using Vector = vi;
    static GW_INLINE vi load(const float* p) {
        return reinterpret_cast<vi>(gw::GW_ISA::load(p));
    }
    static GW_INLINE vi splat(const float* p) {
        i32 word = 0;
        __builtin_memcpy(&word, p, sizeof word);
        return word - vi{};
    }
    static GW_INLINE void add(vf& sum, vi a, vi b) { sum = dot_bf16(sum, a, b); }
};

template <int Rows, int Vectors, bool AlongK, bool Pairs, bool Asks>
GW_INLINE void multiply_add(vf (&sum)[Rows][Vectors], const Operand& o, const Tile& t) {
    const float* a = o.a;
    const float* b = o.b;
    const float* next = Asks ? o.next + t.ask_first * kLanes : nullptr;
    const i64 other = Asks ? (t.ask_last - t.ask_first - 1) * kLanes : 0;
    const i64 a_row = AlongK ? o.a_row : 1, a_col = AlongK ? 1 : o.a_col;
    i64 k = 0;
    if constexpr (!Pairs && kHasTileLoop<Rows, Vectors>) {
        constexpr i64 kStep = 4;
        if (o.k >= kStep) {
            run_tile_loop<Rows, AlongK>(sum, o);
            k = o.k / kStep * kStep;
            a += k * a_col;
            b += k * o.b_row;
        }
    }
    for (; k < o.k; ++k) {
        if constexpr (Asks) {
            ask_for_soon(next);
            ask_for_soon(next + other);
            next += o.b_row;
        }
        if constexpr (!AlongK && kAheadAcross > 0) ask_for(a + kAheadAcross * a_col);
        typename Product<Pairs>::Vector weights[Vectors];
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) {
            weights[v] = Product<Pairs>::load(b + v * kLanes);
            keep_in_register(weights[v]);
        }
#pragma GCC unroll 12
        for (int r = 0; r < Rows; ++r) {
            const auto x = Product<Pairs>::splat(a + r * a_row);
#pragma GCC unroll 4
            for (int v = 0; v < Vectors; ++v) Product<Pairs>::add(sum[r][v], x, weights[v]);
        }
        a += a_col;
        b += o.b_row;
    }
}

template <int Rows, int Vectors, bool Pairs> void run_tile(const Tile& t) {
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
        const Operand& o = t.operand[i];
        constexpr bool kAsks = kAsksForNext && Vectors == kPanelVectors && Rows >= kTileRows / 2;
        if (kAsks && o.next != nullptr && t.ask_first < t.ask_last)
            multiply_add<Rows, Vectors, true, Pairs, kAsks>(sum, o, t);
        else if (o.a_col == 1)
            multiply_add<Rows, Vectors, true, Pairs, false>(sum, o, t);
        else
            multiply_add<Rows, Vectors, false, Pairs, false>(sum, o, t);
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

template <int Vectors, bool Pairs>
constexpr TileFunction kTiles[kTileRows] = {
    run_tile<1, Vectors, Pairs>, run_tile<2, Vectors, Pairs>, run_tile<3, Vectors, Pairs>,
    run_tile<4, Vectors, Pairs>, run_tile<5, Vectors, Pairs>, run_tile<6, Vectors, Pairs>};
template <int Vectors, bool Pairs>
constexpr TileFunction kTallTiles[kTileRows] = {
    run_tile<7, Vectors, Pairs>,  run_tile<8, Vectors, Pairs>,  run_tile<9, Vectors, Pairs>,
    run_tile<10, Vectors, Pairs>, run_tile<11, Vectors, Pairs>, run_tile<12, Vectors, Pairs>};

template <int Vectors, bool Pairs> inline TileFunction tile_of(int rows) {
    if constexpr (tile_rows(Vectors) > kTileRows)
        if (rows > kTileRows) return kTallTiles<Vectors, Pairs>[rows - kTileRows - 1];
    return kTiles<Vectors, Pairs>[rows - 1];
}

template <bool Pairs> inline TileFunction tile_function(int rows, int vectors) {
    if (vectors == 1) return tile_of<1, Pairs>(rows);
    if (vectors == 2) return tile_of<2, Pairs>(rows);
    if constexpr (kPanelVectors == 4)
        return vectors == 3 ? tile_of<3, Pairs>(rows) : tile_of<4, Pairs>(rows);
    return tile_of<2, Pairs>(rows);
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
    if (kHasTiles && t.words == Words::pairs) {
        run_by_tiles(t, m, vectors);
        return;
    }
    const int asked = m > (kPanelVectors - 1) * kTileRows ? 1 : 2; // vectors of `next` by each tile
    t.ask_first = 0;
    for (RowTiles tile(m, vectors); tile.more(); tile.next()) {
        const int rows = tile.rows();
        t.ask_last = t.ask_first < kPanelVectors ? t.ask_first + asked : t.ask_first;
        (t.words == Words::pairs ? tile_function<true>(rows, vectors) : tile_function<false>(rows, vectors))(t);
        for (int o = 0; o < t.operands; ++o) t.operand[o].a += rows * t.operand[o].a_row;
        if (t.start != nullptr) t.start += rows * t.start_row;
        t.c += rows * t.ldc;
        t.ask_first = t.ask_last;
    }
}

// The same in passes of kDepth rows of b, so that all rows read them from the nearest cache. What was
// summed so far waits in c; the order of the sum is that of one pass.
inline void run_rows_in_passes(const Tile& whole, i64 m, int vectors) {
    Tile t = whole;
    t.operands = 1;
    for (int o = 0; o < whole.operands; ++o) {
        for (i64 k0 = 0; k0 < whole.operand[o].k; k0 += kDepth) {
            Tile pass = t;
            Operand& part = pass.operand[0];
            part = whole.operand[o];
            part.a += k0 * part.a_col;
            part.b += k0 * part.b_row;
            if (part.next != nullptr) part.next += k0 * part.b_row;
            part.k = min64(kDepth, part.k - k0);
            run_rows(pass, m, vectors);
            t.start = t.c;
            t.start_row = t.ldc;
        }
    }
}

// A tile of few rows has too few sums to hide how long each addition takes: these run several panels
// side by side, at most so many.
constexpr int kWideRows = kPanelVectors == 2 ? 3 : 1;
constexpr int wide_panels(int rows) { return rows == 1 ? 4 : 2; }

// Weights that are asked for while others are multiplied by: so many floats behind these, and so many
// further for each of their rows.
struct Ahead {
    i64 offset, row;
};

// Tiles of the same rows, whole panels of weights, `Panels` of them side by side.
template <int Rows, int Panels, bool Pairs, bool Asks>
void run_wide(const Tile* tiles, const Ahead& ahead) {
    vf sum[Panels][Rows][kPanelVectors];
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
#pragma GCC unroll 6
        for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
            for (int v = 0; v < kPanelVectors; ++v)
                sum[p][r][v] = tiles[p].start == nullptr
                                   ? splat(0.0f)
                                   : load(tiles[p].start + r * tiles[p].start_row + v * kLanes);
        }
    }
    for (int i = 0; i < tiles[0].operands; ++i) {
        const Operand& o = tiles[0].operand[i];
        const float *b[Panels], *asked[Panels];
#pragma GCC unroll 4
        for (int p = 0; p < Panels; ++p) {
            b[p] = tiles[p].operand[i].b;
            asked[p] = b[p] + ahead.offset;
        }
        const float* a = o.a;
        const i64 a_row = o.a_row, a_col = o.a_col, asked_row = ahead.row, depth = o.k;
        for (i64 k = 0; k < depth; ++k, a += a_col) {
#pragma GCC unroll 4
            for (int p = 0; p < Panels; ++p) {
                if constexpr (Asks) {
#pragma GCC unroll 4
                    for (int line = 0; line < kPanel; line += 16)
                        __builtin_prefetch(asked[p] + k * asked_row + line, 0, 2);
                }
                typename Product<Pairs>::Vector weights[kPanelVectors];
#pragma GCC unroll 4
                for (int v = 0; v < kPanelVectors; ++v) {
                    weights[v] = Product<Pairs>::load(b[p] + k * kPanel + v * kLanes);
                    if (Rows == 2 || (Rows > 2 && Panels == 1)) keep_in_register(weights[v]);
                }
#pragma GCC unroll 6
                for (int r = 0; r < Rows; ++r) {
                    const auto x = Product<Pairs>::splat(a + r * a_row);
#pragma GCC unroll 4
                    for (int v = 0; v < kPanelVectors; ++v)
                        Product<Pairs>::add(sum[p][r][v], x, weights[v]);
                }
            }
        }
    }
#pragma GCC unroll 4
    for (int p = 0; p < Panels; ++p) {
#pragma GCC unroll 6
        for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
            for (int v = 0; v < kPanelVectors; ++v)
                store(tiles[p].c + r * tiles[p].ldc + v * kLanes, sum[p][r][v]);
        }
    }
}

// Full tiles of few rows, `panels` of them side by side.
using WideFunction = void (*)(const Tile*, const Ahead&);
template <bool Pairs> inline WideFunction wide_function(i64 rows, int panels) {
    if (rows == 2 && kWideRows >= 2) return run_wide<2, wide_panels(2), Pairs, false>;
    if (rows == 3 && kWideRows >= 3) return run_wide<3, wide_panels(3), Pairs, false>;
    constexpr WideFunction kOneRow[] = {run_wide<1, 2, Pairs, false>, run_wide<1, 3, Pairs, false>,
                                        run_wide<1, 4, Pairs, false>};
    return kOneRow[panels - 2];
}

// Runs tiles over the same rows, one panel each with its weights packed to its width; panels that share
// their operands go together where the rows are few.
class PanelRunner {
  public:
    explicit PanelRunner(i64 rows) : rows_(rows) {}
    PanelRunner(const PanelRunner&) = delete;
    PanelRunner& operator=(const PanelRunner&) = delete;
    ~PanelRunner() { flush(); }

    // A tile to fill in for `run`. It lies where it may have to wait: a copy of what was written just
    // before would cost a single row more than it gains.
    Tile& next(float* c, i64 ldc) {
        Tile& t = tiles_[waiting_];
        t.c = c;
        t.ldc = ldc;
        t.start = nullptr;
        t.start_row = 0;
        t.last = kLanes;
        t.words = Words::floats;
        t.operands = 0;
        return t;
    }

    // Runs the tile that `next` gave, now or together with others.
    void run(Tile& t, int vectors) {
        const bool bytes = t.words == Words::bytes, full = vectors == kPanelVectors && t.last == kLanes;
        if (kHasTiles && t.words != Words::floats &&
            (t.words == Words::pairs || rows_ >= kLeastByteRows)) {
            run_by_tiles(t, rows_, vectors);
        } else if (full && rows_ <= (bytes ? 1 : kWideRows)) {
            if (waiting_ > 0 && !alike(tiles_[0], t)) {
                flush();
                tiles_[0] = t;
            }
            if (++waiting_ == wide_panels(static_cast<int>(rows_))) flush();
        } else if (bytes) {
            run_byte_rows(t, rows_, vectors);
        } else if (rows_ > tile_rows(vectors) && depth(t) > kDepth) {
            run_rows_in_passes(t, rows_, vectors);
        } else {
            run_rows(t, rows_, vectors);
        }
    }

  private:
    static i64 depth(const Tile& t) {
        return t.operand[0].k + (t.operands > 1 ? t.operand[1].k : 0);
    }
    static bool alike(const Tile& t, const Tile& u) {
        return t.operands == u.operands && t.operand[0].a == u.operand[0].a;
    }

    void flush() {
        if (waiting_ > 0 && tiles_[0].words == Words::bytes)
            kWideBytes[waiting_ - 1](tiles_);
        else if (waiting_ == 1)
            run_rows(tiles_[0], rows_, kPanelVectors);
        else if (waiting_ > 1)
            (tiles_[0].words == Words::pairs ? wide_function<true>(rows_, waiting_)
                                             : wide_function<false>(rows_, waiting_))(tiles_, {});
        waiting_ = 0;
    }

    i64 rows_;
    int waiting_ = 0;
    Tile tiles_[wide_panels(1)] = {{nullptr, 0}, {nullptr, 0}, {nullptr, 0}, {nullptr, 0}};
};

} // namespace
} // namespace gw::GW_ISA

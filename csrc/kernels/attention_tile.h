// The pieces of attention: which keys a query sees, the operands of a tile, and what stands between its
// two products. A tile is some queries by kKeys keys; logits are kept in base 2, so that the exponential
// needs no product of its own.
#pragma once
#include "api/attention.h"
#include "kernels/dropout.h"
#include "kernels/row_sums.h"
#include "kernels/softmax.h"
#include "kernels/tile.h"
#include "runtime/memory.h"

namespace gw::GW_ISA {
namespace {

constexpr i64 kKeys = 64;                    // a block of keys, packed, stays in the nearest cache
constexpr i64 kQueries = 44 * kTileRows; // most rows of a tile
constexpr i64 kLogitStride = kKeys + kLanes; // not a power of two: columns of a tile are read too
constexpr float kLn2 = 0.693147180559945f;

struct Range {
    i64 begin, end;
    bool empty() const { return begin >= end; }
};
GW_INLINE i64 max64(i64 a, i64 b) { return a > b ? a : b; }
GW_INLINE Range meet(Range a, Range b) { return {max64(a.begin, b.begin), min64(a.end, b.end)}; }
GW_INLINE Range join(Range a, Range b) {
    if (a.empty()) return b;
    return b.empty() ? a : Range{min64(a.begin, b.begin), max64(a.end, b.end)};
}

// The keys that query t of batch row b may look at.
GW_INLINE Range keys_seen(const Attention& a, i64 b, i64 t) {
    const i64 p = a.offset[b] + t;
    Range seen = {0, a.keys};
    if (a.window >= 0) seen.begin = max64(0, p - a.window);
    if (a.causal)
        seen.end = min64(a.keys, p + 1);
    else if (a.window >= 0)
        seen.end = min64(a.keys, p + a.window + 1);
    return seen;
}

// The queries that may look at any key of a range: t + offset from the first key (or a window before it)
// on, and no further than a window past the last.
GW_INLINE Range queries_seeing(const Attention& a, i64 b, Range keys) {
    Range seen = {0, a.time};
    const i64 offset = a.offset[b];
    if (a.causal)
        seen.begin = max64(0, keys.begin - offset);
    else if (a.window >= 0)
        seen.begin = max64(0, keys.begin - a.window - offset);
    if (a.window >= 0) seen.end = min64(a.time, keys.end - 1 + a.window - offset + 1);
    return seen;
}

// The rows of a tile: queries [time, time + times) of each of `heads` heads, head by head.
struct TileRows {
    i64 batch, head, heads, time, times;
    i64 count() const { return heads * times; }
    i64 head_of(i64 row) const { return head + (heads == 1 ? 0 : row / times); }
    i64 time_of(i64 row) const { return time + (heads == 1 ? row : row % times); }
};

// Rows that go through the products together, and the keys of the block any of them looks at, counted
// from its first.
struct RowGroup {
    i64 row;
    int rows;
    Range keys;
    bool whole; // every row looks at all of them

    // Columns of the tile that hold them.
    Range columns() const { return {keys.begin / kLanes * kLanes, round_up(keys.end, kLanes)}; }
};

template <class T> const T* logits_at(const LogitsView<T>& v, const TileRows& r, i64 row, i64 key) {
    return v.data + r.batch * v.batch + r.head_of(row) * v.head + r.time_of(row) * v.time + key * v.key;
}

// The part of a block [first, first + count) from the first to the last key that the mask keeps for any
// row, counted from the first.
inline Range keys_kept(const Attention& a, const TileRows& rows, i64 first, i64 count) {
    if (a.mask.data == nullptr) return {0, count};
    bool kept[kKeys] = {};
    for (i64 row = 0; row < rows.count(); row += a.mask.time == 0 ? rows.times : 1) {
        const bool* mask = logits_at(a.mask, rows, row, first);
        if (a.mask.key == 0) {
            if (*mask) return {0, count};
            continue;
        }
        for (i64 j = 0; j < count; ++j) kept[j] |= mask[j];
    }
    Range range = {0, count};
    while (!range.empty() && !kept[range.begin]) ++range.begin;
    while (!range.empty() && !kept[range.end - 1]) --range.end;
    return range;
}

// The groups of a tile before a block of keys: as even as the tallest product allows.
class RowGroups {
  public:
    RowGroups(const Attention& a, const TileRows& rows, i64 first, i64 count)
        : kept_(keys_kept(a, rows, first, count)), first_(first),
          whole_(a.mask.data == nullptr && a.bias.data == nullptr) {
        for (RowTiles tile(rows.count(), kPanelVectors); tile.more(); tile.next()) {
            RowGroup group = {tile.first(), tile.rows(), {0, 0}, false};
            const i64 last = group.row + group.rows - 1;
            if (rows.heads == 1) { // both ends of what a query sees move on with it
                const Range early = seen(a, rows, group.row), late = seen(a, rows, last);
                group.keys = meet({early.begin, late.end}, kept_);
                group.whole = late.begin <= group.keys.begin && early.end >= group.keys.end;
            } else {
                for (i64 row = group.row; row <= last; ++row)
                    group.keys = join(group.keys, of_row(a, rows, row));
                group.whole = rows.times == 1;
            }
            if (group.keys.empty()) continue;
            whole_ = whole_ && group.whole;
            groups_[count_++] = group;
            all_ = join(all_, group.keys);
        }
    }
    Range all() const { return all_; }
    Range rows() const { // from the first to the last that looks at anything
        return count_ == 0 ? Range{0, 0} : Range{groups_[0].row, groups_[count_ - 1].row + groups_[count_ - 1].rows};
    }
    bool whole() const { return whole_; } // no row is kept from looking at a key that others look at
    const RowGroup* begin() const { return groups_; }
    const RowGroup* end() const { return groups_ + count_; }

    // The keys one row looks at, counted from the first of the block.
    Range of_row(const Attention& a, const TileRows& rows, i64 row) const {
        return meet(seen(a, rows, row), kept_);
    }

  private:
    Range seen(const Attention& a, const TileRows& rows, i64 row) const {
        const Range keys = keys_seen(a, rows.batch, rows.time_of(row));
        return {keys.begin - first_, keys.end - first_};
    }

    RowGroup groups_[kQueries / kTileRows + 1];
    int count_ = 0;
    Range all_ = {0, 0}, kept_;
    i64 first_;
    bool whole_;
};

// Asks for rows of x that are soon to be packed: they lie apart, which no prefetcher of the machine
// sees.
GW_INLINE void prefetch_rows(const float* x, i64 step, i64 rows, i64 features) {
    constexpr i64 kLine = 16;
    for (i64 row = 0; row < rows; ++row)
        for (i64 i = 0; i < features; i += kLine) __builtin_prefetch(x + row * step + i, 0, 2);
}

// Whether lanes without their sign are those of finite numbers.
GW_INLINE bool is_finite(vu magnitudes) {
    u32 top = 0;
    for (int l = 0; l < kLanes; ++l) top = magnitudes[l] > top ? magnitudes[l] : top;
    return top < 0x7f800000u;
}

// out[row] = factor * x[row], rows padded with zeros to `stride` floats. Whether all of x is finite.
inline bool pack_rows(const float* x, i64 step, i64 rows, i64 features, float factor, i64 stride,
                      float* out) {
    vu largest = {};
    for (i64 row = 0; row < rows; ++row, x += step, out += stride)
        for_vectors(0, features, [&](i64 i, i64 lanes) {
            const vf value = load_some(x + i, lanes) * factor;
            const vu magnitude = reinterpret_cast<vu>(value) & 0x7fffffffu;
            largest = magnitude > largest ? magnitude : largest;
            store(out + i, value);
        });
    return is_finite(largest);
}

// Rows of x become columns, kPanel of them in each panel [features, kPanel]; beyond `rows` zero.
inline void pack_columns(const float* x, i64 step, i64 rows, i64 features, float* out) {
    for (i64 first = 0; first < rows; first += kLanes) {
        float* panel = out + first / kPanel * features * kPanel + first % kPanel;
        for (i64 i = 0; i < features; i += kLanes) {
            const i64 lanes = min64(kLanes, features - i);
            vf block[kLanes];
            for (i64 r = 0; r < kLanes; ++r)
                block[r] = first + r < rows ? load_some(x + (first + r) * step + i, lanes)
                                            : splat(0.0f);
            transpose(block);
            for (i64 r = 0; r < lanes; ++r) store(panel + (i + r) * kPanel, block[r]);
        }
    }
}

// s = a·b for the keys each group looks at, b packed by pack_columns.
inline void multiply_columns(const RowGroups& groups, const float* a, i64 stride, i64 depth,
                             const float* packed, float* s) {
    const Range all = groups.all();
    for (i64 column = all.begin / kPanel * kPanel; column < all.end; column += kPanel) {
        const float* panel = packed + column * depth;
        for (const RowGroup& group : groups) {
            const Range keys = meet(group.keys, {column, column + kPanel});
            if (keys.empty()) continue;
            const i64 begin = keys.begin / kLanes * kLanes;
            Tile t(s + group.row * kLogitStride + begin, kLogitStride);
            t.add({a + group.row * stride, stride, 1, panel + begin - column, kPanel, depth});
            const i64 vectors = (keys.end - begin + kLanes - 1) / kLanes;
            tile_function<false>(group.rows, static_cast<int>(vectors))(t);
        }
    }
}

// c += a·b for few rows and any number of columns. By tiles, which read whole vectors of b; or exactly the
// columns there are, whose rows of b meet only what is not zero: a query hears nothing from keys it does not
// look at, not even that they are NaN.
inline void add_product(int rows, i64 columns, const Operand& product, bool by_tiles, float* c, i64 ldc) {
    if (!by_tiles) {
        for (int r = 0; r < rows; ++r)
            for_vectors(0, columns, [&](i64 i, i64 lanes) {
                float* to = c + r * ldc + i;
                vf sum = load_some(to, lanes);
                for (i64 k = 0; k < product.k; ++k) {
                    const float x = product.a[r * product.a_row + k * product.a_col];
                    if (x == 0.0f) continue;
                    sum = add_product(sum, load_some(product.b + k * product.b_row + i, lanes), splat(x));
                }
                store_some(to, sum, lanes);
            });
        return;
    }
    for (i64 column = 0; column < columns; column += kPanel) {
        const i64 width = min64(kPanel, columns - column);
        const i64 vectors = (width + kLanes - 1) / kLanes;
        Tile t(c + column, ldc);
        t.add(product);
        t.operand[0].b += column;
        t.start = t.c;
        t.start_row = ldc;
        t.last = width - (vectors - 1) * kLanes;
        tile_function<false>(rows, static_cast<int>(vectors))(t);
    }
}

// Turns products of one row into logits in base 2. What every logit is multiplied by was already
// multiplied into the queries, see `product_scale`.
class RowLogits {
  public:
    RowLogits(const Attention& a, const TileRows& rows, i64 row, i64 first)
        : cap_(a.soft_cap), bias_step_(a.bias.key), mask_step_(a.mask.key) {
        if (a.bias.data != nullptr) bias_ = logits_at(a.bias, rows, row, first);
        if (a.mask.data != nullptr) mask_ = logits_at(a.mask, rows, row, first);
        if (a.slopes != nullptr) {
            slope_ = a.slopes[rows.head_of(row)] * kLog2e;
            distance_ = static_cast<float>(a.offset[rows.batch] + rows.time_of(row) - first);
        }
    }

    // Whether the products are the logits.
    static bool plain(const Attention& a) {
        return a.bias.data == nullptr && a.mask.data == nullptr && a.slopes == nullptr &&
               a.soft_cap == 0.0f;
    }
    static float product_scale(const Attention& a) {
        return a.soft_cap == 0.0f ? a.scale * kLog2e : a.scale / a.soft_cap;
    }

    // The logits of keys j, j + 1, ...; what is masked is -inf. slope: d(capped logit)/d(logit).
    GW_INLINE vf operator()(vf product, i64 j, i64 lanes, vf& slope) const {
        vf x = product;
        slope = splat(1.0f);
        if (cap_ != 0.0f) {
            const vf bounded = tanh(x);
            slope = 1.0f - bounded * bounded;
            x = bounded * (cap_ * kLog2e);
        }
        if (bias_ != nullptr)
            x += (bias_step_ == 0 ? splat(*bias_) : load_some(bias_ + j, lanes)) * kLog2e;
        if (slope_ != 0.0f) {
            const float distance = distance_ - static_cast<float>(j);
            x -= abs(__builtin_convertvector(lane_numbers(), vf) - distance) * slope_;
        }
        if (mask_ != nullptr) {
            if (mask_step_ != 0)
                x = load_flags(mask_ + j, lanes) ? x : splat(-kInfinity);
            else if (!*mask_)
                x = splat(-kInfinity);
        }
        return x;
    }

  private:
    float cap_, slope_ = 0.0f, distance_ = 0.0f;
    const float* bias_ = nullptr;
    const bool* mask_ = nullptr;
    i64 bias_step_, mask_step_;
};

// Lanes outside of the range, for the vector at j, set to `rest`.
GW_INLINE vf within(vf x, i64 j, Range range, float rest) {
    if (j >= range.begin && j + kLanes <= range.end) return x;
    const vi at = lane_numbers() + static_cast<i32>(j);
    const vi inside = (at >= static_cast<i32>(range.begin)) & (at < static_cast<i32>(range.end));
    return inside ? x : splat(rest);
}

// Factors of the dropped weights of one row before a block of keys: 0 or the scale of what is kept.
class RowDropout {
  public:
    explicit RowDropout(const Attention& a)
        : philox_(a.seed), threshold_(a.threshold), scale_(a.kept_scale), heads_(a.heads),
          time_(a.time), blocks_((a.keys + 3) / 4) {}

    void draw(const TileRows& rows, i64 row, i64 first, float (&factors)[kKeys]) const {
        const i64 line = (rows.batch * heads_ + rows.head_of(row)) * time_ + rows.time_of(row);
        const u64 block = static_cast<u64>(line * blocks_ + first / 4);
        const vu threshold = vu{} + threshold_;
        for (i64 j = 0; j < kKeys; j += kDrawn) {
            vu low, high;
            philox_.words(block + static_cast<u64>(j / 4), low, high);
            store(factors + j, low >= threshold ? splat(scale_) : splat(0.0f));
            store(factors + j + kLanes, high >= threshold ? splat(scale_) : splat(0.0f));
        }
    }

  private:
    Philox philox_;
    u32 threshold_;
    float scale_;
    i64 heads_, time_, blocks_;
};

} // namespace
} // namespace gw::GW_ISA

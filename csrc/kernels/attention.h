// Attention, forward: for each tile of queries one walk over the keys it sees, the softmax kept up to
// date on the way (Milakov & Gimelshein 2018; Dao 2023, "FlashAttention-2"). No matrix of logits.
#pragma once
#include "kernels/attention_few.h"
#include "kernels/attention_pairs.h"
#include "kernels/entries.h"

namespace gw::GW_ISA {
namespace {

// What one thread works with. Keys and values of a head are packed once, when a tile first looks at
// their block, for all of its tiles: where they come from, rows of a head lie far apart.
struct AttentionScratch {
    i64 q_stride, v_stride, blocks;
    bool pairs;
    float *q, *logits, *y, *sums, *keys, *values, *packed, *weights;

    static constexpr float kFinite = 1.0f, kNotFinite = 2.0f; // in `packed`; 0: not yet

    static i64 key_blocks(const Attention& a, bool few) {
        return few ? 0 : (a.keys + kKeys - 1) / kKeys;
    }
    static i64 size(const Attention& a, bool few) {
        const i64 d = round_up(a.features, kLanes), e = round_up(a.value_features, kLanes);
        const i64 tile = kQueries * (d + e + kLogitStride + kLanes + (kHasTiles ? kKeyWordStride : 0));
        return tile + key_blocks(a, few) * kKeys * (d + e) + round_up(key_blocks(a, few), kLanes);
    }
    AttentionScratch(const Attention& a, bool few, float* memory)
        : q_stride(round_up(a.features, kLanes)), v_stride(round_up(a.value_features, kLanes)),
          blocks(key_blocks(a, few)), pairs(kHasTiles && a.bf16 && !few) {
        auto take = [&](i64 floats) {
            float* start = memory;
            memory += floats;
            return start;
        };
        q = take(kQueries * q_stride);
        y = take(kQueries * v_stride);
        logits = take(kQueries * kLogitStride);
        sums = take(kQueries * kLanes);
        keys = take(blocks * kKeys * q_stride);
        values = take(blocks * kKeys * v_stride);
        packed = take(round_up(blocks, kLanes));
        weights = take(kHasTiles ? kQueries * kKeyWordStride : 0);
    }
};

// A softmax under way: of each row the sum of e^(logit - shift), lane by lane, and the shift. The shift
// follows the largest logit at a distance, so that sums rarely have to be scaled again.
struct OnlineSoftmax {
    static constexpr float kSlack = 8.0f; // in base 2: sums stay far from overflow
    float* sums;                          // [rows, kLanes]
    float* y;                             // [rows, stride]
    i64 stride;
    float shift[kQueries];

    void start(i64 rows) {
        for (i64 row = 0; row < rows; ++row) shift[row] = -kInfinity;
        clear(sums, rows * kLanes);
        clear(y, rows * stride);
    }

    // Raises the shift of a row to `top` if that is far above it. What is to be subtracted from logits.
    GW_INLINE float raise(i64 row, float top) {
        if (top > shift[row] + kSlack) {
            if (shift[row] > -kInfinity) {
                const vf factor = exp2(splat(shift[row] - top));
                float* sum = sums + row * kLanes;
                store(sum, load(sum) * factor);
                for (i64 i = 0; i < stride; i += kLanes)
                    store(y + row * stride + i, load(y + row * stride + i) * factor);
            }
            shift[row] = top;
        }
        return shift[row] == -kInfinity ? 0.0f : shift[row];
    }
};

// What stands between the two products of a tile: logits become weights e^(logit - shift), zero where a
// row does not look. Rows of a group step by step together, so that none waits for its largest logit.
class TileWeights {
  public:
    TileWeights(const Attention& a, const TileRows& rows, float* logits, OnlineSoftmax& softmax,
                const RowDropout* dropout)
        : a_(a), rows_(rows), logits_(logits), softmax_(softmax), dropout_(dropout),
          plain_(RowLogits::plain(a)) {}

    void run(const RowGroups& groups, const RowGroup& group, i64 first, i64 count) const {
        const Range columns = group.columns();
        float shift[kTileRows];
        if (plain_ && group.whole && columns.begin == group.keys.begin &&
            columns.end == group.keys.end) {
            for (int r = 0; r < group.rows; ++r) {
                const float* s = logits_ + (group.row + r) * kLogitStride;
                vf top = load(s + columns.begin);
                for (i64 j = columns.begin + kLanes; j < columns.end; j += kLanes)
                    top = larger_number(load(s + j), top);
                shift[r] = max_lanes(larger_number(top, splat(-kInfinity)));
            }
        } else {
            for (int r = 0; r < group.rows; ++r)
                shift[r] = limited(groups, group.row + r, columns, first, count);
        }
        for (int r = 0; r < group.rows; ++r) shift[r] = softmax_.raise(group.row + r, shift[r]);
        for (int r = 0; r < group.rows; ++r) {
            float* s = logits_ + (group.row + r) * kLogitStride;
            float* sums = softmax_.sums + (group.row + r) * kLanes;
            vf sum = load(sums);
            for (i64 j = columns.begin; j < columns.end; j += kLanes) {
                const vf weight = exp2(load(s + j) - shift[r]);
                sum += weight;
                store(s + j, weight);
            }
            store(sums, sum);
            if (dropout_ != nullptr) drop(group.row + r, s, columns, first);
        }
    }

  private:
    // Products of a row become logits, -inf where it does not look. The largest of them.
    float limited(const RowGroups& groups, i64 row, Range columns, i64 first, i64 count) const {
        float* s = logits_ + row * kLogitStride;
        const Range range = groups.of_row(a_, rows_, row);
        const RowLogits logits(a_, rows_, row, first);
        vf top = splat(-kInfinity);
        for (i64 j = columns.begin; j < columns.end; j += kLanes) {
            vf x = load(s + j), slope;
            if (!plain_) x = logits(x, j, min64(kLanes, count - j), slope);
            x = within(x, j, range, -kInfinity);
            store(s + j, x);
            top = larger_number(x, top);
        }
        return max_lanes(top);
    }

    void drop(i64 row, float* s, Range columns, i64 first) const {
        float factors[kKeys];
        dropout_->draw(rows_, row, first, factors);
        for (i64 j = columns.begin; j < columns.end; j += kLanes) {
            const vf factor = load(factors + j);
            store(s + j, factor > 0.0f ? load(s + j) * factor : splat(0.0f));
        }
    }

    const Attention& a_;
    const TileRows& rows_;
    float* logits_;
    OnlineSoftmax& softmax_;
    const RowDropout* dropout_;
    bool plain_;
};

// y of every row over the sum of its weights, and the logarithm of that. A row that looked at nothing has
// zeros.
inline void write_results(const Attention& a, const TileRows& rows, const OnlineSoftmax& softmax) {
    for (i64 row = 0; row < rows.count(); ++row) {
        const float sum = sum_lanes(load(softmax.sums + row * kLanes));
        const i64 n = rows.head_of(row), t = rows.time_of(row);
        const float factor = sum == 0.0f ? 0.0f : 1.0f / sum;
        float* out = a.y + ((rows.batch * a.time + t) * a.heads + n) * a.value_features;
        for_vectors(0, a.value_features, [&](i64 i, i64 lanes) {
            store_some(out + i, load(softmax.y + row * softmax.stride + i) * factor, lanes);
        });
        if (a.lse != nullptr)
            a.lse[(rows.batch * a.heads + n) * a.time + t] =
                sum == 0.0f ? -kInfinity : __builtin_logf(sum) + softmax.shift[row] * kLn2;
    }
}

// y += weights·values of a block, whose products are already there.
inline void weigh_pairs(const RowGroups& groups, const TileWeights& weights, i64 first, i64 count,
                        const float* values, const AttentionScratch& scratch) {
    const Range span = groups.rows();
    i64 next = span.begin; // rows up to here have their words
    for (const RowGroup& group : groups) {
        clear(scratch.weights + next * kKeyWordStride, (group.row - next) * kKeyWordStride);
        weights.run(groups, group, first, count);
        next = group.row + group.rows;
        for (i64 row = group.row; row < next; ++row)
            pair_weights(scratch.logits + row * kLogitStride, group.columns(),
                         scratch.weights + row * kKeyWordStride);
    }
    add_pairs(scratch.weights + span.begin * kKeyWordStride, kKeyWordStride, span.end - span.begin,
              kKeyWords, values, scratch.v_stride, scratch.y + span.begin * scratch.v_stride);
}

inline void attend(const Attention& a, const TileRows& rows, const AttentionScratch& scratch,
                   const RowDropout* dropout) {
    const i64 group_heads = a.heads / a.key_heads, key_head = rows.head / group_heads;
    const float* q = a.q.data + rows.batch * a.q.batch + rows.time * a.q.time;
    const i64 words = pair_words(a.features);
    const float scale = RowLogits::product_scale(a);
    for (i64 h = 0; h < rows.heads; ++h) {
        const float* of_head = q + (rows.head + h) * a.q.head;
        if (scratch.pairs)
            pack_row_pairs(of_head, a.q.time, rows.times, a.features, scale, words,
                           scratch.q + h * rows.times * words);
        else
            pack_rows(of_head, a.q.time, rows.times, a.features, scale, scratch.q_stride,
                      scratch.q + h * rows.times * scratch.q_stride);
    }
    OnlineSoftmax softmax = {scratch.sums, scratch.y, scratch.v_stride, {}};
    softmax.start(rows.count());

    const Range seen = {keys_seen(a, rows.batch, rows.time).begin,
                        keys_seen(a, rows.batch, rows.time + rows.times - 1).end};
    const float* k = a.k.data + rows.batch * a.k.batch + key_head * a.k.head;
    const float* v = a.v.data + rows.batch * a.v.batch + key_head * a.v.head;
    const bool few = scratch.blocks == 0;
    const bool whole = !few || a.value_features % kLanes == 0; // vectors of values end with their row
    const TileWeights weights(a, rows, scratch.logits, softmax, dropout);
    for (i64 first = seen.begin / kKeys * kKeys; first < seen.end && !interrupted(); first += kKeys) {
        const i64 count = min64(kKeys, a.keys - first);
        const RowGroups groups(a, rows, first, count);
        const Range used = groups.all();
        if (used.empty()) continue;
        const float *block_k = k + first * a.k.time, *block_v = v + first * a.v.time;
        const float* values = block_v;
        i64 value_step = a.v.time;
        bool finite = true;
        if (few) {
            // Memory works on the next piece while this one is computed with.
            const i64 next = first + kKeys;
            prefetch_rows(block_v, a.v.time, count, a.value_features);
            multiply_rows(groups, scratch.q, scratch.q_stride, a.features, block_k, a.k.time, count,
                          scratch.logits);
            if (next < seen.end)
                prefetch_rows(k + next * a.k.time, a.k.time, min64(kKeys, a.keys - next), a.features);
            finite = groups.whole() || finite_rows(block_v + used.begin * a.v.time, a.v.time,
                                                   used.end - used.begin, a.value_features);
        } else {
            const i64 block = first / kKeys;
            float* packed_k = scratch.keys + first * scratch.q_stride;
            float* packed_v = scratch.values + first * scratch.v_stride;
            if (scratch.packed[block] == 0.0f) {
                bool is_finite = false;
                if (scratch.pairs) {
                    pack_column_pairs(block_k, a.k.time, count, a.features, words, packed_k);
                    is_finite = pack_pairs_down(block_v, a.v.time, count, a.value_features, 1.0f,
                                                kKeyWords, scratch.v_stride, packed_v);
                } else {
                    pack_columns(block_k, a.k.time, count, a.features, packed_k);
                    is_finite = pack_rows(block_v, a.v.time, count, a.value_features, 1.0f,
                                          scratch.v_stride, packed_v);
                }
                scratch.packed[block] =
                    is_finite ? AttentionScratch::kFinite : AttentionScratch::kNotFinite;
                const i64 next = first + kKeys, rest = min64(kKeys, a.keys - next);
                prefetch_rows(k + next * a.k.time, a.k.time, rest, a.features);
                prefetch_rows(v + next * a.v.time, a.v.time, rest, a.value_features);
            }
            finite = scratch.packed[block] == AttentionScratch::kFinite;
            if (scratch.pairs) {
                const Range span = groups.rows();
                multiply_column_pairs(scratch.q + span.begin * words, span.end - span.begin, words,
                                      packed_k, scratch.logits + span.begin * kLogitStride);
                weigh_pairs(groups, weights, first, count, packed_v, scratch);
                for (const RowGroup& group : groups)
                    if (!finite)
                        add_not_finite(group.rows, a.value_features,
                                       {scratch.logits + group.row * kLogitStride + group.keys.begin,
                                        kLogitStride, 1, block_v + group.keys.begin * a.v.time,
                                        a.v.time, group.keys.end - group.keys.begin},
                                       1.0f, scratch.y + group.row * scratch.v_stride,
                                       scratch.v_stride);
                continue;
            } else {
                multiply_columns(groups, scratch.q, scratch.q_stride, a.features, packed_k,
                                 scratch.logits);
                values = packed_v;
                value_step = scratch.v_stride;
            }
        }
        for (const RowGroup& group : groups) {
            weights.run(groups, group, first, count);
            const Operand product = {scratch.logits + group.row * kLogitStride + group.keys.begin,
                                     kLogitStride,
                                     1,
                                     values + group.keys.begin * value_step,
                                     value_step,
                                     group.keys.end - group.keys.begin};
            add_product(group.rows, few ? a.value_features : scratch.v_stride, product, finite && whole,
                        scratch.y + group.row * scratch.v_stride, scratch.v_stride);
        }
    }

    write_results(a, rows, softmax);
}

// How the queries of one head of keys are cut into tiles: whole heads while several fit, else steps.
struct QueryTiles {
    i64 heads, times, head_tiles, time_tiles;

    explicit QueryTiles(const Attention& a) {
        const i64 group = a.heads / a.key_heads;
        heads = min64(group, max64(1, kQueries / a.time));
        head_tiles = (group + heads - 1) / heads;
        constexpr i64 kWhole = kQueries / kTileRows * kTileRows;
        time_tiles = (a.time + kWhole - 1) / kWhole;
        times = min64(a.time, round_up((a.time + time_tiles - 1) / time_tiles, kTileRows));
        time_tiles = (a.time + times - 1) / times;
    }
    i64 per_key_head() const { return head_tiles * time_tiles; }
    bool few(const Attention& a) const {
        // Of one step several heads may share keys: reading them again is quicker than packing them.
        return heads * times <= (a.time == 1 ? kFewHeads : kFewRows);
    }

    // Later queries, which see more keys when causal, come first, so that threads end together.
    TileRows tile(const Attention& a, i64 key_head, i64 tile) const {
        const i64 group = a.heads / a.key_heads;
        TileRows rows = {};
        rows.batch = key_head / a.key_heads;
        rows.head = key_head % a.key_heads * group + tile % head_tiles * heads;
        rows.heads = min64(heads, group - tile % head_tiles * heads);
        rows.time = (time_tiles - 1 - tile / head_tiles) * times;
        rows.times = min64(times, a.time - rows.time);
        return rows;
    }
};

inline double attention_nanoseconds(const Attention& a) {
    return static_cast<double>(a.batch * a.heads) * static_cast<double>(a.time) *
           static_cast<double>(a.keys) * static_cast<double>(a.features + a.value_features) /
           (2.0 * kLanes);
}

} // namespace

void attention_forward(const Attention& a) {
    if (a.batch * a.heads * a.time == 0) return;
    const QueryTiles tiles(a);
    const bool few = tiles.few(a);
    const i64 key_heads = a.batch * a.key_heads;
    int threads = worthwhile_threads(attention_nanoseconds(a));
    // The tiles of a head are one task, unless there are too few heads for all threads.
    constexpr i64 kTasks = 4; // a thread
    const i64 parts =
        threads == 1 ? 1 : min64(tiles.per_key_head(), (kTasks * threads + key_heads - 1) / key_heads);
    const i64 tasks = key_heads * parts;
    threads = static_cast<int>(min64(tasks, threads));
    const i64 size = AttentionScratch::size(a, few);
    const Floats memory(threads * size);
    TaskCounter counter;
    parallel(threads, [&](int thread) {
        const AttentionScratch scratch(a, few, memory.get() + thread * size);
        const RowDropout dropout(a);
        for (i64 task = 0; (task = counter.take()) < tasks && !interrupted();) {
            for (i64 block = 0; block < scratch.blocks; ++block) scratch.packed[block] = 0.0f;
            for (i64 tile = task % parts; tile < tiles.per_key_head(); tile += parts)
                attend(a, tiles.tile(a, task / parts, tile), scratch,
                       a.threshold > 0 ? &dropout : nullptr);
        }
    });
    throw_if_interrupted();
}

} // namespace gw::GW_ISA

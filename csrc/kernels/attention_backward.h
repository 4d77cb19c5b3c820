// Attention, backward: weights are computed again from the log-sum-exp that the forward pass kept (Dao
// 2023, "FlashAttention-2"). A task owns keys: it walks over the queries that see them and adds to the
// gradients of its own keys and values, and to a sum of its own for those of the queries.
#pragma once
#include "kernels/attention.h"

namespace gw::GW_ISA {
namespace {

constexpr i64 kBackwardQueries = 64;

// Keys of one head are cut into a few pieces where there are few heads. The cut depends on nothing but
// shapes, and with it the order of every sum.
struct KeyPieces {
    i64 count, keys;

    explicit KeyPieces(const Attention& a) {
        constexpr i64 kTasks = 64, kMost = 8, kLeastKeys = 256;
        count = min64(kMost, kTasks / max64(1, a.batch * a.key_heads));
        count = max64(1, min64(count, a.keys / kLeastKeys));
        keys = max64(kKeys, round_up((a.keys + count - 1) / count, kKeys));
        count = max64(1, (a.keys + keys - 1) / keys);
    }
};

// Queries and output gradients of all heads that share a head of keys are packed once for a task; so are
// the sums of the queries' gradients, for rows of a head lie far apart where they come from and go to.
// Products of pairs want them twice, pairs along rows and down them.
struct BackwardScratch {
    i64 q_stride, v_stride;
    bool pairs;
    float *q, *dy, *dq, *key_columns, *value_columns, *keys, *weights, *slopes, *dk, *dv;
    float *q_down, *dy_down, *keys_down, *words;

    static i64 size(const Attention& a) {
        const i64 d = round_up(a.features, kLanes), e = round_up(a.value_features, kLanes);
        const i64 floats = a.heads / a.key_heads * a.time * (2 * d + e) +
                           2 * kBackwardQueries * kLogitStride + kKeys * (3 * d + 2 * e);
        return floats + (kHasTiles && a.bf16 ? down(a) * (d + e) + kKeyWords * d + kKeys * kKeyWordStride
                                             : 0);
    }
    // Words down the rows of whole tiles.
    static i64 down(const Attention& a) {
        return a.heads / a.key_heads * round_up(a.time, kBackwardQueries) / 2;
    }
    BackwardScratch(const Attention& a, float* memory)
        : q_stride(round_up(a.features, kLanes)), v_stride(round_up(a.value_features, kLanes)),
          pairs(kHasTiles && a.bf16) {
        auto take = [&](i64 floats) {
            float* start = memory;
            memory += floats;
            return start;
        };
        const i64 rows = a.heads / a.key_heads * a.time;
        if (pairs) {
            q_down = take(down(a) * q_stride);
            dy_down = take(down(a) * v_stride);
            keys_down = take(kKeyWords * q_stride);
            words = take(kKeys * kKeyWordStride);
        }
        q = take(rows * q_stride);
        dy = take(rows * v_stride);
        dq = take(rows * q_stride);
        weights = take(kBackwardQueries * kLogitStride);
        slopes = take(kBackwardQueries * kLogitStride);
        key_columns = take(kKeys * q_stride);
        keys = take(kKeys * q_stride);
        dk = take(kKeys * q_stride);
        value_columns = take(kKeys * v_stride);
        dv = take(kKeys * v_stride);
    }
};

// One block of keys, its operands packed.
struct KeyBlock {
    i64 batch, key_head, first, count;
    bool finite;
};

// From the products of a row, s = q·k and d = dy·v: the weights its values had (in s) and the gradient
// of its logits (in d), for all columns of the block that are used.
template <bool Plain>
GW_INLINE void row_slopes(const RowLogits& logits, float* s, float* d, Range used, Range columns,
                          Range range, i64 count, float lse, float delta, const float* dropped,
                          float* dlogits) {
    for (i64 j = used.begin / kLanes * kLanes; j < used.end; j += kLanes) {
        if (j + kLanes <= columns.begin || j >= columns.end) {
            store(s + j, splat(0.0f));
            store(d + j, splat(0.0f));
            continue;
        }
        vf x = load(s + j), slope = splat(1.0f);
        const i64 lanes = min64(kLanes, count - j);
        if (!Plain) x = logits(x, j, lanes, slope);
        vf weight = exp2(within(x, j, range, -kInfinity) - lse), dweight = load(d + j);
        vf used_weight = weight;
        if (!Plain && dropped != nullptr) {
            const vf factor = load(dropped + j);
            const vi kept = factor > 0.0f;
            used_weight = kept ? weight * factor : splat(0.0f);
            dweight = kept ? dweight * factor : splat(0.0f);
        }
        // What is masked weighs nothing, whatever it is.
        const vf dlogit = weight > 0.0f ? weight * (dweight - delta) : weight;
        if (!Plain && dlogits != nullptr) store_some(dlogits + j, dlogit, lanes);
        store(s + j, used_weight);
        store(d + j, dlogit * slope);
    }
}

class AttentionBackward {
  public:
    AttentionBackward(const Attention& a, const AttentionGrad& g, const float* delta,
                      const BackwardScratch& scratch)
        : a_(a), g_(g), delta_(delta), scratch_(scratch), dropout_(a),
          plain_(RowLogits::plain(a) && a.threshold == 0 && g.dlogits == nullptr) {}

    // The gradients of keys [first, end); dq [B, T, N, D] receives this piece's share.
    void run(i64 batch, i64 key_head, i64 first, i64 end, float* dq) {
        const i64 group = a_.heads / a_.key_heads, head = key_head * group;
        const BackwardScratch& w = scratch_;
        finite_q_ = finite_dy_ = true;
        for (i64 n = head; n < head + group; ++n) {
            const i64 at = (n - head) * a_.time;
            if (w.pairs) {
                pack_pairs(batch, n, n - head);
                continue;
            }
            finite_q_ &= pack_rows(a_.q.data + batch * a_.q.batch + n * a_.q.head, a_.q.time, a_.time,
                                   a_.features, RowLogits::product_scale(a_), w.q_stride,
                                   w.q + at * w.q_stride);
            finite_dy_ &= pack_rows(g_.dy.data + batch * g_.dy.batch + n * g_.dy.head, g_.dy.time,
                                    a_.time, a_.value_features, 1.0f, w.v_stride,
                                    w.dy + at * w.v_stride);
        }
        clear(w.dq, group * a_.time * w.q_stride);
        for (; first < end && !interrupted(); first += kKeys) {
            KeyBlock block = {batch, key_head, first, min64(kKeys, end - first), true};
            block.finite = pack(block);
            const Range seen =
                queries_seeing(a_, batch, {block.first, block.first + block.count});
            for (i64 n = head; n < head + group; ++n)
                for (i64 t = max64(0, seen.begin) / kBackwardQueries * kBackwardQueries; t < seen.end;
                     t += kBackwardQueries)
                    tile(block, {batch, n, 1, t, min64(kBackwardQueries, a_.time - t)});
            write(block);
        }
        for (i64 n = head; n < head + group; ++n) {
            for (i64 t = 0; t < a_.time; ++t) {
                const float* sum = w.dq + ((n - head) * a_.time + t) * w.q_stride;
                copy_row(sum, a_.features,
                         dq + ((batch * a_.time + t) * a_.heads + n) * a_.features);
            }
        }
    }

  private:
    const float* queries(i64 batch, i64 n) const { return a_.q.data + batch * a_.q.batch + n * a_.q.head; }
    const float* slopes_of(i64 batch, i64 n) const {
        return g_.dy.data + batch * g_.dy.batch + n * g_.dy.head;
    }
    i64 tiles() const { return round_up(a_.time, kBackwardQueries) / kBackwardQueries; }

    void pack_pairs(i64 batch, i64 n, i64 head) {
        const BackwardScratch& w = scratch_;
        const i64 q_words = pair_words(a_.features), v_words = pair_words(a_.value_features);
        const float scale = RowLogits::product_scale(a_);
        const float *q = queries(batch, n), *dy = slopes_of(batch, n);
        pack_row_pairs(q, a_.q.time, a_.time, a_.features, scale, q_words,
                       w.q + head * a_.time * q_words);
        pack_row_pairs(dy, g_.dy.time, a_.time, a_.value_features, 1.0f, v_words,
                       w.dy + head * a_.time * v_words);
        for (i64 tile = 0; tile < tiles(); ++tile) {
            const i64 t = tile * kBackwardQueries, rows = min64(kBackwardQueries, a_.time - t);
            const i64 at = (head * tiles() + tile) * kKeyWords;
            finite_q_ &= pack_pairs_down(q + t * a_.q.time, a_.q.time, rows, a_.features, scale,
                                         kKeyWords, w.q_stride, w.q_down + at * w.q_stride);
            finite_dy_ &= pack_pairs_down(dy + t * g_.dy.time, g_.dy.time, rows, a_.value_features,
                                          1.0f, kKeyWords, w.v_stride, w.dy_down + at * w.v_stride);
        }
    }

    bool pack(const KeyBlock& block) const {
        const float* k =
            a_.k.data + block.batch * a_.k.batch + block.first * a_.k.time + block.key_head * a_.k.head;
        const float* v =
            a_.v.data + block.batch * a_.v.batch + block.first * a_.v.time + block.key_head * a_.v.head;
        clear(scratch_.dk, block.count * scratch_.q_stride);
        clear(scratch_.dv, block.count * scratch_.v_stride);
        if (scratch_.pairs) {
            pack_column_pairs(k, a_.k.time, block.count, a_.features, pair_words(a_.features),
                              scratch_.key_columns);
            pack_column_pairs(v, a_.v.time, block.count, a_.value_features,
                              pair_words(a_.value_features), scratch_.value_columns);
            return pack_pairs_down(k, a_.k.time, block.count, a_.features, a_.scale, kKeyWords,
                                   scratch_.q_stride, scratch_.keys_down);
        }
        pack_columns(k, a_.k.time, block.count, a_.features, scratch_.key_columns);
        pack_columns(v, a_.v.time, block.count, a_.value_features, scratch_.value_columns);
        return pack_rows(k, a_.k.time, block.count, a_.features, a_.scale, scratch_.q_stride,
                         scratch_.keys);
    }

    // Queries were packed with the scale of their products: what is left of it to be taken out of dk.
    void write(const KeyBlock& block) const {
        const float rest = a_.soft_cap == 0.0f ? kLn2 : a_.soft_cap;
        for (i64 j = 0; j < block.count; ++j) {
            const i64 at = (block.batch * a_.keys + block.first + j) * a_.key_heads + block.key_head;
            const float *dk = scratch_.dk + j * scratch_.q_stride,
                        *dv = scratch_.dv + j * scratch_.v_stride;
            for_vectors(0, a_.features, [&](i64 i, i64 lanes) {
                store_some(g_.dk + at * a_.features + i, load(dk + i) * rest, lanes);
            });
            for_vectors(0, a_.value_features, [&](i64 i, i64 lanes) {
                store_some(g_.dv + at * a_.value_features + i, load(dv + i), lanes);
            });
        }
    }

    void tile(const KeyBlock& block, const TileRows& rows) const {
        const RowGroups groups(a_, rows, block.first, block.count);
        const Range used = groups.all();
        if (used.empty()) return;
        const BackwardScratch& w = scratch_;
        if (w.pairs) {
            tile_of_pairs(block, rows, groups);
            return;
        }
        const i64 times = rows.times;
        const i64 start = rows.head % (a_.heads / a_.key_heads) * a_.time + rows.time;
        const float *q = w.q + start * w.q_stride, *dy = w.dy + start * w.v_stride;
        multiply_columns(groups, q, w.q_stride, a_.features, w.key_columns, w.weights);
        multiply_columns(groups, dy, w.v_stride, a_.value_features, w.value_columns, w.slopes);
        for (const RowGroup& group : groups) {
            for (i64 row = group.row; row < group.row + group.rows; ++row)
                slopes(block, rows, groups, group, used, row);
            add_product(group.rows, w.q_stride,
                        {w.slopes + group.row * kLogitStride + group.keys.begin, kLogitStride, 1,
                         w.keys + group.keys.begin * w.q_stride, w.q_stride,
                         group.keys.end - group.keys.begin},
                        block.finite, w.dq + (start + group.row) * w.q_stride, w.q_stride);
        }
        // Keys in groups, each over the queries that see one of them.
        for (RowTiles keys(used.end - used.begin, kPanelVectors); keys.more(); keys.next()) {
            const i64 j = used.begin + keys.first();
            const Range seen = queries_seeing(a_, rows.batch,
                                              {block.first + j, block.first + j + keys.rows()});
            const Range part = meet({seen.begin - rows.time, seen.end - rows.time}, {0, times});
            if (part.empty()) continue;
            const i64 depth = part.end - part.begin, at = part.begin * kLogitStride + j;
            add_product(keys.rows(), w.v_stride,
                        {w.weights + at, 1, kLogitStride, dy + part.begin * w.v_stride, w.v_stride,
                         depth},
                        finite_dy_, w.dv + j * w.v_stride, w.v_stride);
            add_product(keys.rows(), w.q_stride,
                        {w.slopes + at, 1, kLogitStride, q + part.begin * w.q_stride, w.q_stride,
                         depth},
                        finite_q_, w.dk + j * w.q_stride, w.q_stride);
        }
    }

    void tile_of_pairs(const KeyBlock& block, const TileRows& rows, const RowGroups& groups) const {
        const BackwardScratch& w = scratch_;
        const Range used = groups.all(), span = groups.rows();
        const Range columns = {used.begin / kLanes * kLanes, round_up(used.end, kLanes)};
        const i64 head = rows.head % (a_.heads / a_.key_heads);
        const i64 start = head * a_.time + rows.time, first = start + span.begin;
        const i64 count = span.end - span.begin, down = (head * tiles() + rows.time / kBackwardQueries) * kKeyWords;
        const i64 q_words = pair_words(a_.features), v_words = pair_words(a_.value_features);
        multiply_column_pairs(w.q + first * q_words, count, q_words, w.key_columns,
                              w.weights + span.begin * kLogitStride);
        multiply_column_pairs(w.dy + first * v_words, count, v_words, w.value_columns,
                              w.slopes + span.begin * kLogitStride);
        bool live[kBackwardQueries] = {};
        for (const RowGroup& group : groups)
            for (i64 row = group.row; row < group.row + group.rows; ++row) {
                slopes(block, rows, groups, group, used, row);
                live[row] = true;
            }
        for (i64 row = span.begin; row < span.end; ++row)
            pair_weights(w.slopes + row * kLogitStride, live[row] ? columns : Range{0, 0},
                         w.words + (row - span.begin) * kKeyWordStride);
        add_pairs(w.words, kKeyWordStride, count, kKeyWords, w.keys_down, w.q_stride,
                  w.dq + first * w.q_stride);
        transpose_pairs(w.weights, live, columns, w.words);
        add_pairs(w.words, kKeyWordStride, block.count, kKeyWords, w.dy_down + down * w.v_stride,
                  w.v_stride, w.dv);
        transpose_pairs(w.slopes, live, columns, w.words);
        add_pairs(w.words, kKeyWordStride, block.count, kKeyWords, w.q_down + down * w.q_stride,
                  w.q_stride, w.dk);
        if (!(block.finite && finite_q_ && finite_dy_)) add_not_finite_rows(block, rows, groups);
    }

    void add_not_finite_rows(const KeyBlock& block, const TileRows& rows, const RowGroups& groups) const {
        const BackwardScratch& w = scratch_;
        const i64 start = rows.head % (a_.heads / a_.key_heads) * a_.time + rows.time;
        const float *q = queries(rows.batch, rows.head) + rows.time * a_.q.time,
                    *dy = slopes_of(rows.batch, rows.head) + rows.time * g_.dy.time;
        const float* k = a_.k.data + block.batch * a_.k.batch + block.first * a_.k.time +
                         block.key_head * a_.k.head;
        for (const RowGroup& group : groups) {
            const i64 at = group.row * kLogitStride + group.keys.begin, j = group.keys.begin,
                      keys = group.keys.end - j;
            add_not_finite(group.rows, a_.features,
                           {w.slopes + at, kLogitStride, 1, k + j * a_.k.time, a_.k.time, keys}, a_.scale,
                           w.dq + (start + group.row) * w.q_stride, w.q_stride);
            add_not_finite(keys, a_.value_features,
                           {w.weights + at, 1, kLogitStride, dy + group.row * g_.dy.time, g_.dy.time,
                            group.rows},
                           1.0f, w.dv + j * w.v_stride, w.v_stride);
            add_not_finite(keys, a_.features,
                           {w.slopes + at, 1, kLogitStride, q + group.row * a_.q.time, a_.q.time,
                            group.rows},
                           RowLogits::product_scale(a_), w.dk + j * w.q_stride, w.q_stride);
        }
    }

    void slopes(const KeyBlock& block, const TileRows& rows, const RowGroups& groups,
                const RowGroup& group, Range used, i64 row) const {
        const Range columns = group.columns();
        const Range range = groups.of_row(a_, rows, row);
        const i64 at = (rows.batch * a_.heads + rows.head) * a_.time + rows.time + row;
        // Where all keys are masked no logit is above -inf: any finite number gives weights of zero.
        const float lse = a_.lse[at] == -kInfinity ? 0.0f : a_.lse[at] * kLog2e;
        float* s = scratch_.weights + row * kLogitStride;
        float* d = scratch_.slopes + row * kLogitStride;
        const RowLogits logits(a_, rows, row, block.first);
        if (plain_) {
            row_slopes<true>(logits, s, d, used, columns, range, block.count, lse, delta_[at], nullptr,
                             nullptr);
            return;
        }
        float factors[kKeys];
        if (a_.threshold > 0) dropout_.draw(rows, row, block.first, factors);
        row_slopes<false>(logits, s, d, used, columns, range, block.count, lse, delta_[at],
                          a_.threshold > 0 ? factors : nullptr,
                          g_.dlogits == nullptr ? nullptr : g_.dlogits + at * a_.keys + block.first);
    }

    const Attention& a_;
    const AttentionGrad& g_;
    const float* delta_;
    const BackwardScratch& scratch_;
    RowDropout dropout_;
    bool plain_, finite_q_ = true, finite_dy_ = true;
};

// delta (b, n, t) = Σ_e dy y: what the softmax takes from the gradients of a row's weights.
inline void attention_deltas(const Attention& a, const AttentionGrad& g, float* delta) {
    for_rows(a.batch * a.heads * a.time, a.value_features, [&](i64 row) {
        const i64 t = row % a.time, n = row / a.time % a.heads, b = row / a.time / a.heads;
        const float* y = a.y + ((b * a.time + t) * a.heads + n) * a.value_features;
        const float* dy = g.dy.data + b * g.dy.batch + t * g.dy.time + n * g.dy.head;
        vf sum = splat(0.0f);
        for_vectors(0, a.value_features, [&](i64 i, i64 lanes) {
            sum += load_some(y + i, lanes) * load_some(dy + i, lanes);
        });
        delta[row] = sum_lanes(sum);
    });
}

} // namespace

void attention_backward(const Attention& a, const AttentionGrad& g) {
    const i64 size = a.batch * a.time * a.heads * a.features;
    const Floats delta(a.batch * a.heads * a.time);
    attention_deltas(a, g, delta.get());
    const KeyPieces pieces(a);
    const Floats shares((pieces.count - 1) * size);
    const i64 tasks = a.batch * a.key_heads * pieces.count;
    const int threads =
        static_cast<int>(min64(tasks, worthwhile_threads(2.5 * attention_nanoseconds(a))));
    const i64 floats = BackwardScratch::size(a);
    const Floats memory(threads * floats);
    TaskCounter counter;
    parallel(threads, [&](int thread) {
        const BackwardScratch scratch(a, memory.get() + thread * floats);
        AttentionBackward backward(a, g, delta.get(), scratch);
        for (i64 task = 0; (task = counter.take()) < tasks && !interrupted();) {
            const i64 piece = task / (a.batch * a.key_heads), first = piece * pieces.keys;
            backward.run(task / a.key_heads % a.batch, task % a.key_heads, first,
                         min64(a.keys, first + pieces.keys),
                         piece == 0 ? g.dq : shares.get() + (piece - 1) * size);
        }
    });
    throw_if_interrupted();
    if (pieces.count < 2) return;
    for_blocks(size, [&](i64 begin, i64 count) {
        for_vectors(begin, count, [&](i64 i, i64 lanes) {
            vf sum = load_some(g.dq + i, lanes);
            for (i64 piece = 1; piece < pieces.count; ++piece)
                sum += load_some(shares.get() + (piece - 1) * size + i, lanes);
            store_some(g.dq + i, sum, lanes);
        });
    });
}

} // namespace gw::GW_ISA

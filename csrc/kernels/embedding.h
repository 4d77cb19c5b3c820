// Table look-up and its gradient.
#pragma once
#include "api/embedding.h"
#include "kernels/elementwise.h"
#include "runtime/memory.h"

namespace gw::GW_ISA {
namespace {

// y = scale times n bytes.
inline void scale_bytes(const std::int8_t* bytes, i64 n, float scale, float* y) {
    typedef std::int8_t several __attribute__((vector_size(kLanes), aligned(1), may_alias));
    i64 i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        const several some = *reinterpret_cast<const several*>(bytes + i);
        store(y + i, __builtin_convertvector(some, vf) * scale);
    }
    for (; i < n; ++i) y[i] = static_cast<float>(bytes[i]) * scale;
}

inline void embedding_forward(const EmbeddingForward& e) {
    constexpr i64 kFloats = 1 << 14;
    const i64 some = 1 + kFloats / (e.columns + 1);
    const double nanoseconds = static_cast<double>(min64(e.n, some) * e.columns) / 4.0;
    parallel_tasks((e.n + some - 1) / some, nanoseconds, [&](i64 task) {
        for (i64 i = task * some; i < min64(e.n, (task + 1) * some); ++i) {
            if (e.bytes != nullptr) {
                scale_bytes(e.bytes + e.ids[i] * e.columns, e.columns, e.scale[e.ids[i]],
                            e.y + i * e.columns);
                continue;
            }
            const float* row = e.table + e.ids[i] * e.columns;
            for_vectors(0, e.columns, [&](i64 c, i64 lanes) {
                store_some(e.y + i * e.columns + c, load_some(row + c, lanes), lanes);
            });
        }
    });
}

// sum[c] = sum of dy[positions[i], c], in the order of i; the sums of a few vectors stay in registers.
inline void sum_rows(const float* dy, i64 columns, const i64* positions, i64 n, float* sum) {
    constexpr i64 kVectors = 4, kWidth = kVectors * kLanes;
    i64 column = 0;
    for (; column + kWidth <= columns; column += kWidth) {
        vf total[kVectors] = {};
        for (i64 i = 0; i < n; ++i)
            for (i64 v = 0; v < kVectors; ++v)
                total[v] += load(dy + positions[i] * columns + column + v * kLanes);
        for (i64 v = 0; v < kVectors; ++v) store(sum + column + v * kLanes, total[v]);
    }
    for_vectors(column, columns - column, [&](i64 c, i64 lanes) {
        vf total = splat(0.0f);
        for (i64 i = 0; i < n; ++i) total += load_some(dy + positions[i] * columns + c, lanes);
        store_some(sum + c, total, lanes);
    });
}

// A counting sort groups the positions of each id in their order; then every table row is the work of
// one task, which adds in that order.
inline void embedding_backward(const EmbeddingBackward& e) {
    const Buffer<i64> ends(e.rows + 1), order(e.n);
    i64* next = ends.get();
    for (i64 v = 0; v <= e.rows; ++v) next[v] = 0;
    for (i64 i = 0; i < e.n; ++i) ++next[e.ids[i] + 1];
    for (i64 v = 0; v < e.rows; ++v) next[v + 1] += next[v];
    for (i64 i = 0; i < e.n; ++i) order.get()[next[e.ids[i]]++] = i;
    // next[v] is now the end of id v's positions, hence the begin of id v + 1's.
    constexpr i64 kRows = 64;
    const i64 tasks = (e.rows + kRows - 1) / kRows;
    if (tasks == 0) return;
    const double floats = static_cast<double>(e.rows + e.n) * static_cast<double>(e.columns);
    parallel_tasks(tasks, floats / 4.0 / static_cast<double>(tasks), [&](i64 task) {
        for (i64 v = task * kRows; v < min64(e.rows, (task + 1) * kRows); ++v) {
            const i64 begin = v == 0 ? 0 : next[v - 1];
            sum_rows(e.dy, e.columns, order.get() + begin, next[v] - begin, e.dtable + v * e.columns);
        }
    });
}

} // namespace
} // namespace gw::GW_ISA

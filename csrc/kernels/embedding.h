// Table look-up and its gradient.
#pragma once
#include "api/embedding.h"
#include "kernels/elementwise.h"
#include "runtime/memory.h"

namespace gw::GW_ISA {
namespace {

inline void embedding_forward(const EmbeddingForward& e) {
    constexpr i64 kIds = 64;
    parallel_tasks((e.n + kIds - 1) / kIds, [&](i64 block) {
        for (i64 i = block * kIds; i < min64(e.n, (block + 1) * kIds); ++i) {
            const float* row = e.table + e.ids[i] * e.columns;
            for_vectors(0, e.columns, [&](i64 c, i64 lanes) {
                store_some(e.y + i * e.columns + c, load_some(row + c, lanes), lanes);
            });
        }
    });
}

// A counting sort groups the positions of each id in their order; then every table row is the work of
// one task, which adds in that order.
inline void embedding_backward(const EmbeddingBackward& e) {
    const Buffer<i64> ends(e.rows + 1), order(e.n + 1);
    i64* next = ends.get();
    for (i64 v = 0; v <= e.rows; ++v) next[v] = 0;
    for (i64 i = 0; i < e.n; ++i) ++next[e.ids[i] + 1];
    for (i64 v = 0; v < e.rows; ++v) next[v + 1] += next[v];
    for (i64 i = 0; i < e.n; ++i) order.get()[next[e.ids[i]]++] = i;
    // next[v] is now the end of id v's positions, hence the begin of id v + 1's.
    constexpr i64 kRows = 256;
    parallel_tasks((e.rows + kRows - 1) / kRows, [&](i64 block) {
        for (i64 v = block * kRows; v < min64(e.rows, (block + 1) * kRows); ++v) {
            const i64 begin = v == 0 ? 0 : next[v - 1], end = next[v];
            for_vectors(0, e.columns, [&](i64 c, i64 lanes) {
                vf sum = splat(0.0f);
                for (i64 i = begin; i < end; ++i)
                    sum += load_some(e.dy + order.get()[i] * e.columns + c, lanes);
                store_some(e.dtable + v * e.columns + c, sum, lanes);
            });
        }
    });
}

} // namespace
} // namespace gw::GW_ISA

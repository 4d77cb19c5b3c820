// Sums over many rows that threads share: in blocks of a fixed size, added up in their order.
#pragma once
#include "kernels/elementwise.h"
#include "runtime/memory.h"

namespace gw::GW_ISA {
namespace {

// sum[j] for j < width, where f(begin, end, partial) writes the sums over rows [begin, end) of a
// block. A row of a block takes about `nanoseconds`.
template <class F>
void sum_over_rows(i64 rows, i64 width, double nanoseconds, float* sum, const F& f) {
    constexpr i64 kRows = 128;
    const i64 blocks = rows > kRows ? (rows + kRows - 1) / kRows : 1;
    const Floats partial(blocks * width);
    parallel_tasks(blocks, nanoseconds * static_cast<double>(min64(rows, kRows)), [&](i64 block) {
        f(block * kRows, min64(rows, (block + 1) * kRows), partial.get() + block * width);
    });
    for_blocks(width, [&](i64 begin, i64 count) {
        for_vectors(begin, count, [&](i64 j, i64 lanes) {
            vf total = splat(0.0f);
            for (i64 block = 0; block < blocks; ++block)
                total += load_some(partial.get() + block * width + j, lanes);
            store_some(sum + j, total, lanes);
        });
    });
}

GW_INLINE void clear(float* p, i64 n) {
    for_vectors(0, n, [&](i64 i, i64 lanes) { store_some(p + i, splat(0.0f), lanes); });
}

} // namespace
} // namespace gw::GW_ISA

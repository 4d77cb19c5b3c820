// The one matrix product of the project: blocking and packing around the micro-kernel of tile.h.
#pragma once
#include "api/gemm.h"
#include "kernels/tile.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

namespace gw::GW_ISA {
namespace {

constexpr i64 kDepth = 512;       // rows of b per pass: a panel of them (128 KB) stays in L2
constexpr i64 kRowChunk = 96;     // rows of a per task
constexpr i64 kPackRows = 256;    // from this many rows on, copying b pays for its own panels

// Rough times, for deciding how many threads a product is worth: about half of what one core reaches.
inline double multiply_nanoseconds(i64 rows, i64 columns, i64 depth) {
    return static_cast<double>(rows * columns) * static_cast<double>(depth) / (2.0 * kLanes);
}
inline double copy_nanoseconds(i64 floats) { return static_cast<double>(floats) / 4.0; }

// Copies columns [column, column + width) of b to out[k][width], zero beyond n.
inline void pack_panel(const Gemm& g, i64 column, i64 width, float* out) {
    const i64 valid = min64(width, g.n - column);
    const float* b = g.b + column * g.b_col;
    constexpr i64 kStrip = 16; // transposing: one cache line of b at a time
    for (i64 k0 = 0; k0 < g.k; k0 += kStrip) {
        const i64 k1 = min64(k0 + kStrip, g.k);
        if (g.b_col == 1) {
            for (i64 k = k0; k < k1; ++k)
                for (i64 j = 0; j < valid; ++j) out[k * width + j] = b[k * g.b_row + j];
        } else {
            for (i64 j = 0; j < valid; ++j)
                for (i64 k = k0; k < k1; ++k) out[k * width + j] = b[k * g.b_row + j * g.b_col];
        }
        for (i64 k = k0; k < k1; ++k)
            for (i64 j = valid; j < width; ++j) out[k * width + j] = 0.0f;
    }
}

inline void gemm(const Gemm& g) {
    if (g.m <= 0 || g.n <= 0) return;
    const i64 panels = (g.n + kPanel - 1) / kPanel;
    const bool narrow_end = g.n % kLanes != 0; // the last panel would be read past its end
    const bool pack_all = g.b_col != 1 || g.m >= kPackRows;
    const i64 first_packed = pack_all ? 0 : (narrow_end ? panels - 1 : panels);

    const Floats packed((panels - first_packed) * g.k * kPanel);
    auto panel_vectors = [&](i64 panel) {
        return static_cast<int>((min64(kPanel, g.n - panel * kPanel) + kLanes - 1) / kLanes);
    };
    auto panel_memory = [&](i64 panel) {
        return packed.get() + (panel - first_packed) * g.k * kPanel;
    };
    auto pack = [&](i64 task) {
        const i64 panel = first_packed + task;
        pack_panel(g, panel * kPanel, panel_vectors(panel) * kLanes, panel_memory(panel));
    };
    const i64 chunks = (g.m + kRowChunk - 1) / kRowChunk;
    auto multiply = [&](i64 task) {
        const i64 panel = task % panels, row = task / panels * kRowChunk;
        const i64 rows = min64(kRowChunk, g.m - row), column = panel * kPanel;
        const int vectors = panel_vectors(panel);
        const bool copied = panel >= first_packed;
        Tile t = {};
        t.operands = 1;
        t.c = g.c + row * g.ldc + column;
        t.ldc = g.ldc;
        t.last = min64(kLanes, g.n - column - (vectors - 1) * kLanes);
        i64 k = 0;
        do { // once even for k == 0: c must be written
            const i64 depth = min64(kDepth, g.k - k);
            t.operand[0] = {g.a + row * g.a_row + k * g.a_col,
                            g.a_row,
                            g.a_col,
                            copied ? panel_memory(panel) + k * vectors * kLanes
                                   : g.b + k * g.b_row + column,
                            copied ? vectors * kLanes : g.b_row,
                            depth};
            if (k > 0 || g.accumulate) {
                t.start = t.c;
                t.start_row = g.ldc;
            } else if (g.bias != nullptr) {
                t.start = g.bias + column;
                t.start_row = 0;
            }
            run_rows(t, rows, vectors);
            k += depth;
        } while (k < g.k);
    };
    if (first_packed < panels)
        parallel_tasks(panels - first_packed, copy_nanoseconds(kPanel * g.k), pack);
    parallel_tasks(chunks * panels, multiply_nanoseconds(min64(g.m, kRowChunk), kPanel, g.k), multiply);
}

// sum[j] = sum over rows of x[i, j], in the order of i.
inline void column_sum(const float* x, i64 rows, i64 columns, i64 ld, float* sum) {
    const i64 panels = (columns + kPanel - 1) / kPanel;
    auto panel_sum = [&](i64 panel) {
        for (i64 column = panel * kPanel; column < min64((panel + 1) * kPanel, columns);
             column += kLanes) {
            const i64 width = min64(kLanes, columns - column);
            vf total = splat(0.0f);
            for (i64 i = 0; i < rows; ++i) {
                const float* p = x + i * ld + column;
                total += width == kLanes ? load(p) : load_first(p, width);
            }
            store_first(sum + column, total, width);
        }
    };
    parallel_tasks(panels, copy_nanoseconds(rows * kPanel), panel_sum);
}

inline void column_sum_dense(const float* x, i64 rows, i64 columns, float* sum) {
    column_sum(x, rows, columns, columns, sum);
}

} // namespace
} // namespace gw::GW_ISA

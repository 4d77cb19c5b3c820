// The one matrix product of the project: blocking and packing around the micro-kernel of tile.h.
#pragma once
#include "api/gemm.h"
#include "kernels/elementwise.h"
#include "kernels/bfloat16.h"
#include "kernels/tile.h"
#include "runtime/memory.h"
#include "runtime/parallel.h"

namespace gw::GW_ISA {
namespace {

// Rows of a per pass: they stay in L2 beside the packed b, with room for what shares it.
constexpr i64 kRowChunk = kPanelVectors == 2 ? 48 : 96;
// Rows of b per pass where the rows of a tile lie side by side: each k then takes a line or two of the
// nearest cache for six values of a, and half as many leave room for b.
constexpr i64 kDepthAcross = kDepth / 2;
// Most rows of a task whose sums go through several passes. Between these they wait in L2, in rows of their
// own that do not lie a power of two apart.
constexpr i64 kSumRows = 64 * kTileRows;
constexpr i64 kGroupPanels = 256 / kPanel; // panels of b per task: kDepth rows of them stay in L2
// The same of pairs, and words per pass. Tiles are so fast that packing a for each group and reading c again
// for each pass count, and processors that have them have a large L2.
constexpr i64 kPairGroupPanels = kHasTiles ? 2 * kGroupPanels : kGroupPanels;
constexpr i64 kPairDepth = kHasTiles ? 2 * kDepth : kDepth;
// Floats from one row of them to the next.
inline i64 sum_row(const Gemm& g) { return (g.bf16 ? kPairGroupPanels : kGroupPanels) * kPanel + kLanes; }
constexpr i64 kPackRows = 2 * kTileRows;   // up to this many rows of a, b is read where it lies

// Rough times, for deciding how many threads a product is worth: about half of what one core reaches.
inline double multiply_nanoseconds(i64 rows, i64 columns, i64 depth) {
    return static_cast<double>(rows * columns) * static_cast<double>(depth) / (2.0 * kLanes);
}
inline double copy_nanoseconds(i64 floats) { return static_cast<double>(floats) / 4.0; }

// Floats from one packed panel to the next; not a power of two, or all panels would meet in one set of
// the cache while they are written side by side.
constexpr i64 kPanelStride = kDepth * kPanel + 2 * kLanes;
constexpr i64 kPairPanelStride = kPairDepth * kPanel + 2 * kLanes;

inline int panel_vectors(const Gemm& g, i64 panel) {
    return static_cast<int>((min64(kPanel, g.n - panel * kPanel) + kLanes - 1) / kLanes);
}

// Copies rows [k0, k0 + depth) of panels [first, first + panels) of b, each to [depth, width], zero
// beyond n.
inline void pack_b(const Gemm& g, i64 k0, i64 depth, i64 first, i64 panels, float* out) {
    const i64 valid = g.n - first * kPanel;
    const float* b = g.b + k0 * g.b_row + first * kPanel * g.b_col;
    if (g.b_col == 1) {
        const i64 whole = min64(panels, valid / kPanel);
        for (i64 k = 0; k < depth; ++k, b += g.b_row)
            for (i64 p = 0; p < whole; ++p)
                for (i64 v = 0; v < kPanelVectors; ++v)
                    store(out + p * kPanelStride + k * kPanel + v * kLanes,
                          load(b + p * kPanel + v * kLanes));
        if (whole == panels) return;
        b = g.b + k0 * g.b_row + (first + whole) * kPanel;
        out += whole * kPanelStride;
        const i64 width = panel_vectors(g, first + whole) * kLanes;
        for (i64 k = 0; k < depth; ++k, b += g.b_row, out += width)
            for_vectors(0, valid - whole * kPanel, [&](i64 j, i64 lanes) {
                store(out + j, load_some(b + j, lanes));
            });
        return;
    }
    for (i64 p = 0; p < panels; ++p, out += kPanelStride) {
        constexpr i64 kStrip = 16; // transposing: one cache line of b at a time
        const i64 column = p * kPanel, width = panel_vectors(g, first + p) * kLanes;
        for (i64 strip = 0; strip < depth; strip += kStrip) {
            const i64 last = min64(strip + kStrip, depth);
            for (i64 j = 0; j < width; ++j)
                for (i64 k = strip; k < last; ++k)
                    out[k * width + j] =
                        column + j < valid ? b[k * g.b_row + (column + j) * g.b_col] : 0.0f;
        }
    }
}

// Rows [first, last) of words become zero.
inline void zero_words(i64 first, i64 last, i64 width, float* out) {
    for (i64 i = first * width; i < last * width; i += kLanes) store(out + i, zero());
}

// The same for a product of pairs: rows [k0, k0 + depth) of b become half as many rows of words.
inline void pack_b_pairs(const Gemm& g, i64 k0, i64 depth, i64 first, i64 panels, float* out) {
    const i64 words = (depth + 1) / 2;
    if (g.b_col == 1) { // two rows at a time through all panels: memory is read in one go
        for (i64 w = 0; w < words; ++w) {
            const float* b = g.b + (k0 + 2 * w) * g.b_row + first * kPanel;
            const bool both = 2 * w + 1 < depth;
            for (i64 p = 0; p < panels; ++p, b += kPanel) {
                float* to = out + p * kPairPanelStride + w * panel_vectors(g, first + p) * kLanes;
                for_vectors(0, min64(kPanel, g.n - (first + p) * kPanel), [&](i64 j, i64 lanes) {
                    __builtin_prefetch(b + 4 * g.b_row + j);
                    __builtin_prefetch(b + 5 * g.b_row + j);
                    store(to + j, pair(load_some(b + j, lanes),
                                       both ? load_some(b + g.b_row + j, lanes) : zero()));
                });
            }
        }
    }
    for (i64 p = 0; p < panels; ++p, out += kPairPanelStride) {
        const i64 column = (first + p) * kPanel, width = panel_vectors(g, first + p) * kLanes;
        zero_words(words, pair_words(depth), width, out);
        if (g.b_col == 1) continue;
        // Columns whose k's lie side by side (b_row is 1), a vector of them and of words at a time.
        const float* b = g.b + k0 * g.b_row + column * g.b_col;
        for (i64 v = 0; v < width; v += kLanes)
            for (i64 w = 0; w < words; w += kLanes) {
                vf square[kLanes];
                const i64 first = min64(kLanes, depth - 2 * w), second = min64(kLanes, depth - 2 * w - first);
                for (i64 j = 0; j < kLanes; ++j) {
                    const float* at = b + (v + j) * g.b_col + 2 * w;
                    square[j] = zero();
                    if (v + j < g.n - column)
                        square[j] = pairs_along(load_some(at, first),
                                                second > 0 ? load_some(at + kLanes, second) : zero());
                }
                transpose(square);
                for (i64 i = 0; i < min64(kLanes, words - w); ++i)
                    store(out + (w + i) * width + v, square[i]);
            }
    }
}

// Words of kRowChunk rows of a and of a pass; rows off powers of two.
constexpr i64 kPairRow = kPairDepth + kLanes, kPairColumn = kRowChunk + kLanes;
constexpr i64 kPairChunk = (kPairDepth + kLanes) * kPairColumn;

// Rows of a that lie side by side, a vector of them and of words at a time: words become rows by a
// transposition.
inline void pack_a_pairs_across(const Gemm& g, const float* a, i64 rows, i64 depth, float* out) {
    constexpr i64 kAhead = 2 * kLanes;
    for (i64 w = 0; w < pair_words(depth); w += kLanes) // words
        for_vectors(0, rows, [&](i64 i, i64 lanes) {
            vf square[kLanes];
#pragma GCC unroll 16
            for (i64 j = 0; j < kLanes; ++j) {
                const i64 k = 2 * (w + j);
                const float* at = a + k * g.a_col + i;
                __builtin_prefetch(at + kAhead * g.a_col); // rows are far apart: no stream to foresee
                __builtin_prefetch(at + (kAhead + 1) * g.a_col);
                square[j] = k >= depth ? zero()
                                       : pair(load_some(at, lanes),
                                              k + 1 < depth ? load_some(at + g.a_col, lanes) : zero());
            }
            transpose(square);
            for (i64 r = 0; r < lanes; ++r) store(out + (i + r) * kPairRow + w, square[r]);
        });
}

// a[row : row + rows, k0 : k0 + depth] as an operand of pairs, b left out.
inline Operand pack_a_pairs(const Gemm& g, i64 row, i64 rows, i64 k0, i64 depth, float* out) {
    const float* a = g.a + row * g.a_row + k0 * g.a_col;
    if (g.a_col == 1) {
        for (i64 i = 0; i < rows; ++i) pair_row(a + i * g.a_row, depth, out + i * kPairRow);
        return {out, kPairRow, 1, nullptr, 0, pair_words(depth)};
    }
    if constexpr (kHasTiles) {
        pack_a_pairs_across(g, a, rows, depth, out);
        return {out, kPairRow, 1, nullptr, 0, pair_words(depth)};
    }
    for (i64 k = 0; k < depth; k += 2, a += 2 * g.a_col)
        for_vectors(0, rows, [&](i64 i, i64 lanes) {
            store_some(out + k / 2 * kPairColumn + i,
                       pair(load_some(a + i, lanes),
                            k + 1 < depth ? load_some(a + g.a_col + i, lanes) : zero()),
                       lanes);
        });
    return {out, 1, kPairColumn, nullptr, 0, pair_words(depth)};
}

inline i64 depth_of_pass(const Gemm& g) { return g.bf16 ? 2 * kPairDepth : g.a_col == 1 ? kDepth : kDepthAcross; }

// How a product is cut into tasks: groups of panels first, for each group packs its panels once, then
// rows. Each element of c is the same chain of additions wherever the cuts are.
struct GemmTasks {
    i64 panels, group, groups, rows, row_tasks;

    GemmTasks(const Gemm& g, i64 threads) {
        constexpr i64 kTasks = 4; // a thread, so that they even out what delays one of them
        constexpr i64 kLeastPanels = 64 / kPanel > 0 ? 64 / kPanel : 1, kLeastRows = kRowChunk / 2;
        panels = (g.n + kPanel - 1) / kPanel;
        groups = (panels + kGroupPanels - 1) / kGroupPanels;
        row_tasks = 1;
        if (kHasTiles && g.bf16) {
            pack_least(g, threads > 1 ? 2 * threads : 1);
        } else if (threads > 1) {
            groups = round_up(groups, threads);
            if (groups < kTasks * threads) groups = min64(kTasks * threads, panels / kLeastPanels);
            if (groups < 1) groups = 1;
            if (groups < kTasks * threads)
                row_tasks = min64(round_up((kTasks * threads + groups - 1) / groups, threads),
                                  (g.m + kLeastRows - 1) / kLeastRows);
            if (groups * row_tasks < threads) groups = min64(panels, threads);
        }
        group = (panels + groups - 1) / groups;
        groups = (panels + group - 1) / group;
        if (g.k > depth_of_pass(g) && row_tasks * kSumRows < g.m) row_tasks = (g.m + kSumRows - 1) / kSumRows;
        rows = round_up((g.m + row_tasks - 1) / row_tasks,
                        kHasTiles && g.bf16 ? 2 * kTileSide : i64(kTileRows));
        row_tasks = (g.m + rows - 1) / rows;
    }
    i64 count() const { return groups * row_tasks; }

  private:
    // Products by tiles are so fast that packing counts: each group packs a, each cut of the rows packs b.
    void pack_least(const Gemm& g, i64 tasks) {
        const i64 a = g.m * (g.a_col == 1 ? 1 : 3), b = g.n * (g.b_col == 1 ? 2 : 3);
        i64 least = -1;
        for (i64 some = (panels + kPairGroupPanels - 1) / kPairGroupPanels; some <= panels; ++some) {
            const i64 cuts = min64((tasks + some - 1) / some, (g.m + 2 * kTileSide - 1) / (2 * kTileSide));
            const i64 cost = some * a + cuts * b;
            if (least >= 0 && (cost >= least || some > tasks)) continue;
            if (some * cuts < tasks && some < panels && some < tasks) continue;
            least = cost;
            groups = some;
            row_tasks = cuts;
        }
    }
};

// Working memory of a task.
struct GemmMemory {
    float *packed, *a_pairs, *sums; // the latter two where there are pairs, or several passes
};

// c[row0 : row0 + rows, panels of the group].
inline void gemm_task(const Gemm& g, i64 row0, i64 rows, i64 first, i64 panels, GemmMemory memory) {
    const bool in_place = rows <= kPackRows && g.b_col == 1 && !g.bf16;
    const i64 kept = in_place ? min64(panels, g.n / kPanel - first) : 0; // panels read where they lie
    const i64 pass = depth_of_pass(g);
    i64 k0 = 0;
    do { // once even for k == 0: c must be written
        const i64 depth = min64(pass, g.k - k0);
        if (g.bf16)
            pack_b_pairs(g, k0, depth, first, panels, memory.packed);
        else
            pack_b(g, k0, depth, first + kept, panels - kept, memory.packed);
        for (i64 chunk = 0; chunk < rows && !interrupted(); chunk += kRowChunk) {
            const i64 row = row0 + chunk, chunk_rows = min64(kRowChunk, rows - chunk);
            const Operand a = g.bf16 ? pack_a_pairs(g, row, chunk_rows, k0, depth, memory.a_pairs)
                                     : Operand{g.a + row * g.a_row + k0 * g.a_col, g.a_row, g.a_col,
                                               nullptr, 0, depth};
            for (i64 p = 0; p < panels; ++p) {
                const i64 column = (first + p) * kPanel;
                const int vectors = panel_vectors(g, first + p);
                const bool lies = p < kept;
                float* const sums = memory.sums + chunk * sum_row(g) + p * kPanel;
                Tile t(sums, sum_row(g));
                if (k0 + depth == g.k) {
                    t.c = g.c + row * g.ldc + column;
                    t.ldc = g.ldc;
                }
                const float* b = lies ? g.b + k0 * g.b_row + column
                                      : memory.packed + (p - kept) * (g.bf16 ? kPairPanelStride : kPanelStride);
                t.add({a.a, a.a_row, a.a_col, b, lies ? g.b_row : vectors * kLanes, a.k});
                if (g.bf16) t.words = Words::pairs;
                t.last = min64(kLanes, g.n - column - (vectors - 1) * kLanes);
                if (k0 > 0) {
                    t.start = sums;
                    t.start_row = sum_row(g);
                } else if (g.accumulate) {
                    t.start = g.c + row * g.ldc + column;
                    t.start_row = g.ldc;
                } else if (g.bias != nullptr) {
                    t.start = g.bias + column;
                }
                run_rows(t, chunk_rows, vectors);
            }
        }
        k0 += depth;
    } while (k0 < g.k && !interrupted());
}

inline void gemm(const Gemm& g) {
    if (g.m <= 0 || g.n <= 0) return;
    const int threads = worthwhile_threads(multiply_nanoseconds(g.m, g.n, g.k));
    const GemmTasks tasks(g, threads);
    const i64 packed_each = tasks.group * (g.bf16 ? kPairPanelStride : kPanelStride);
    const i64 sums_of_task = g.k > depth_of_pass(g) ? min64(tasks.rows, kSumRows) * sum_row(g) : 0;
    const Floats packed(threads * packed_each), a_pairs(g.bf16 ? threads * kPairChunk : 0),
        sums(threads * sums_of_task);
    TaskCounter counter;
    parallel(static_cast<int>(min64(threads, tasks.count())), [&](int thread) {
        for (i64 task = 0; (task = counter.take()) < tasks.count() && !interrupted();) {
            const i64 row = task / tasks.groups * tasks.rows;
            const i64 panel = task % tasks.groups * tasks.group;
            gemm_task(g, row, min64(tasks.rows, g.m - row), panel,
                      min64(tasks.group, tasks.panels - panel),
                      {packed.get() + thread * packed_each,
                       g.bf16 ? a_pairs.get() + thread * kPairChunk : nullptr,
                       sums.get() + thread * sums_of_task});
        }
    });
    throw_if_interrupted();
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

// A dense layer whose weights were packed once: panels [inputs, kPanel], zero beyond the last unit, one
// behind the other. A row of the product then reads each panel in one piece, as fast as memory gives it.
#pragma once
#include "api/gemm.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"

namespace gw::GW_ISA {
namespace {

inline i64 panels_of(i64 units) { return (units + kPanel - 1) / kPanel; }

inline i64 packed_dense_floats(i64 inputs, i64 units) { return panels_of(units) * inputs * kPanel; }

inline void pack_dense(const PackDense& p) {
    parallel_tasks(panels_of(p.units), copy_nanoseconds(p.inputs * kPanel), [&](i64 panel) {
        float* to = p.packed + panel * p.inputs * kPanel;
        const i64 units = min64(kPanel, p.units - panel * kPanel);
        const float* w = p.w + panel * kPanel * p.column;
        if (p.column == 1) {
            for (i64 k = 0; k < p.inputs; ++k, w += p.row, to += kPanel)
                for (i64 j = 0; j < kPanel; j += kLanes)
                    store(to + j, j >= units ? zero() : load_some(w + j, min64(kLanes, units - j)));
            return;
        }
        for (i64 j = 0; j < kPanel; j += kLanes)
            for (i64 k = 0; k < p.inputs; k += kLanes) {
                const i64 lanes = min64(kLanes, p.inputs - k);
                vf block[kLanes];
                for (i64 r = 0; r < kLanes; ++r)
                    block[r] = j + r < units ? load_some(w + (j + r) * p.column + k, lanes) : zero();
                transpose(block);
                for (i64 r = 0; r < lanes; ++r) store(to + (k + r) * kPanel + j, block[r]);
            }
    });
}

// Panels that so many rows go through together: enough sums to hide how long an addition takes.
constexpr int panels_together(int rows) { return rows <= kWideRows ? wide_panels(rows) : 1; }

template <int Rows, bool Asks> inline WideFunction packed_tile_of(bool wide) {
    return wide ? run_wide<Rows, panels_together(Rows), false, Asks> : run_wide<Rows, 1, false, Asks>;
}

template <bool Asks> inline WideFunction packed_tile(int rows, bool wide) {
    constexpr WideFunction (*kRows[])(bool) = {packed_tile_of<1, Asks>, packed_tile_of<2, Asks>,
                                               packed_tile_of<3, Asks>, packed_tile_of<4, Asks>,
                                               packed_tile_of<5, Asks>, packed_tile_of<6, Asks>};
    static_assert(kTileRows == 6);
    return kRows[rows - 1](wide);
}

// Few rows: their time is that of reading the weights, which are asked for before they are needed unless
// they stay in a core's cache: there it would only take the place of loads.
inline void multiply_packed_few(const PackedDense& d, i64 row, i64 rows, i64 first, i64 panels) {
    constexpr i64 kAhead = 48 * kPanel;                      // of rows that go through the weights once
    constexpr i64 kCached = kLanes < 16 ? 1 << 16 : 1 << 18; // floats
    const i64 whole = min64(panels, d.units / kPanel - first), step = d.inputs * kPanel;
    const int height = static_cast<int>(rows), together = rows > kTileRows ? 1 : panels_together(height);
    const bool asks = d.inputs * d.units > kCached;
    auto run = [asks](int n, const Tile* tiles, const Ahead& ahead, bool wide) {
        (asks ? packed_tile<true>(n, wide) : packed_tile<false>(n, wide))(tiles, ahead);
    };
    for (i64 p = 0; p < whole && !interrupted();) {
        const bool wide = p + together <= whole;
        const i64 column = (first + p) * kPanel, depth = rows <= kTileRows ? d.inputs : kDepth;
        for (i64 k0 = 0; k0 < d.inputs || k0 == 0; k0 += depth) {
            const i64 k = min64(depth, d.inputs - k0);
            Tile tiles[wide_panels(1)] = {{nullptr, 0}, {nullptr, 0}, {nullptr, 0}, {nullptr, 0}};
            for (int i = 0; i < (wide ? together : 1); ++i) {
                tiles[i] = Tile(d.y + row * d.units + column + i * kPanel, d.units);
                tiles[i].add({d.x + row * d.inputs + k0, d.inputs, 1,
                              d.packed + (first + p + i) * step + k0 * kPanel, kPanel, k});
                if (k0 > 0) {
                    tiles[i].start = tiles[i].c;
                    tiles[i].start_row = d.units;
                } else if (d.bias != nullptr) {
                    tiles[i].start = d.bias + column + i * kPanel;
                }
            }
            if (rows <= kTileRows) { // in one piece
                run(height, tiles, {kAhead, kPanel}, wide);
                break;
            }
            // All go through these weights, which then are in the nearest cache, and each asks for a
            // part of those behind them.
            const i64 parts = (rows + kTileRows - 1) / kTileRows;
            Ahead ahead = {k * kPanel, kPanel / parts};
            for (RowTiles tile(rows, kPanelVectors); tile.more(); tile.next()) {
                Tile part = tiles[0];
                part.operand[0].a += tile.first() * d.inputs;
                part.c += tile.first() * d.units;
                if (part.start != nullptr) part.start += tile.first() * part.start_row;
                run(tile.rows(), &part, ahead, false);
                ahead.offset += k * ahead.row;
            }
        }
        p += wide ? together : 1;
    }
}

// y[row, row + rows) x panels [first, first + panels), before the activation.
inline void multiply_packed(const PackedDense& d, i64 row, i64 rows, i64 first, i64 panels) {
    i64 done = 0; // panels
    if (rows <= kPackRows) {
        multiply_packed_few(d, row, rows, first, panels);
        done = min64(panels, d.units / kPanel - first);
    }
    auto run = [&](i64 row0, i64 some, i64 panel, i64 k0, i64 depth) {
        const i64 column = panel * kPanel, columns = min64(kPanel, d.units - column);
        const int vectors = static_cast<int>((columns + kLanes - 1) / kLanes);
        Tile t(d.y + row0 * d.units + column, d.units);
        t.add({d.x + row0 * d.inputs + k0, d.inputs, 1,
               d.packed + (panel * d.inputs + k0) * kPanel, kPanel, depth});
        t.last = columns - (vectors - 1) * kLanes;
        if (k0 > 0) {
            t.start = t.c;
            t.start_row = d.units;
        } else if (d.bias != nullptr) {
            t.start = d.bias + column;
        }
        run_rows(t, some, vectors);
    };
    i64 k0 = 0;
    do { // once even for no inputs: y must be written
        const i64 depth = min64(kDepth, d.inputs - k0);
        for (i64 chunk = 0; chunk < rows && !interrupted(); chunk += kRowChunk)
            for (i64 p = first + done; p < first + panels; ++p)
                run(row + chunk, min64(kRowChunk, rows - chunk), p, k0, depth);
        k0 += depth;
    } while (k0 < d.inputs && !interrupted());
}

inline void packed_dense(const PackedDense& d) {
    if (d.rows <= 0 || d.units <= 0) return;
    constexpr i64 kTasks = 4; // a thread, so that they even out what delays one of them
    constexpr i64 kWide = wide_panels(1);
    const i64 panels = panels_of(d.units);
    const i64 threads = worthwhile_threads(multiply_nanoseconds(d.rows, d.units, d.inputs));
    i64 group = kGroupPanels;
    if (threads > 1) group = min64(group, round_up((panels + kTasks * threads - 1) / (kTasks * threads), kWide));
    const i64 groups = (panels + group - 1) / group;
    // Rows are cut only where there are too few panels for all threads.
    i64 cuts = groups >= threads ? 1 : (kTasks * threads + groups - 1) / groups;
    const i64 rows = round_up((d.rows + cuts - 1) / cuts, kTileRows);
    cuts = (d.rows + rows - 1) / rows;
    const i64 tasks = groups * cuts;
    TaskCounter counter;
    parallel(static_cast<int>(min64(threads, tasks)), [&](int) {
        for (i64 task = 0; (task = counter.take()) < tasks && !interrupted();) {
            const i64 row = task / groups * rows, first = task % groups * group;
            const i64 some = min64(rows, d.rows - row), width = min64(group, panels - first);
            multiply_packed(d, row, some, first, width);
            if (d.activation == Activation::linear) continue;
            const i64 column = first * kPanel, columns = min64(width * kPanel, d.units - column);
            for (i64 r = row; r < row + some; ++r)
                for_vectors(r * d.units + column, columns, [&](i64 i, i64 lanes) {
                    store_some(d.y + i, activation_value(d.activation, load_some(d.y + i, lanes)), lanes);
                });
        }
    });
    throw_if_interrupted();
}

} // namespace
} // namespace gw::GW_ISA

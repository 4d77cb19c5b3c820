// A dense layer of int8: one product by weights packed before, and its activation.
#pragma once
#include "kernels/gemm.h"
#include "kernels/operand_rows.h"

namespace gw::GW_ISA {
namespace {

// A matrix of bytes in panels of columns rounded up to vectors.
class PackedBytes {
  public:
    explicit PackedBytes(const Int8Matrix& m)
        : rows(m.rows), columns(m.columns), panels((m.columns + kPanel - 1) / kPanel),
          memory_(panels * panel_words()) {
        parallel_tasks(panels, copy_nanoseconds(8 * kPanel * rows), [&](i64 p) {
            pack_byte_panel(m, vectors(p) * kLanes, panel(p), [&](i64 j) {
                return p * kPanel + j < columns ? p * kPanel + j : i64(-1);
            });
        });
    }

    const i64 rows, columns, panels;

    int vectors(i64 p) const {
        return static_cast<int>((min64(kPanel, columns - p * kPanel) + kLanes - 1) / kLanes);
    }
    float* panel(i64 p) const { return memory_.get() + p * panel_words(); }

  private:
    i64 panel_words() const { return (byte_words(rows) + kColumnRows) * kPanel; }
    Floats memory_;
};

inline void int8_dense(const Int8Dense& d) {
    const PackedBytes& w = *static_cast<const PackedBytes*>(d.packed);
    if (d.rows <= 0 || w.columns <= 0) return;
    constexpr i64 kRows = 48, kPanels = 64 / kPanel > 0 ? 64 / kPanel : 1; // of a task
    const i64 blocks = (d.rows + kRows - 1) / kRows, groups = (w.panels + kPanels - 1) / kPanels;
    const OperandRows x(Words::bytes, d.rows, w.rows);
    parallel_tasks(blocks, copy_nanoseconds(2 * min64(kRows, d.rows) * w.rows), [&](i64 block) {
        const i64 row = block * kRows;
        x.of(d.x + row * d.x_row, d.x_row, min64(kRows, d.rows - row), w.rows, row);
    });
    const double nanoseconds =
        multiply_nanoseconds(min64(kRows, d.rows), kPanels * kPanel, w.rows) / 2;
    parallel_tasks(blocks * groups, nanoseconds, [&](i64 task) {
        const i64 row = task / groups * kRows, first = task % groups * kPanels;
        const i64 rows = min64(kRows, d.rows - row);
        const ProductRows left = x.made(nullptr, 0, w.rows, row);
        PanelRunner runner(rows);
        for (i64 p = first; p < min64(first + kPanels, w.panels); ++p) {
            const int vectors = w.vectors(p);
            Tile& t = runner.next(d.y + row * w.columns + p * kPanel, w.columns);
            t.words = Words::bytes;
            t.add({left.data, left.row, 1, w.panel(p), vectors * kLanes, left.k});
            t.start = d.bias == nullptr ? nullptr : d.bias + p * kPanel;
            t.last = min64(kLanes, w.columns - p * kPanel - (vectors - 1) * kLanes);
            runner.run(t, vectors);
        }
    });
    if (d.activation != Activation::linear)
        activation_forward(d.activation, d.y, d.y, d.rows * w.columns);
}

inline void* pack_int8(const Int8Matrix& m) { return new PackedBytes(m); }
inline void free_int8(void* packed) { delete static_cast<PackedBytes*>(packed); }

} // namespace
} // namespace gw::GW_ISA

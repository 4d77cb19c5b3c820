// The weights of a cell as the time loop wants them: packed panels, slots padded to the vector width.
#pragma once
#include "api/recurrent.h"
#include "kernels/cells/cell.h"
#include "kernels/gemm.h"

namespace gw::GW_ISA {
namespace {

inline i64 padded_units(i64 units) { return round_up(units, kLanes); }

// Floats from one row to the next in the time loop's buffers. Rows a multiple of 512 bytes apart would
// meet in a few sets of the cache.
inline i64 row_floats(i64 n) { return n % 128 == 0 ? n + 16 : n; }

template <class Cell> struct RowLayout {
    i64 x;     // the inputs, then a one: its weight gradient is that of the bias
    i64 state; // one slot
    i64 gates; // all slots
    RowLayout(i64 inputs, i64 units)
        : x(row_floats(inputs + 1)), state(row_floats(padded_units(units))),
          gates(row_floats(Cell::slots * padded_units(units))) {}
    explicit RowLayout(const Recurrent& r) : RowLayout(r.inputs, r.units) {}
};

// A matrix in Keras' layout, (rows, G*H), seen as (rows, slots*padded) with zeros in the padding.
struct SlotMatrix {
    const float* data;
    i64 rows, gates, units;
    const i64* gate_of_slot;

    // The vector of columns starting at padded column `column` (a multiple of kLanes) of a row.
    GW_INLINE vf vector(i64 row, i64 column) const {
        const i64 padded = padded_units(units), slot = column / padded, unit = column % padded;
        const i64 valid = units - unit;
        const float* p = data + (row * gates + gate_of_slot[slot]) * units + unit;
        return valid >= kLanes ? load(p) : load_first(p, valid);
    }
};

// A block of columns of the sums and the packed weights that feed it; a null pointer: not fed.
struct CellPanel {
    i64 column;
    int vectors;
    const float *x, *h;
};

inline void pack_slots(const SlotMatrix& m, const CellPanel& panel, float* out) {
    for (i64 row = 0; row < m.rows; ++row)
        for (int v = 0; v < panel.vectors; ++v, out += kLanes)
            store(out, m.vector(row, panel.column + v * kLanes));
}

// Panels over slots [begin, end) of equal kind, appended at `panels`.
inline CellPanel* cut_panels(i64 begin, i64 end, i64 padded, CellPanel* panels) {
    const i64 limit = end * padded;
    for (i64 column = begin * padded; column < limit; column += kPanel)
        *panels++ = {column, static_cast<int>(min64(kPanel, limit - column) / kLanes), nullptr,
                     nullptr};
    return panels;
}

// Everything a forward pass multiplies by.
template <class Cell> class ForwardWeights {
  public:
    ForwardWeights(const Recurrent& r)
        : padded_(padded_units(r.units)), bias_(Cell::slots * padded_),
          memory_((Cell::x_slots.count() * r.inputs + Cell::gates * r.units) * padded_),
          panels_(max_panels()) {
        cut();
        const SlotMatrix x = {r.kernel, r.inputs, Cell::gates, r.units, Cell::x_gate};
        const SlotMatrix h = {r.recurrent_kernel, r.units, Cell::gates, r.units, Cell::h_gate};
        float* next = memory_.get();
        for (i64 i = 0; i < first_ + second_; ++i) {
            CellPanel& panel = panels()[i];
            const i64 slot = panel.column / padded_, width = panel.vectors * kLanes;
            if (i < first_ && Cell::x_slots.has(slot)) {
                panel.x = next;
                next += r.inputs * width;
            }
            if (i >= first_ || Cell::h_slots.has(slot)) {
                panel.h = next;
                next += r.units * width;
            }
        }
        const double nanoseconds = copy_nanoseconds(kPanel * (r.inputs + r.units));
        parallel_tasks(first_ + second_, nanoseconds, [&](i64 i) {
            const CellPanel& panel = panels()[i];
            if (panel.x != nullptr) pack_slots(x, panel, const_cast<float*>(panel.x));
            if (panel.h != nullptr) pack_slots(h, panel, const_cast<float*>(panel.h));
        });
        sum_bias(r);
    }

    CellPanel* panels() const { return panels_.get(); }
    i64 first() const { return first_; }   // panels of the first product
    i64 second() const { return second_; } // panels of the second, after them
    const float* bias() const { return bias_.get(); }

  private:
    i64 max_panels() const { return (Cell::slots + 1) * ((padded_ + kPanel - 1) / kPanel) + 4; }

    // Cuts at slots where the set of products changes.
    void cut() {
        auto kind = [](i64 slot) { return Cell::x_slots.has(slot) + 2 * Cell::h_slots.has(slot); };
        CellPanel* end = panels();
        for (i64 begin = 0, slot = 1; slot <= Cell::slots; ++slot) {
            if (slot < Cell::slots && kind(slot) == kind(begin)) continue;
            end = cut_panels(begin, slot, padded_, end);
            begin = slot;
        }
        first_ = end - panels();
        end = cut_panels(Cell::second.begin, Cell::second.end, padded_, end);
        second_ = end - panels() - first_;
    }

    void sum_bias(const Recurrent& r) {
        for (i64 slot = 0; slot < Cell::slots; ++slot) {
            for (i64 u = 0; u < padded_; ++u) {
                float b = 0.0f;
                if (r.bias != nullptr && u < r.units) {
                    if (Cell::x_slots.has(slot)) b += r.bias[Cell::x_gate[slot] * r.units + u];
                    if (Cell::bias_rows == 2 && Cell::h_slots.has(slot))
                        b += r.bias[(Cell::gates + Cell::h_gate[slot]) * r.units + u];
                }
                bias_.get()[slot * padded_ + u] = b;
            }
        }
    }

    i64 padded_;
    Floats bias_, memory_;
    Buffer<CellPanel> panels_;
    i64 first_ = 0, second_ = 0;
};

// (rows, slots*padded) with zeros in the padding: what products along the slots read.
inline Floats padded_copy(const SlotMatrix& m, Slots slots) {
    const i64 padded = padded_units(m.units), width = slots.count() * padded;
    Floats copy(m.rows * width);
    parallel_tasks((m.rows + 31) / 32, copy_nanoseconds(32 * width), [&](i64 block) {
        for (i64 row = block * 32; row < min64(m.rows, block * 32 + 32); ++row)
            for (i64 column = 0; column < width; column += kLanes)
                store(copy.get() + row * width + column,
                      m.vector(row, slots.begin * padded + column));
    });
    return copy;
}

// W_hᵀ for dG·W_hᵀ: panels of padded units, each (slots*padded, width).
class TransposedWeights {
  public:
    TransposedWeights(const Recurrent& r, i64 gates, const i64* gate_of_slot, Slots slots)
        : padded_(padded_units(r.units)), depth_(slots.count() * padded_),
          memory_(depth_ * padded_) {
        if (slots.count() == 0) return;
        const SlotMatrix m = {r.recurrent_kernel, r.units, gates, r.units, gate_of_slot};
        parallel_tasks((padded_ + kPanel - 1) / kPanel, copy_nanoseconds(kPanel * depth_), [&](i64 i) {
            const i64 column = i * kPanel, width = this->width(column);
            float* out = memory_.get() + column * depth_;
            for (i64 k = 0; k < depth_; k += kLanes) {
                for (i64 j = 0; j < width; ++j) {
                    const i64 row = column + j;
                    float lanes[kLanes];
                    store(lanes, row < r.units ? m.vector(row, slots.begin * padded_ + k) : splat(0.0f));
                    for (int l = 0; l < kLanes; ++l) out[(k + l) * width + j] = lanes[l];
                }
            }
        });
    }

    // c[rows, padded] (+)= dg[rows, depth]·W_hᵀ
    void multiply(const float* dg, i64 dg_row, i64 rows, float* c, i64 c_row, bool accumulate) const {
        for (i64 column = 0; column < padded_; column += kPanel) {
            Tile t(c + column, c_row);
            t.add({dg, dg_row, 1, memory_.get() + column * depth_, width(column), depth_});
            t.start = accumulate ? t.c : nullptr;
            t.start_row = c_row;
            run_rows(t, rows, static_cast<int>(width(column) / kLanes));
        }
    }

  private:
    i64 width(i64 column) const { return min64(kPanel, padded_ - column); }
    i64 padded_, depth_;
    Floats memory_;
};

} // namespace
} // namespace gw::GW_ISA

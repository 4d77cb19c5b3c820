// The weights of a cell as the time loop wants them: packed panels, slots padded to the vector width.
#pragma once
#include "api/recurrent.h"
#include "kernels/cells/normalized.h"
#include "kernels/gemm.h"
#include "kernels/operand_rows.h"

namespace gw::GW_ISA {
namespace {

// Whether h is a projection of what the cell puts out.
inline bool projects(const Recurrent& r) { return r.outputs < r.units; }

// More floats than that may not stay in a core's own cache from one step to the next.
constexpr i64 kNearWeights = 3 << 17;

// What the products by kernel and recurrent_kernel read.
inline Words words_of(const Recurrent& r) {
    return r.int8 ? Words::bytes : r.bf16 ? Words::pairs : Words::floats;
}

inline i64 padded_units(i64 units) { return round_up(units, kLanes); }

// Floats from one row to the next in the time loop's buffers. Rows a multiple of 512 bytes apart would
// meet in a few sets of the cache.
inline i64 row_floats(i64 n) { return n % 128 == 0 ? n + 16 : n; }

template <class Cell> struct RowLayout {
    i64 x;     // the inputs, then a one: its weight gradient is that of the bias
    i64 state; // one slot
    i64 gates; // all slots, then the deviations of those that are normalized
    RowLayout(i64 inputs, i64 units)
        : x(row_floats(inputs + 1)), state(row_floats(padded_units(units))),
          gates(row_floats(Cell::slots * padded_units(units) + (normalizes<Cell> ? kLanes : 0))) {}
    explicit RowLayout(const Recurrent& r) : RowLayout(r.inputs, r.units) {}
};

// A matrix in Keras' layout, (rows, G*H), seen as (rows, slots*padded) with zeros in the padding.
struct SlotMatrix {
    const float* data;
    i64 rows, gates, units;
    const i64* gate_of_slot;

    // Where the vector at a padded column (a multiple of kLanes) lies in each row.
    struct Piece {
        i64 offset, lanes;
    };
    Piece piece(i64 column) const {
        const i64 padded = padded_units(units), slot = column / padded, unit = column % padded;
        return {gate_of_slot[slot] * units + unit, min64(kLanes, units - unit)};
    }
    GW_INLINE vf vector(i64 row, Piece piece) const {
        return load_some(data + row * gates * units + piece.offset, piece.lanes);
    }
    // Of this row and the next; beyond the last one, zeros.
    vf pair_vector(i64 row, Piece piece) const {
        return pair(vector(row, piece), row + 1 < rows ? vector(row + 1, piece) : zero());
    }
};

// A block of columns of the sums and the packed weights that feed it; a null pointer: not fed.
struct CellPanel {
    i64 column;
    int vectors;
    float *x, *h;
};

// Panels [0, panels), row by row: a row of the matrix is read in one go. `member` tells which weights.
// Pairs: two rows of the matrix become one of words.
inline void pack_panels(const SlotMatrix& m, const CellPanel* panels, i64 count,
                        float* CellPanel::*member, bool pairs) {
    constexpr i64 kMost = 16;
    SlotMatrix::Piece piece[kMost][kPanelVectors];
    for (; count > 0; panels += kMost, count -= kMost) {
        const i64 now = min64(count, kMost);
        for (i64 p = 0; p < now; ++p)
            for (int v = 0; v < panels[p].vectors && panels[p].*member != nullptr; ++v)
                piece[p][v] = m.piece(panels[p].column + v * kLanes);
        const i64 step = pairs ? 2 : 1;
        for (i64 row = 0; row < m.rows; row += step) {
            for (i64 p = 0; p < now; ++p) {
                if (panels[p].*member == nullptr) continue;
                float* out = panels[p].*member + row / step * panels[p].vectors * kLanes;
                for (int v = 0; v < panels[p].vectors; ++v)
                    store(out + v * kLanes, pairs ? m.pair_vector(row, piece[p][v])
                                                  : m.vector(row, piece[p][v]));
            }
        }
        for (i64 p = 0; p < now && pairs; ++p)
            if (panels[p].*member != nullptr)
                zero_words((m.rows + 1) / 2, pair_words(m.rows), panels[p].vectors * kLanes,
                           panels[p].*member);
    }
}

// The diagonal weights of a cell with zeros in the padding, [count, padded]; zeros where none are given.
inline Floats padded_diagonals(const Recurrent& r, i64 count) {
    const i64 padded = padded_units(r.units);
    Floats copy(count * padded);
    for (i64 i = 0; i < count * padded; ++i)
        copy.get()[i] = r.diagonal != nullptr && i % padded < r.units
                            ? r.diagonal[i / padded * r.units + i % padded]
                            : 0.0f;
    return copy;
}

// Rows of NormalizedRow::weights; none of a cell without layer normalization.
inline i64 norm_rows(const CellLayout& cell) {
    return cell.gammas == 0 ? 0 : cell.gammas + cell.bias_rows * cell.gates + cell.betas;
}

// f(row, given, gradient) for each of those rows: where the user's lies, and its gradient; nulls where
// there is none.
template <class F>
void for_norm_rows(const Recurrent& r, const RecurrentGrad& g, const CellLayout& cell, const F& f) {
    i64 row = 0;
    auto each = [&](const float* given, float* gradient, i64 first, i64 count) {
        for (i64 i = first; i < first + count; ++i, ++row)
            f(row, given == nullptr ? nullptr : given + i * r.units,
              gradient == nullptr ? nullptr : gradient + i * r.units);
    };
    each(r.gamma, g.dgamma, 0, cell.slots);
    each(r.bias, g.dbias, 0, cell.bias_rows * cell.gates);
    each(r.gamma, g.dgamma, cell.slots, cell.betas);
    each(r.beta, g.dbeta, 0, cell.betas);
}

// Those rows with zeros in the padding.
inline Floats norm_weights(const Recurrent& r, const CellLayout& cell) {
    const i64 padded = padded_units(r.units);
    Floats copy(norm_rows(cell) * padded);
    if (cell.gammas == 0) return copy;
    for_norm_rows(r, RecurrentGrad{}, cell, [&](i64 row, const float* given, float*) {
        for (i64 u = 0; u < padded; ++u)
            copy.get()[row * padded + u] = given != nullptr && u < r.units ? given[u] : 0.0f;
    });
    return copy;
}

// A small matrix (rows, columns) packed for products: panels of columns rounded up to vectors.
class PackedMatrix {
  public:
    PackedMatrix(const float* data, i64 rows, i64 columns, i64 row_step, i64 column_step)
        : rows_(rows), columns_(round_up(columns, kLanes)), memory_(rows * columns_) {
        for (i64 begin = 0; begin < columns_; begin += kPanel) {
            float* out = memory_.get() + begin * rows;
            for (i64 row = 0; row < rows; ++row)
                for (i64 column = begin; column < begin + width(begin); ++column)
                    *out++ = column < columns ? data[row * row_step + column * column_step] : 0.0f;
        }
    }

    // c[n, columns rounded up] = a[n, rows]·matrix
    void multiply(const float* a, i64 a_row, i64 n, float* c, i64 c_row) const {
        PanelRunner runner(n);
        for (i64 begin = 0; begin < columns_; begin += kPanel) {
            Tile& t = runner.next(c + begin, c_row);
            t.add({a, a_row, 1, memory_.get() + begin * rows_, width(begin), rows_});
            runner.run(t, static_cast<int>(width(begin) / kLanes));
        }
    }

  private:
    i64 width(i64 begin) const { return min64(kPanel, columns_ - begin); }
    i64 rows_, columns_;
    Floats memory_;
};

// h = z·W_p of what the cell puts out; empty where h is that itself.
inline PackedMatrix projection_of(const Recurrent& r) {
    const bool some = projects(r);
    return PackedMatrix(r.projection, some ? r.units : 0, some ? r.outputs : 0, r.outputs, 1);
}

// dz = dh·W_pᵀ
inline PackedMatrix projection_back(const Recurrent& r) {
    const bool some = projects(r);
    return PackedMatrix(r.projection, some ? r.outputs : 0, some ? r.units : 0, 1, r.outputs);
}

// Everything a forward pass multiplies by, in the order in which it is read.
class ForwardWeights {
  public:
    ForwardWeights(const Recurrent& r, const CellLayout& cell)
        : padded_(padded_units(r.units)), words_(words_of(r)), bias_(cell.slots * padded_),
          words_of_all_((cell.x_slots.count() * depth(r.inputs) + cell.gates * depth(r.outputs)) * padded_),
          memory_(words_of_all_),
          panels_((cell.slots + 1) * ((padded_ + kPanel - 1) / kPanel)),
          diagonals_(padded_diagonals(r, cell.diagonals)), norms_(norm_weights(r, cell)),
          projection_(projection_of(r)) {
        cut(cell);
        float* next = memory_.get();
        for (i64 i = 0; i < first_ + second_; ++i) {
            CellPanel& panel = panels()[i];
            const i64 slot = panel.column / padded_, width = panel.vectors * kLanes;
            if (i < first_ && cell.x_slots.has(slot)) {
                panel.x = next;
                next += depth(r.inputs) * width;
            }
            if (i >= first_ || cell.h_slots.has(slot)) {
                panel.h = next;
                next += depth(r.outputs) * width;
            }
        }
        constexpr i64 kTask = 16;
        const i64 count = first_ + second_;
        parallel_tasks((count + kTask - 1) / kTask, copy_nanoseconds(kTask * kPanel * (r.inputs + r.units)),
                       [&](i64 task) {
                           pack(r, cell, panels() + task * kTask, min64(kTask, count - task * kTask));
                       });
        sum_bias(r, cell);
    }

    Words words() const { return words_; }
    bool far() const { return words_of_all_ > kNearWeights; }
    CellPanel* panels() const { return panels_.get(); }
    i64 first() const { return first_; }   // panels of the first product
    i64 second() const { return second_; } // panels of the second, after them
    const float* bias() const { return bias_.get(); }
    const float* diagonals() const { return diagonals_.get(); }
    const float* norms() const { return norms_.get(); }
    const PackedMatrix& projection() const { return projection_; }

  private:
    // Rows of words of a panel; beneath those of bytes, two of their columns (int8.h).
    i64 depth(i64 rows) const {
        return word_count(words_, rows) + (words_ == Words::bytes ? kColumnRows : 0);
    }

    void pack(const Recurrent& r, const CellLayout& cell, CellPanel* some, i64 n) const {
        if (words_ == Words::bytes) {
            pack_bytes(r.kernel8, cell, cell.x_gate, some, n, &CellPanel::x);
            pack_bytes(r.recurrent_kernel8, cell, cell.h_gate, some, n, &CellPanel::h);
            return;
        }
        const SlotMatrix x = {r.kernel, r.inputs, cell.gates, r.units, cell.x_gate};
        const SlotMatrix h = {r.recurrent_kernel, r.outputs, cell.gates, r.units, cell.h_gate};
        pack_panels(x, some, n, &CellPanel::x, words_ == Words::pairs);
        pack_panels(h, some, n, &CellPanel::h, words_ == Words::pairs);
    }

    void pack_bytes(const Int8Matrix& m, const CellLayout& cell, const i64* gate_of_slot,
                    const CellPanel* some, i64 n, float* CellPanel::*member) const {
        const i64 units = m.columns / cell.gates;
        for (i64 p = 0; p < n; ++p)
            if (some[p].*member != nullptr)
                pack_byte_panel(m, some[p].vectors * kLanes, some[p].*member, [&](i64 j) {
                    const i64 column = some[p].column + j, unit = column % padded_;
                    return unit < units ? gate_of_slot[column / padded_] * units + unit : i64(-1);
                });
    }

    // Cuts at slots where the set of products changes.
    void cut(const CellLayout& cell) {
        auto kind = [&](i64 slot) { return cell.x_slots.has(slot) + 2 * cell.h_slots.has(slot); };
        for (i64 begin = 0, slot = 1; slot <= cell.slots; ++slot) {
            if (slot < cell.slots && kind(slot) == kind(begin)) continue;
            first_ += cut_slots(begin, slot, panels() + first_);
            begin = slot;
        }
        second_ = cut_slots(cell.second.begin, cell.second.end, panels() + first_);
    }

    // Panels over slots [begin, end), which are of one kind; returns how many.
    i64 cut_slots(i64 begin, i64 end, CellPanel* panels) const {
        const i64 limit = end * padded_;
        i64 count = 0;
        for (i64 column = begin * padded_; column < limit; column += kPanel)
            panels[count++] = {column, static_cast<int>(min64(kPanel, limit - column) / kLanes),
                               nullptr, nullptr};
        return count;
    }

    void sum_bias(const Recurrent& r, const CellLayout& cell) {
        for (i64 slot = 0; slot < cell.slots; ++slot) {
            for (i64 u = 0; u < padded_; ++u) {
                float b = 0.0f;
                if (r.bias != nullptr && u < r.units && cell.gammas == 0) { // else added later
                    if (cell.x_slots.has(slot)) b += r.bias[cell.x_gate[slot] * r.units + u];
                    if (cell.bias_rows == 2 && cell.h_slots.has(slot))
                        b += r.bias[(cell.gates + cell.h_gate[slot]) * r.units + u];
                }
                bias_.get()[slot * padded_ + u] = b;
            }
        }
    }

    i64 padded_;
    Words words_;
    Floats bias_;
    i64 words_of_all_;
    Floats memory_;
    Buffer<CellPanel> panels_;
    Floats diagonals_, norms_;
    PackedMatrix projection_;
    i64 first_ = 0, second_ = 0;
};

// Wᵀ for dG·Wᵀ: panels of the rows of W rounded up to vectors, each (slots*padded, width); of pairs, half
// as deep.
class TransposedWeights {
  public:
    TransposedWeights(const SlotMatrix& m, Slots slots, bool pairs)
        : columns_(round_up(m.rows, kLanes)), pairs_(pairs),
          depth_(word_count(pairs ? Words::pairs : Words::floats, slots.count() * padded_units(m.units))),
          memory_(depth_ * columns_) {
        if (slots.count() == 0) return;
        const i64 first = slots.begin * padded_units(m.units);
        parallel_tasks((columns_ + kPanel - 1) / kPanel, copy_nanoseconds(2 * kPanel * depth_),
                       [&](i64 i) {
                           float* out = memory_.get() + i * kPanel * depth_;
                           const i64 width = this->width(i * kPanel);
                           const i64 words = pairs_ ? kLanes / 2 : kLanes;
                           const i64 end = slots.count() * padded_units(m.units) / kLanes * words;
                           zero_words(end, depth_, width, out);
                           for (i64 k = 0; k < end; k += words) {
                               const SlotMatrix::Piece piece = m.piece(first + k / words * kLanes);
                               for (i64 v = 0; v < width; v += kLanes)
                                   pack_square(m, i * kPanel + v, piece, width, out + k * width + v);
                           }
                       });
    }

    // c[rows, begin:end] (+)= dg[rows, depth]·Wᵀ[:, begin:end]; begin is a multiple of a panel, end too or
    // columns(). All panels take one pass of dg before the next, which then stays in the nearest cache. Weights
    // that come from far away are read as they lie, unless many rows share them or panels go side by side,
    // and backwards every other time, when the last panels are still in the cache.
    void multiply(const ProductRows& dg, i64 rows, float* c, i64 c_row, i64 begin, i64 end,
                  bool accumulate, bool backwards = false) const {
        constexpr i64 kManyRows = 64;
        if (begin >= end) return;
        const i64 panels = (end - begin + kPanel - 1) / kPanel, passes = (depth_ + kDepth - 1) / kDepth;
        const bool far = depth_ * columns_ > kNearWeights;
        auto run = [&](PanelRunner& runner, i64 panel, i64 pass, i64 panel_after, i64 pass_after) {
            const i64 column = begin + panel * kPanel, k0 = pass * kDepth, width = this->width(column);
            const i64 column_after = begin + panel_after * kPanel;
            Tile& t = runner.next(c + column, c_row);
            t.add({dg.data + k0, dg.row, 1, weights(column, k0), width, min64(kDepth, depth_ - k0)});
            if (far && panel_after < panels && this->width(column_after) == width)
                t.operand[0].next = weights(column_after, pass_after * kDepth);
            if (pairs_) t.words = Words::pairs;
            t.start = accumulate || k0 > 0 ? t.c : nullptr;
            t.start_row = c_row;
            runner.run(t, static_cast<int>(width / kLanes));
        };
        if (!kAsksForNext || !far || rows > kManyRows || rows <= kWideRows) {
            for (i64 pass = 0; pass < passes; ++pass) {
                PanelRunner runner(rows);
                for (i64 panel = 0; panel < panels; ++panel) run(runner, panel, pass, panel + 1, pass);
            }
            return;
        }
        for (i64 i = 0; i < panels; ++i) {
            const i64 panel = backwards ? panels - 1 - i : i;
            const i64 after = i + 1 == panels ? panels : backwards ? panel - 1 : panel + 1;
            for (i64 pass = 0; pass < passes; ++pass) {
                PanelRunner runner(rows);
                const bool last = pass + 1 == passes;
                run(runner, panel, pass, last ? after : panel, last ? 0 : pass + 1);
            }
        }
    }

    i64 columns() const { return columns_; }

  private:
    // kLanes rows of the matrix become columns.
    void pack_square(const SlotMatrix& m, i64 row, SlotMatrix::Piece piece, i64 width,
                     float* out) const {
        vf square[kLanes];
        for (i64 j = 0; j < kLanes; ++j)
            square[j] = row + j < m.rows ? m.vector(row + j, piece) : splat(0.0f);
        transpose(square);
        if (pairs_)
            for (i64 l = 0; l < kLanes; l += 2) store(out + l / 2 * width, pair(square[l], square[l + 1]));
        else
            for (i64 l = 0; l < kLanes; ++l) store(out + l * width, square[l]);
    }

    i64 width(i64 column) const { return min64(kPanel, columns_ - column); }
    const float* weights(i64 column, i64 k) const {
        return memory_.get() + column * depth_ + k * width(column);
    }
    i64 columns_;
    bool pairs_;
    i64 depth_;
    Floats memory_;
};

} // namespace
} // namespace gw::GW_ISA

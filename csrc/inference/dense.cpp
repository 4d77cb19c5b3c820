#include "inference/dense.h"
#include "runtime/memory.h"

namespace gw {
namespace {

template <class T> void copy_checked(const Value& ids, i64 limit, i64* to) {
    const T* from = static_cast<const T*>(ids.data);
    const i64 n = ids.shape.count();
    for (i64 i = 0; i < n; ++i) {
        const i64 id = static_cast<i64>(from[i]);
        if (id < 0 || id >= limit)
            throw std::invalid_argument("embedding ids must be in [0, " + std::to_string(limit) + "), not " +
                                        std::to_string(id) + " at position " + std::to_string(i));
        to[i] = id;
    }
}

template <class T> void mark_nonzero(const Value& ids, bool* to) {
    const T* from = static_cast<const T*>(ids.data);
    const i64 n = ids.shape.count();
    for (i64 i = 0; i < n; ++i) to[i] = from[i] != 0;
}

} // namespace

void EmbeddingInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    Shape shape = checked(values, 0, ValueKind::ids, 1, kMaxAxes - 1).shape;
    shape.size[shape.axes++] = columns;
    give(values, 0, shape);
}

void EmbeddingInstruction::run(const Kernels& kernels, Values& values) {
    const Value& ids = in(values, 0);
    const i64 n = ids.shape.count();
    const Buffer<i64> checked_ids(n); // a copy: another thread may write to the caller's array
    if (ids.wide)
        copy_checked<i64>(ids, rows, checked_ids.get());
    else
        copy_checked<i32>(ids, rows, checked_ids.get());
    kernels.embedding_forward(
        {table, checked_ids.get(), out(values).floats(), n, columns, bytes, scale});
}

void NonzeroInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    give(values, 0, checked(values, 0, ValueKind::ids, 1).shape, ValueKind::mask);
}

void NonzeroInstruction::run(const Kernels&, Values& values) {
    const Value& ids = in(values, 0);
    if (ids.wide)
        mark_nonzero<i64>(ids, out(values).mask());
    else
        mark_nonzero<i32>(ids, out(values).mask());
}

void MaskingInstruction::plan(Values& values) {
    check_counts(1, 1, 2);
    const Shape shape = floats(values, 0, 2);
    give(values, 0, shape);
    Shape steps = shape;
    --steps.axes;
    give(values, 1, steps, ValueKind::mask);
}

void MaskingInstruction::run(const Kernels& kernels, Values& values) {
    const Value& x = in(values, 0);
    kernels.masking({x.shape.count(0, x.shape.axes - 1), x.shape.last(), value, x.floats(),
                     out(values).floats(), out(values, 1).mask()});
}

void DenseInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    Shape shape = floats(values, 0, 1);
    check_last(shape, features);
    shape.size[shape.axes - 1] = units;
    give(values, 0, shape);
}

void DenseInstruction::pack(const Kernels& kernels) {
    constexpr i64 kLeastUnits = 64; // narrower ones would become more than they are, for little
    if (bf16 || units < kLeastUnits || features == 0) return;
    Block<float> block = new_block<float>(kernels.packed_dense_floats(features, units));
    const i64 row = transposed ? 1 : units, column = transposed ? features : 1;
    kernels.pack_dense({features, units, kernel, row, column, block.get()});
    packed = std::shared_ptr<const float>(block.release(), Releasing());
}

void DenseInstruction::run(const Kernels& kernels, Values& values) {
    const Value& x = in(values, 0);
    float* y = out(values).floats();
    const i64 rows = x.shape.count(0, x.shape.axes - 1);
    if (int8 != nullptr) {
        kernels.int8_dense({rows, features, x.floats(), int8.get(), bias, activation, y});
    } else if (packed != nullptr) {
        kernels.packed_dense({rows, features, units, x.floats(), packed.get(), bias, activation, y});
    } else if (transposed) {
        kernels.gemm({rows, units, features, x.floats(), features, 1, kernel, 1, features, bias, y, units,
                      false, bf16});
        if (activation != Activation::linear) kernels.activation_forward(activation, y, y, rows * units);
    } else {
        kernels.dense({rows, features, units, x.floats(), kernel, bias, activation, y, y, bf16});
    }
}

void ShiftInstruction::plan(Values& values) { plan_same_shape(values, columns); }

void ShiftInstruction::run(const Kernels& kernels, Values& values) {
    const Value& x = in(values, 0);
    const i64 rows = x.shape.count(0, x.shape.axes - 1);
    for (i64 row = 0; row < rows; ++row)
        kernels.binary({BinaryOp::add, columns, x.floats() + row * columns, bias, 1, 1,
                        out(values).floats() + row * columns});
}

void ActivationInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    give(values, 0, floats(values, 0, 0));
}

void ActivationInstruction::run(const Kernels& kernels, Values& values) {
    const Value& x = in(values, 0);
    kernels.activation_forward(activation, x.floats(), out(values).floats(), x.shape.count());
}

void SoftmaxInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    const Shape shape = floats(values, 0, 1);
    if (shape.last() == 0) fail("inputs", "have at least one feature", "shape " + shape.text());
    give(values, 0, shape);
}

void SoftmaxInstruction::run(const Kernels& kernels, Values& values) {
    const Shape& shape = in(values, 0).shape;
    kernels.softmax_forward(in(values, 0).floats(), out(values).floats(),
                            shape.count(0, shape.axes - 1), shape.last());
}

void RowNormInstruction::plan(Values& values) { plan_same_shape(values, columns); }

void RowNormInstruction::run(const Kernels& kernels, Values& values) {
    const Value& x = in(values, 0);
    const i64 rows = x.shape.count(0, x.shape.axes - 1);
    const Floats mean(rows), rstd(rows); // the kernel tells them; nobody asks
    kernels.row_norm_forward({rows, columns, x.floats(), gamma, beta, epsilon, centered,
                              out(values).floats(), centered ? mean.get() : nullptr, rstd.get()});
}

void ColumnNormInstruction::plan(Values& values) { plan_same_shape(values, columns); }

void ColumnNormInstruction::run(const Kernels& kernels, Values& values) {
    const Value& x = in(values, 0);
    kernels.column_norm_forward({x.shape.count(0, x.shape.axes - 1), columns, x.floats(), mean,
                                 factor, shift, out(values).floats()});
}

} // namespace gw

#include "inference/moving.h"

#include <cassert>

namespace gw {

void ReshapeInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    const Shape from = floats(values, 0, 1);
    if (same) {
        give(values, 0, from);
        return;
    }
    if (target.size() + 1 > static_cast<std::size_t>(kMaxAxes))
        fail("target_shape", "have fewer axes", std::to_string(target.size()));
    Shape to;
    to.size[to.axes++] = from.size[0];
    int free = -1;
    for (const i64 n : target) {
        if (n == -1) {
            if (free >= 0) fail("target_shape", "have at most one -1", "two");
            free = to.axes;
        } else if (n < 0) {
            fail("target_shape", "hold sizes or -1", std::to_string(n));
        }
        to.size[to.axes++] = n == -1 ? 1 : n;
    }
    const i64 wanted = from.count(1, from.axes), known = to.count(1, to.axes);
    if (free >= 0) to.size[free] = known > 0 ? wanted / known : 0;
    if (to.count(1, to.axes) != wanted)
        fail("target_shape", "hold " + std::to_string(wanted) + " values", to.text());
    give(values, 0, to);
}

void ReshapeInstruction::run(const Kernels&, Values& values) {
    copy_bytes(out(values).data, in(values, 0).data, out(values).bytes());
}

void RepeatInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    const Shape from = floats(values, 0, 2, 2);
    if (times < 1) fail("n", "be positive", std::to_string(times));
    give(values, 0, {3, {from.size[0], times, from.size[1]}});
}

void RepeatInstruction::run(const Kernels&, Values& values) {
    const Shape& shape = out(values).shape;
    const float* x = in(values, 0).floats();
    float* y = out(values).floats();
    for (i64 b = 0; b < shape.size[0]; ++b)
        for (i64 t = 0; t < times; ++t, y += shape.size[2])
            copy_bytes(y, x + b * shape.size[2], static_cast<std::size_t>(shape.size[2]) * sizeof(float));
}

void PadInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    Shape shape = floats(values, 0, 3, 3);
    shape.size[1] += before + after;
    if (shape.size[1] < 1)
        fail("inputs", "have more than " + std::to_string(-before - after) + " steps",
             std::to_string(shape.size[1] - before - after));
    give(values, 0, shape);
}

void PadInstruction::run(const Kernels&, Values& values) {
    const Value &x = in(values, 0), &y = out(values);
    const i64 time = x.shape.size[1], row = x.shape.size[2];
    const std::size_t bytes = static_cast<std::size_t>(row) * sizeof(float);
    float* to = y.floats();
    for (i64 b = 0; b < x.shape.size[0]; ++b)
        for (i64 t = -before; t < time + after; ++t, to += row) {
            if (t >= 0 && t < time)
                copy_bytes(to, x.floats() + (b * time + t) * row, bytes);
            else if (bytes > 0)
                std::memset(to, 0, bytes);
        }
}

void StretchInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    Shape shape = floats(values, 0, 3, 3);
    if (__builtin_mul_overflow(shape.size[1], times, &shape.size[1])) throw std::bad_alloc();
    give(values, 0, shape);
}

void StretchInstruction::run(const Kernels&, Values& values) {
    const Shape& shape = in(values, 0).shape;
    const i64 row = shape.size[2];
    const float* x = in(values, 0).floats();
    float* y = out(values).floats();
    for (i64 step = 0; step < shape.count(0, 2); ++step)
        for (i64 i = 0; i < times; ++i, y += row)
            copy_bytes(y, x + step * row, static_cast<std::size_t>(row) * sizeof(float));
}

void LastStepInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    Shape shape = floats(values, 0, 2);
    if (shape.size[1] < 1) fail("inputs", "have at least one time step", "shape " + shape.text());
    shape.size[1] = 1;
    give(values, 0, shape);
}

void LastStepInstruction::run(const Kernels&, Values& values) {
    const Value& x = in(values, 0);
    const i64 time = x.shape.size[1], step = x.shape.count(2, x.shape.axes);
    for (i64 b = 0; b < x.shape.size[0]; ++b)
        copy_bytes(out(values).floats() + b * step, x.floats() + (b * time + time - 1) * step,
                   static_cast<std::size_t>(step) * sizeof(float));
}

void PermuteInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    const int count = static_cast<int>(axes.size());
    if (count > kMaxAxes) fail("axes", "be fewer", std::to_string(count));
    const Shape from = floats(values, 0, count, count);
    Shape to;
    bool taken[kMaxAxes] = {};
    for (const i64 axis : axes) {
        if (axis < 0 || axis >= count || taken[axis]) fail("axes", "be each of the inputs'", "others");
        taken[axis] = true;
        to.size[to.axes++] = from.size[axis];
    }
    give(values, 0, to);
}

void PermuteInstruction::run(const Kernels&, Values& values) {
    const Shape &from = in(values, 0).shape, &to = out(values).shape;
    i64 steps[kMaxAxes], index[kMaxAxes] = {};
    for (int i = 0; i < to.axes; ++i) {
        const int axis = static_cast<int>(axes[static_cast<std::size_t>(i)]);
        steps[i] = from.count(axis + 1, from.axes);
    }
    const float* x = in(values, 0).floats();
    float* y = out(values).floats();
    const i64 total = to.count();
    assert(to.axes >= 0 && to.axes <= kMaxAxes);
    for (i64 i = 0; i < total; ++i) {
        y[i] = *x;
        for (int axis = to.axes - 1; axis >= 0; --axis) {
            x += steps[axis];
            if (++index[axis] < to.size[axis]) break;
            x -= steps[axis] * to.size[axis];
            index[axis] = 0;
        }
    }
}

void FlipInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    const Value& x = in(values, 0);
    if (x.kind == ValueKind::ids || x.shape.axes < 2) fail("inputs", "have a time axis", "no");
    give(values, 0, x.shape, x.kind);
}

void FlipInstruction::run(const Kernels&, Values& values) {
    const Value& x = in(values, 0);
    const i64 batch = x.shape.size[0], time = x.shape.size[1];
    const std::size_t row = batch * time > 0 ? x.bytes() / static_cast<std::size_t>(batch * time) : 0;
    const char* from = static_cast<const char*>(x.data);
    char* to = static_cast<char*>(out(values).data);
    for (i64 b = 0; b < batch; ++b)
        for (i64 t = 0; t < time; ++t)
            copy_bytes(to + static_cast<std::size_t>(b * time + t) * row,
                        from + static_cast<std::size_t>(b * time + time - 1 - t) * row, row);
}

void ConcatenateInstruction::plan(Values& values) {
    check_counts(1, 1024, 1);
    Shape shape = floats(values, 0, 1);
    if (axis < 0 || axis >= shape.axes) fail("axis", "be one of the inputs'", std::to_string(axis));
    for (std::size_t i = 1; i < inputs.size(); ++i) {
        const Shape& one = floats(values, i, shape.axes, shape.axes);
        for (int a = 0; a < shape.axes; ++a)
            if (a != axis && one.size[a] != shape.size[a])
                fail("inputs", "have equal sizes except along axis " + std::to_string(axis),
                     shape.text() + " and " + one.text());
        shape.size[axis] += one.size[axis];
    }
    give(values, 0, shape);
}

void ConcatenateInstruction::run(const Kernels&, Values& values) {
    const Shape& shape = out(values).shape;
    const i64 outer = shape.count(0, axis), whole = shape.count(axis, shape.axes);
    float* to = out(values).floats();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Value& x = in(values, i);
        const i64 part = x.shape.count(axis, shape.axes);
        for (i64 o = 0; o < outer; ++o)
            copy_bytes(to + o * whole, x.floats() + o * part,
                        static_cast<std::size_t>(part) * sizeof(float));
        to += part;
    }
}

namespace {

// Floats from one index to the next along each axis of `to`, zero where the input is repeated.
void broadcast_steps(const Shape& from, const Shape& to, i64* steps) {
    i64 step = 1;
    for (int axis = to.axes - 1; axis >= 0; --axis) {
        const int own = axis - (to.axes - from.axes);
        steps[axis] = own >= 0 && from.size[own] > 1 ? step : 0;
        if (own >= 0) step *= from.size[own];
    }
}

} // namespace

void BinaryInstruction::plan(Values& values) {
    check_counts(2, 2, 1);
    const Shape a = floats(values, 0, 0), b = floats(values, 1, 0);
    Shape shape = a.axes >= b.axes ? a : b;
    const Shape& other = a.axes >= b.axes ? b : a;
    for (int i = 1; i <= other.axes; ++i) {
        i64& size = shape.size[shape.axes - i];
        const i64 theirs = other.size[other.axes - i];
        if (size != theirs && size != 1 && theirs != 1)
            fail("inputs", "have matching shapes", a.text() + " and " + b.text());
        if (size == 1) size = theirs;
    }
    give(values, 0, shape);
}

void BinaryInstruction::run(const Kernels& kernels, Values& values) {
    const Value &a = in(values, 0), &b = in(values, 1);
    const Shape& shape = out(values).shape;
    const i64 total = shape.count();
    float* y = out(values).floats();
    if (total == 0) return;
    if (a.shape.count() == total && b.shape.count() == total) {
        kernels.binary({op, total, a.floats(), b.floats(), 1, 1, y});
        return;
    }
    i64 a_steps[kMaxAxes], b_steps[kMaxAxes], index[kMaxAxes] = {};
    broadcast_steps(a.shape, shape, a_steps);
    broadcast_steps(b.shape, shape, b_steps);
    const int inner = shape.axes - 1;
    assert(inner >= 0); // without axes both have one element
    const i64 n = shape.size[inner];
    const float *pa = a.floats(), *pb = b.floats();
    for (i64 row = 0; row < total / n; ++row, y += n) {
        kernels.binary({op, n, pa, pb, a_steps[inner] != 0, b_steps[inner] != 0, y});
        for (int axis = inner - 1; axis >= 0; --axis) {
            pa += a_steps[axis];
            pb += b_steps[axis];
            if (++index[axis] < shape.size[axis]) break;
            pa -= a_steps[axis] * shape.size[axis];
            pb -= b_steps[axis] * shape.size[axis];
            index[axis] = 0;
        }
    }
}

void JoinedMasksInstruction::plan(Values& values) {
    check_counts(2, 2, 1);
    const Shape shape = checked(values, 0, ValueKind::mask, 1).shape;
    if (!(checked(values, 1, ValueKind::mask, 1).shape == shape))
        fail("masks", "have one shape", shape.text() + " and " + in(values, 1).shape.text());
    give(values, 0, shape, ValueKind::mask);
}

void JoinedMasksInstruction::run(const Kernels&, Values& values) {
    const bool *a = in(values, 0).mask(), *b = in(values, 1).mask();
    bool* y = out(values).mask();
    const i64 n = out(values).shape.count();
    for (i64 i = 0; i < n; ++i) y[i] = both ? a[i] && b[i] : a[i] || b[i];
}

} // namespace gw

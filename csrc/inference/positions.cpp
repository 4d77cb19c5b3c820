#include "inference/positions.h"

#include <algorithm>
#include <cmath>

namespace gw {

void PositionedInstruction::keep_states(i64 batch, i64 /*most*/) {
    starts_->assign(static_cast<std::size_t>(batch), 0);
}

void PositionedInstruction::advance() {
    for (i64& start : *starts_) start += steps_;
}

std::vector<StateArray> PositionedInstruction::states() {
    if (!apart()) return {};
    return {{"position", {static_cast<i64>(starts_->size())}}};
}

void PositionedInstruction::read_state(std::size_t /*i*/, float* to) {
    for (const i64 start : *starts_) *to++ = static_cast<float>(start);
}

void PositionedInstruction::check_states(const std::vector<GivenState>& given) {
    for (std::size_t row = 0; row < starts_->size(); ++row) {
        const float start = given[0].data[row];
        if (!(start >= 0.0f && start < 9e15f) || start != std::floor(start))
            fail("position", "hold whole numbers of at least 0", std::to_string(start));
    }
}

void PositionedInstruction::write_states(const std::vector<GivenState>& given) {
    for (std::size_t row = 0; row < starts_->size(); ++row)
        (*starts_)[row] = static_cast<i64>(given[0].data[row]);
}

void PositionedInstruction::reset_row(i64 row) {
    if (apart()) (*starts_)[static_cast<std::size_t>(row)] = 0;
}

void PositionedInstruction::select_rows(const std::vector<i64>& rows) {
    if (!apart()) return;
    std::vector<i64> chosen;
    chosen.reserve(rows.size());
    for (const i64 row : rows) chosen.push_back((*starts_)[static_cast<std::size_t>(row)]);
    starts_->swap(chosen);
}

void PositionedInstruction::check_rows(const Shape& x) const {
    if (apart() && x.size[0] != static_cast<i64>(starts_->size()))
        fail("inputs", "have " + std::to_string(starts_->size()) + " rows, as the stream has", x.text());
}

void PositionInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    const Shape x = floats(values, 0, 3, 3);
    check_last(x, columns);
    check_rows(x);
    if (x.size[1] > rows)
        fail("inputs", "have at most " + std::to_string(rows) + " steps", "shape " + x.text());
    give(values, 0, x);
}

void PositionInstruction::make_ready(const Values& values) {
    const Shape& x = in(values, 0).shape;
    for (i64 b = 0; apart() && b < x.size[0]; ++b)
        if (first(b) + x.size[1] > rows)
            fail("steps", "be at most " + std::to_string(rows) + " in all, as there are positions",
                 std::to_string(first(b) + x.size[1]));
}

void PositionInstruction::run(const Kernels& kernels, Values& values) {
    const Value& x = in(values, 0);
    const i64 row = x.shape.size[1] * columns;
    ran(x.shape.size[1]);
    for (i64 b = 0; b < x.shape.size[0]; ++b) {
        float* y = out(values).floats() + b * row;
        const float* from = table + first(b) * columns;
        if (added)
            kernels.binary({BinaryOp::add, row, x.floats() + b * row, from, 1, 1, y});
        else
            copy_bytes(y, from, static_cast<std::size_t>(row) * sizeof(float));
    }
}

void WaveInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    const Shape x = floats(values, 0, 3, 3);
    check_last(x, static_cast<i64>(frequencies.size()));
    check_rows(x);
    give(values, 0, x);
}

void WaveInstruction::run(const Kernels&, Values& values) {
    const Shape& x = in(values, 0).shape;
    const i64 time = x.size[1], row = time * x.last();
    ran(time);
    float* y = out(values).floats();
    for (i64 b = 0; b < x.size[0]; ++b, y += row) {
        if (b > 0 && first(b) == first(b - 1)) {
            copy_bytes(y, y - row, static_cast<std::size_t>(row) * sizeof(float));
            continue;
        }
        float* to = y;
        for (i64 t = 0; t < time; ++t) {
            // In double precision: single would blur the angles of distant positions.
            const double position = static_cast<double>(first(b) + t);
            bool even = true;
            for (const double frequency : frequencies) {
                const double angle = position * frequency;
                *to++ = static_cast<float>(even ? std::sin(angle) : std::cos(angle));
                even = !even;
            }
        }
    }
}

void RotaryInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    const Shape x = floats(values, 0, 3);
    check_last(x, 2 * static_cast<i64>(frequencies.size()));
    check_rows(x);
    give(values, 0, x);
}

void RotaryInstruction::run(const Kernels& kernels, Values& values) {
    const Shape& x = in(values, 0).shape;
    const i64 batch = x.size[0], time = x.size[1], features = x.last();
    const i64 heads = x.count(2, x.axes - 1), pairs = features / 2;
    ran(time);
    const i64 rows = apart() ? batch : 1;
    const Floats cosine(rows * time * pairs), sine(rows * time * pairs);
    i64 at = 0;
    for (i64 b = 0; b < rows; ++b)
        for (i64 t = 0; t < time; ++t)
            for (const double frequency : frequencies) {
                const double angle = static_cast<double>(first(b) + t) * frequency;
                cosine.get()[at] = static_cast<float>(std::cos(angle));
                sine.get()[at++] = static_cast<float>(std::sin(angle));
            }
    float* y = out(values).floats();
    kernels.rotary({batch, time, heads, features,
                    {in(values, 0).floats(), time * heads * features, heads * features, features},
                    cosine.get(), sine.get(), apart(), false, y});
    if (factor != 1.0f) kernels.binary({BinaryOp::multiply, x.count(), y, &factor, 1, 0, y});
}

} // namespace gw

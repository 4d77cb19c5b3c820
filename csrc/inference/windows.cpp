#include "inference/windows.h"

#include <algorithm>
#include <cstring>

namespace gw {
namespace {

// Windows of `span` steps at every stride; zero or less where there is none.
i64 windows_of(i64 time, i64 span, i64 stride, Padding padding) {
    if (padding == Padding::valid) return time < span ? 0 : (time - span) / stride + 1;
    return (time + stride - 1) / stride;
}

// Steps of zeros before and after; the odd one of `same` comes after.
void padding_sizes(i64 time, i64 span, i64 stride, Padding padding, i64* left, i64* right) {
    *left = *right = 0;
    if (padding == Padding::causal) *left = span - 1;
    if (padding != Padding::same) return;
    const i64 total = std::max<i64>((windows_of(time, span, stride, padding) - 1) * stride + span - time, 0);
    *left = total / 2;
    *right = total - total / 2;
}

void copy_floats(float* to, const float* from, i64 n) {
    copy_bytes(to, from, static_cast<std::size_t>(n) * sizeof(float));
}

void clear_floats(float* to, i64 n) {
    if (n > 0) std::memset(to, 0, static_cast<std::size_t>(n) * sizeof(float));
}

} // namespace

void WindowInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    const Shape x = floats(values, 0, 3, 3);
    check_last(x, channels);
    const i64 time = x.size[1];
    if (kept_rows_ > 0 && x.size[0] != kept_rows_)
        fail("inputs", "have " + std::to_string(kept_rows_) + " rows, as the stream has", x.text());
    i64 right = 0;
    padding_sizes(time, span(), stride, padding, &left_, &right);
    length_ = left_ + time + right;
    Shape{3, {x.size[0], length_ + stride, channels}}.count(); // refuses what cannot be addressed
    count_ = time < 1 ? 0 : windows_of(length_, span(), stride, Padding::valid);
    if (count_ < 1)
        fail("inputs", "have at least " + std::to_string(padding == Padding::valid ? span() : 1) + " steps",
             std::to_string(time));
    give(values, 0, {3, {x.size[0], count_, features}});
}

void WindowInstruction::run(const Kernels& kernels, Values& values) {
    const Value& x = in(values, 0);
    const i64 batch = x.shape.size[0], time = x.shape.size[1];
    if (batch == 0) return;
    const i64 period = (length_ + stride - 1) / stride * stride, row = time * channels;
    const float* source = x.floats();
    const bool padded = period != time;
    const Floats buffer(padded ? batch * period * channels : 0);
    for (i64 b = 0; padded && b < batch; ++b) {
        float* to = buffer.get() + b * period * channels;
        if (kept_rows_ > 0)
            copy_floats(to, kept_->present() + b * left_ * channels, left_ * channels);
        else
            clear_floats(to, left_ * channels);
        copy_floats(to + left_ * channels, x.floats() + b * row, row);
        clear_floats(to + (left_ + time) * channels, (period - left_ - time) * channels);
    }
    if (padded) source = buffer.get();
    convolve(kernels, source, batch, period, out(values).floats());
    for (i64 b = 0; kept_rows_ > 0 && left_ > 0 && b < batch; ++b) // stride is 1: the period is all there is
        copy_floats(kept_->next() + b * left_ * channels, source + (b * period + time) * channels,
                    left_ * channels);
}

void WindowInstruction::keep_states(i64 batch, i64 /*most*/) {
    kept_rows_ = batch;
    kept_->start(batch, (span() - 1) * channels);
}

void WindowInstruction::select_rows(const std::vector<i64>& rows) {
    Instruction::select_rows(rows);
    kept_rows_ = static_cast<i64>(rows.size());
}

std::vector<Instruction::Kept> WindowInstruction::kept() {
    if (kept_rows_ == 0 || span() == 1) return {};
    return {{"steps", &*kept_, {span() - 1, channels}}};
}

// y[rows, features] = windows of x, which begin a stride apart, times the kernel.
void ConvInstruction::multiply(const Kernels& kernels, const float* x, i64 rows, float* y) const {
    const i64 step = stride * channels;
    if (int8 != nullptr) {
        kernels.int8_dense({rows, step, x, int8.get(), bias, Activation::linear, y});
        return;
    }
    if (groups == 1 && dilation == 1) {
        kernels.gemm({rows, features, taps * channels, x, step, 1, kernel, features, 1, bias, y, features, false, bf16});
        return;
    }
    const i64 size = channels / groups, part = features / groups;
    for (i64 g = 0; g < groups; ++g)
        for (i64 k = 0; k < taps; ++k)
            kernels.gemm({rows, part, size, x + k * dilation * channels + g * size, step, 1,
                          kernel + k * size * features + g * part, features, 1,
                          bias != nullptr && k == 0 ? bias + g * part : nullptr, y + g * part, features,
                          k > 0, bf16});
}

// All sequences in one product, as far as windows do not reach into the next one: those rows are left out.
void ConvInstruction::convolve(const Kernels& kernels, const float* x, i64 batch, i64 period, float* y) {
    const i64 whole = period / stride, rows = (batch * period - span()) / stride + 1;
    if (batch == 1 || whole == count()) return multiply(kernels, x, batch == 1 ? count() : rows, y);
    const Floats found(batch * whole * features);
    multiply(kernels, x, rows, found.get());
    for (i64 b = 0; b < batch; ++b)
        copy_floats(y + b * count() * features, found.get() + b * whole * features, count() * features);
}

void DepthwiseInstruction::convolve(const Kernels& kernels, const float* x, i64 batch, i64 period,
                                    float* y) {
    kernels.depthwise_forward({batch, period, channels, taps, count(), stride, dilation, 0, x, kernel, y});
}

void PoolInstruction::plan(Values& values) {
    check_counts(1, 1, 1);
    const Shape x = floats(values, 0, 3, 3);
    const i64 time = x.size[1];
    i64 left = 0, right = 0;
    padding_sizes(time, size, stride, padding, &left, &right);
    const i64 count = time < 1 ? 0 : windows > 0 ? windows : windows_of(time, size, stride, padding);
    if (count < 1)
        fail("inputs", "have at least " + std::to_string(padding == Padding::valid ? size : 1) + " steps",
             std::to_string(time));
    give(values, 0, {3, {x.size[0], count, x.size[2]}});
    begins_->resize(static_cast<std::size_t>(count));
    ends_->resize(static_cast<std::size_t>(count));
    for (i64 i = 0; i < count; ++i) {
        i64 begin = i * stride - left, end = begin + size;
        if (windows > 0) {
            begin = i * time / count;
            end = ((i + 1) * time + count - 1) / count;
        }
        (*begins_)[static_cast<std::size_t>(i)] = std::max<i64>(begin, 0);
        (*ends_)[static_cast<std::size_t>(i)] = std::min(end, time);
    }
}

void PoolInstruction::run(const Kernels& kernels, Values& values) {
    const Value &x = in(values, 0), &y = out(values);
    const Pool pool = {x.shape.size[0], x.shape.size[1], x.shape.size[2], y.shape.size[1],
                       begins_->data(), ends_->data(),   x.floats(),      y.floats(),
                       nullptr};
    if (largest)
        kernels.max_pool_forward(pool);
    else
        kernels.average_pool_forward(pool);
}

void PoolOverTimeInstruction::plan(Values& values) {
    check_counts(1, 2, 1);
    const Shape x = floats(values, 0, 3, 3);
    if (x.size[1] < 1) fail("inputs", "have at least one time step", "shape " + x.text());
    if (inputs.size() == 2) {
        const Shape& mask = checked(values, 1, ValueKind::mask, 2, 2).shape;
        if (mask.size[0] != x.size[0] || mask.size[1] != x.size[1])
            fail("mask", "have the batch and time of " + x.text(), mask.text());
    }
    give(values, 0, keepdims ? Shape{3, {x.size[0], 1, x.size[2]}} : Shape{2, {x.size[0], x.size[2]}});
}

void PoolOverTimeInstruction::run(const Kernels& kernels, Values& values) {
    const Value& x = in(values, 0);
    kernels.pool_over_time({x.shape.size[0], x.shape.size[1], x.shape.size[2], largest, x.floats(),
                            inputs.size() == 2 ? in(values, 1).mask() : nullptr, out(values).floats()});
}

} // namespace gw

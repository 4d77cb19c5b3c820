// Contracts of what looks at windows over time: pooling and convolution of each channel by itself.
#pragma once
#include "api/types.h"

namespace gw {

// Window w of every sequence is the steps [begins[w], ends[w]), at least one.
struct Pool {
    i64 batch, time, channels, windows;
    const i64 *begins, *ends; // [windows]
    const float* x;           // [batch, time, channels]
    float* y;                 // [batch, windows, channels]
    i32* winner;              // [batch, windows, channels] or null: the step that holds the maximum
};

// The largest value of all real steps of a sequence, or their sum, in the order of time, divided by their
// number; zero where there is none. Runs on the thread that calls it, as Binary does.
struct PoolOverTime {
    i64 batch, time, channels;
    bool largest;
    const float* x;   // [batch, time, channels]
    const bool* real; // [batch, time] or null: all are
    float* y;         // [batch, channels]
};

struct PoolGrad {
    i64 batch, time, channels, windows;
    const i64 *begins, *ends;
    const i32* winner; // null: the mean was taken
    const float* dy;   // [batch, windows, channels]
    float* dx;         // [batch, time, channels]
};

// y[b, t, c] = sum over k of x[b, t*stride + k*dilation - left, c] * w[k, c]; x is zero outside.
struct DepthwiseConv {
    i64 batch, time, channels, taps, outputs, stride, dilation, left;
    const float* x; // [batch, time, channels]
    const float* w; // [taps, channels]
    float* y;       // [batch, outputs, channels]
};

struct DepthwiseConvGrad {
    DepthwiseConv forward; // its y is not used
    const float* dy;       // [batch, outputs, channels]
    float* dx;             // [batch, time, channels] or null
    float* dw;             // [taps, channels] or null
};

} // namespace gw

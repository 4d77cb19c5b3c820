// Convolution over time of each channel by itself.
#pragma once
#include "api/window.h"
#include "kernels/row_sums.h"

namespace gw::GW_ISA {
namespace {

// f(row) for rows [0, rows) of so many floats, some rows a task; a float takes `taps` steps.
template <class F> void for_conv_rows(i64 rows, i64 channels, i64 taps, const F& f) {
    const i64 some = 1 + (1 << 13) / (channels * taps + 1);
    const double nanoseconds = static_cast<double>(some * channels * taps) / 4.0;
    parallel_tasks((rows + some - 1) / some, nanoseconds, [&](i64 task) {
        for (i64 row = task * some; row < min64(rows, (task + 1) * some); ++row) f(row);
    });
}

inline void depthwise_forward(const DepthwiseConv& d) {
    for_conv_rows(d.batch * d.outputs, d.channels, d.taps, [&](i64 row) {
        const float* x = d.x + row / d.outputs * d.time * d.channels;
        const i64 start = row % d.outputs * d.stride - d.left;
        for_vectors(0, d.channels, [&](i64 c, i64 lanes) {
            vf sum = splat(0.0f);
            for (i64 k = 0; k < d.taps; ++k) {
                const i64 t = start + k * d.dilation;
                if (t < 0 || t >= d.time) continue;
                sum += load_some(x + t * d.channels + c, lanes) *
                       load_some(d.w + k * d.channels + c, lanes);
            }
            store_some(d.y + row * d.channels + c, sum, lanes);
        });
    });
}

inline void depthwise_inputs(const DepthwiseConvGrad& g) {
    const DepthwiseConv& d = g.forward;
    for_conv_rows(d.batch * d.time, d.channels, d.taps, [&](i64 row) {
        const float* dy = g.dy + row / d.time * d.outputs * d.channels;
        const i64 end = row % d.time + d.left; // the outputs that used this step: t*stride = end - k*dilation
        for_vectors(0, d.channels, [&](i64 c, i64 lanes) {
            vf sum = splat(0.0f);
            for (i64 k = 0; k < d.taps; ++k) {
                const i64 at = end - k * d.dilation;
                if (at < 0 || at % d.stride != 0 || at / d.stride >= d.outputs) continue;
                sum += load_some(dy + at / d.stride * d.channels + c, lanes) *
                       load_some(d.w + k * d.channels + c, lanes);
            }
            store_some(g.dx + row * d.channels + c, sum, lanes);
        });
    });
}

inline void depthwise_weights(const DepthwiseConvGrad& g) {
    const DepthwiseConv& d = g.forward;
    const i64 width = d.taps * d.channels;
    sum_over_rows(d.batch * d.outputs, width, static_cast<double>(width) / 4.0, g.dw,
                  [&](i64 begin, i64 end, float* partial) {
                      clear(partial, width);
                      for (i64 row = begin; row < end; ++row) {
                          const float* x = d.x + row / d.outputs * d.time * d.channels;
                          const i64 start = row % d.outputs * d.stride - d.left;
                          for (i64 k = 0; k < d.taps; ++k) {
                              const i64 t = start + k * d.dilation;
                              if (t < 0 || t >= d.time) continue;
                              for_vectors(0, d.channels, [&](i64 c, i64 lanes) {
                                  float* sum = partial + k * d.channels + c;
                                  const vf more = load_some(x + t * d.channels + c, lanes) *
                                                  load_some(g.dy + row * d.channels + c, lanes);
                                  store_some(sum, load_some(sum, lanes) + more, lanes);
                              });
                          }
                      }
                  });
}

inline void depthwise_backward(const DepthwiseConvGrad& g) {
    if (g.dx != nullptr) depthwise_inputs(g);
    if (g.dw != nullptr) depthwise_weights(g);
}

} // namespace
} // namespace gw::GW_ISA

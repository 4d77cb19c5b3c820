// The largest value, or the mean, of windows over time.
#pragma once
#include "api/window.h"
#include "kernels/row_sums.h"
#include "kernels/softmax.h"

namespace gw::GW_ISA {
namespace {

constexpr i64 kPoolChannels = 256; // of one sequence in a task

// f(sequence, first channel, channels) over all of them, in parallel.
template <class F> void for_channels(i64 batch, i64 channels, double nanoseconds, const F& f) {
    const i64 blocks = (channels + kPoolChannels - 1) / kPoolChannels;
    parallel_tasks(batch * blocks, nanoseconds, [&](i64 task) {
        const i64 first = task % blocks * kPoolChannels;
        f(task / blocks, first, min64(kPoolChannels, channels - first));
    });
}

inline double pool_nanoseconds(i64 steps, i64 channels) {
    return static_cast<double>(steps * min64(kPoolChannels, channels)) / 4.0;
}

// The first of equal values wins; NaN wins over every number.
inline void max_pool_forward(const Pool& p) {
    for_channels(p.batch, p.channels, pool_nanoseconds(p.time + p.windows, p.channels),
                 [&](i64 b, i64 first, i64 count) {
        for (i64 w = 0; w < p.windows; ++w) {
            const i64 out = (b * p.windows + w) * p.channels;
            for_vectors(first, count, [&](i64 c, i64 lanes) {
                vf top = load_some(p.x + (b * p.time + p.begins[w]) * p.channels + c, lanes);
                vi at = vi{} + static_cast<i32>(p.begins[w]);
                for (i64 t = p.begins[w] + 1; t < p.ends[w]; ++t) {
                    const vf v = load_some(p.x + (b * p.time + t) * p.channels + c, lanes);
                    const vi better = (v > top) | (v != v);
                    top = better ? v : top;
                    at = better ? vi{} + static_cast<i32>(t) : at;
                }
                store_some(p.y + out + c, top, lanes);
                if (p.winner != nullptr)
                    store_some(reinterpret_cast<float*>(p.winner + out + c),
                               reinterpret_cast<vf>(at), lanes);
            });
        }
    });
}

inline void average_pool_forward(const Pool& p) {
    for_channels(p.batch, p.channels, pool_nanoseconds(p.time + p.windows, p.channels),
                 [&](i64 b, i64 first, i64 count) {
        for (i64 w = 0; w < p.windows; ++w) {
            const float share = 1.0f / static_cast<float>(p.ends[w] - p.begins[w]);
            for_vectors(first, count, [&](i64 c, i64 lanes) {
                vf sum = splat(0.0f);
                for (i64 t = p.begins[w]; t < p.ends[w]; ++t)
                    sum += load_some(p.x + (b * p.time + t) * p.channels + c, lanes);
                store_some(p.y + (b * p.windows + w) * p.channels + c, sum * share, lanes);
            });
        }
    });
}

inline void pool_over_time(const PoolOverTime& p) {
    for (i64 b = 0; b < p.batch; ++b) {
        const float* x = p.x + b * p.time * p.channels;
        const bool* real = p.real == nullptr ? nullptr : p.real + b * p.time;
        i64 count = 0;
        for (i64 t = 0; t < p.time; ++t) count += real == nullptr || real[t];
        const float divisor = static_cast<float>(count > 0 ? count : 1);
        for_vectors(0, p.channels, [&](i64 c, i64 lanes) {
            vf found = splat(p.largest && count > 0 ? -kInfinity : 0.0f);
            for (i64 t = 0; t < p.time; ++t) {
                if (real != nullptr && !real[t]) continue;
                const vf v = load_some(x + t * p.channels + c, lanes);
                if (p.largest)
                    found = ((v > found) | (v != v)) ? v : found;
                else
                    found += v;
            }
            store_some(p.y + b * p.channels + c, p.largest ? found : found / divisor, lanes);
        });
    }
}

// Windows may overlap: those of one sequence are added in their order.
inline void pool_backward(const PoolGrad& p) {
    for_channels(p.batch, p.channels, pool_nanoseconds(p.time + p.windows, p.channels),
                 [&](i64 b, i64 first, i64 count) {
        float* dx = p.dx + b * p.time * p.channels;
        for (i64 t = 0; t < p.time; ++t) clear(dx + t * p.channels + first, count);
        for (i64 w = 0; w < p.windows; ++w) {
            const i64 out = (b * p.windows + w) * p.channels;
            if (p.winner != nullptr) {
                for (i64 c = first; c < first + count; ++c)
                    dx[p.winner[out + c] * p.channels + c] += p.dy[out + c];
                continue;
            }
            const float share = 1.0f / static_cast<float>(p.ends[w] - p.begins[w]);
            for (i64 t = p.begins[w]; t < p.ends[w]; ++t)
                for_vectors(first, count, [&](i64 c, i64 lanes) {
                    float* d = dx + t * p.channels + c;
                    store_some(d, load_some(d, lanes) + load_some(p.dy + out + c, lanes) * share,
                               lanes);
                });
        }
    });
}

} // namespace
} // namespace gw::GW_ISA

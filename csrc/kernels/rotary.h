// Rotary position embedding (Su et al. 2021).
#pragma once
#include "api/attention.h"
#include "kernels/softmax.h"

namespace gw::GW_ISA {
namespace {

inline void rotary(const Rotary& r) {
    const i64 half = r.features / 2;
    for_rows(r.batch * r.time, r.heads * r.features, [&](i64 step) {
        const i64 b = step / r.time, t = step % r.time;
        const i64 angles = (r.per_row ? step : t) * half;
        for (i64 n = 0; n < r.heads; ++n) {
            const float* x = r.x.data + b * r.x.batch + t * r.x.time + n * r.x.head;
            float* y = r.y + (step * r.heads + n) * r.features;
            for_vectors(0, half, [&](i64 i, i64 lanes) {
                const vf cosine = load_some(r.cosine + angles + i, lanes);
                vf sine = load_some(r.sine + angles + i, lanes);
                if (r.inverse) sine = -sine;
                const vf first = load_some(x + i, lanes), second = load_some(x + half + i, lanes);
                store_some(y + i, first * cosine - second * sine, lanes);
                store_some(y + half + i, second * cosine + first * sine, lanes);
            });
        }
    });
}

} // namespace
} // namespace gw::GW_ISA

// Normalization of rows (layer, RMS) and of columns (batch), forward and backward.
#pragma once
#include "api/normalization.h"
#include "kernels/row_sums.h"
#include "kernels/softmax.h"

namespace gw::GW_ISA {
namespace {

GW_INLINE vf load_or_one(const float* p, i64 i, i64 lanes) {
    return p == nullptr ? splat(1.0f) : load_some(p + i, lanes);
}

// Sum over a row of f(i, lanes), whose unused lanes must be zero.
template <class F> GW_INLINE float sum_row(i64 columns, const F& f) {
    vf sum = splat(0.0f);
    for_vectors(0, columns, [&](i64 i, i64 lanes) { sum += f(i, lanes); });
    return sum_lanes(sum);
}

// The lanes from `lanes` on set to zero.
GW_INLINE vf first_of(vf x, i64 lanes) {
    if (lanes == kLanes) return x;
    float some[kLanes];
    store(some, x);
    for (i64 i = lanes; i < kLanes; ++i) some[i] = 0.0f;
    return load(some);
}

inline void row_norm_forward(const RowNorm& n) {
    const float count = static_cast<float>(n.columns);
    for_rows(n.rows, n.columns, [&](i64 row) {
        const float* x = n.x + row * n.columns;
        float* y = n.y + row * n.columns;
        float mean = 0.0f;
        if (n.centered) {
            mean = sum_row(n.columns, [&](i64 i, i64 lanes) { return load_some(x + i, lanes); }) / count;
            n.mean[row] = mean;
        }
        const float square = sum_row(n.columns, [&](i64 i, i64 lanes) {
            const vf d = first_of(load_some(x + i, lanes) - mean, lanes);
            return d * d;
        });
        const float rstd = 1.0f / __builtin_sqrtf(square / count + n.epsilon);
        n.rstd[row] = rstd;
        for_vectors(0, n.columns, [&](i64 i, i64 lanes) {
            vf value = (load_some(x + i, lanes) - mean) * rstd * load_or_one(n.gamma, i, lanes);
            if (n.beta != nullptr) value += load_some(n.beta + i, lanes);
            store_some(y + i, value, lanes);
        });
    });
}

// With z = (x - mean) * rstd and g = dy * gamma: dx = rstd * (g - mean(g) - z * mean(g * z)), the first
// mean only where x was centered.
inline void row_norm_inputs(const RowNormGrad& n) {
    const float count = static_cast<float>(n.columns);
    for_rows(n.rows, n.columns, [&](i64 row) {
        const float* x = n.x + row * n.columns;
        const float* dy = n.dy + row * n.columns;
        const float mean = n.mean == nullptr ? 0.0f : n.mean[row], rstd = n.rstd[row];
        auto z = [&](i64 i, i64 lanes) { return (load_some(x + i, lanes) - mean) * rstd; };
        auto g = [&](i64 i, i64 lanes) { // zero in unused lanes, as dy is
            return load_some(dy + i, lanes) * load_or_one(n.gamma, i, lanes);
        };
        vf plain = splat(0.0f), along = splat(0.0f);
        for_vectors(0, n.columns, [&](i64 i, i64 lanes) {
            plain += g(i, lanes);
            along += g(i, lanes) * z(i, lanes);
        });
        const float offset = n.mean == nullptr ? 0.0f : sum_lanes(plain) / count;
        const float slope = sum_lanes(along) / count;
        for_vectors(0, n.columns, [&](i64 i, i64 lanes) {
            const vf d = (g(i, lanes) - offset - z(i, lanes) * slope) * rstd;
            store_some(n.dx + row * n.columns + i, d, lanes);
        });
    });
}

// dgamma and dbeta side by side: sums over rows of dy * z and of dy.
inline void row_norm_weights(const RowNormGrad& n) {
    const i64 columns = n.columns;
    const Floats sums(2 * columns);
    sum_over_rows(n.rows, 2 * columns, static_cast<double>(columns) / 4.0, sums.get(),
                  [&](i64 begin, i64 end, float* partial) {
                      clear(partial, 2 * columns);
                      for (i64 row = begin; row < end; ++row) {
                          const float mean = n.mean == nullptr ? 0.0f : n.mean[row];
                          const float rstd = n.rstd[row];
                          const float *x = n.x + row * columns, *dy = n.dy + row * columns;
                          for_vectors(0, columns, [&](i64 i, i64 lanes) {
                              const vf d = load_some(dy + i, lanes);
                              const vf z = (load_some(x + i, lanes) - mean) * rstd;
                              float *gamma = partial + i, *beta = partial + columns + i;
                              store_some(gamma, load_some(gamma, lanes) + d * z, lanes);
                              store_some(beta, load_some(beta, lanes) + d, lanes);
                          });
                      }
                  });
    if (n.dgamma != nullptr) copy_row(sums.get(), columns, n.dgamma);
    if (n.dbeta != nullptr) copy_row(sums.get() + columns, columns, n.dbeta);
}

inline void row_norm_backward(const RowNormGrad& n) {
    if (n.dx != nullptr) row_norm_inputs(n);
    if (n.dgamma != nullptr || n.dbeta != nullptr) row_norm_weights(n);
}

// sum[j] = sum over the rows that the mask keeps of f(row, j, lanes).
template <class F>
void sum_columns(i64 rows, i64 columns, const bool* mask, float* sum, const F& f) {
    sum_over_rows(rows, columns, static_cast<double>(columns) / 4.0, sum,
                  [&](i64 begin, i64 end, float* partial) {
                      clear(partial, columns);
                      for (i64 row = begin; row < end; ++row) {
                          if (mask != nullptr && !mask[row]) continue;
                          for_vectors(0, columns, [&](i64 j, i64 lanes) {
                              const vf total = load_some(partial + j, lanes) + f(row, j, lanes);
                              store_some(partial + j, total, lanes);
                          });
                      }
                  });
}

inline void column_moments(const ColumnMoments& m) {
    const i64 columns = m.columns;
    const float scale = 1.0f / m.divisor;
    auto times_scale = [&](float* sums) {
        for_vectors(0, columns, [&](i64 j, i64 lanes) {
            store_some(sums + j, load_some(sums + j, lanes) * scale, lanes);
        });
    };
    sum_columns(m.rows, columns, m.mask, m.mean, [&](i64 row, i64 j, i64 lanes) {
        return load_some(m.x + row * columns + j, lanes);
    });
    times_scale(m.mean);
    sum_columns(m.rows, columns, m.mask, m.variance, [&](i64 row, i64 j, i64 lanes) {
        const vf d = load_some(m.x + row * columns + j, lanes) - load_some(m.mean + j, lanes);
        return d * d;
    });
    times_scale(m.variance);
}

inline void column_norm_forward(const ColumnNorm& n) {
    for_rows(n.rows, n.columns, [&](i64 row) {
        for_vectors(0, n.columns, [&](i64 j, i64 lanes) {
            const i64 at = row * n.columns + j;
            const vf d = load_some(n.x + at, lanes) - load_some(n.mean + j, lanes);
            const vf y = d * load_some(n.factor + j, lanes) + load_some(n.shift + j, lanes);
            store_some(n.y + at, y, lanes);
        });
    });
}

// dx = gamma * rstd * (dy - kept * (dbeta + z * dgamma) / divisor), z = (x - mean) * rstd.
inline void column_norm_backward(const ColumnNormGrad& n) {
    const i64 columns = n.columns;
    auto z = [&](i64 row, i64 j, i64 lanes) {
        const vf d = load_some(n.x + row * columns + j, lanes) - load_some(n.mean + j, lanes);
        return d * load_some(n.rstd + j, lanes);
    };
    sum_columns(n.rows, columns, nullptr, n.dbeta, [&](i64 row, i64 j, i64 lanes) {
        return load_some(n.dy + row * columns + j, lanes);
    });
    sum_columns(n.rows, columns, nullptr, n.dgamma, [&](i64 row, i64 j, i64 lanes) {
        return load_some(n.dy + row * columns + j, lanes) * z(row, j, lanes);
    });
    if (n.dx == nullptr) return;
    const float share = n.divisor > 0.0f ? 1.0f / n.divisor : 0.0f;
    for_rows(n.rows, columns, [&](i64 row) {
        const bool counts = share > 0.0f && (n.mask == nullptr || n.mask[row]);
        for_vectors(0, columns, [&](i64 j, i64 lanes) {
            vf d = load_some(n.dy + row * columns + j, lanes);
            if (counts)
                d -= (load_some(n.dbeta + j, lanes) +
                      z(row, j, lanes) * load_some(n.dgamma + j, lanes)) *
                     share;
            d *= load_some(n.rstd + j, lanes) * load_or_one(n.gamma, j, lanes);
            store_some(n.dx + row * columns + j, d, lanes);
        });
    });
}

} // namespace
} // namespace gw::GW_ISA

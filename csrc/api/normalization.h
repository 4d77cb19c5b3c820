// Contracts of the normalizations. N rows, D columns.
#pragma once
#include "api/types.h"

namespace gw {

// y = (x - mean) * rstd * gamma + beta, the statistics of every row by itself:
// rstd = 1 / sqrt(mean((x - mean)^2) + epsilon). Without `centered` the mean counts as zero.
struct RowNorm {
    i64 rows, columns;
    const float* x;     // [N, D]
    const float* gamma; // [D] or null
    const float* beta;  // [D] or null
    float epsilon;
    bool centered;
    float* y;    // [N, D]
    float* mean; // [N]; null unless centered
    float* rstd; // [N]
};

struct RowNormGrad {
    i64 rows, columns;
    const float *x, *gamma, *mean, *rstd; // gamma and mean may be null, as above
    const float* dy;                      // [N, D]
    float* dx;                            // [N, D] or null
    float* dgamma;                        // [D] or null
    float* dbeta;                         // [D] or null
};

// mean and variance of every column over the rows that the mask keeps; sums are divided by `divisor`.
struct ColumnMoments {
    i64 rows, columns;
    const float* x;   // [N, D]
    const bool* mask; // [N] or null
    float divisor;
    float* mean;     // [D]
    float* variance; // [D]
};

// y = (x - mean) * factor + shift, each [D].
struct ColumnNorm {
    i64 rows, columns;
    const float* x;
    const float *mean, *factor, *shift;
    float* y;
};

// The gradient of (x - mean) * rstd * gamma + beta. With a divisor, mean and rstd are those that
// ColumnMoments found with it and the mask, and depend on x; with zero they are constants.
struct ColumnNormGrad {
    i64 rows, columns;
    const float* x;
    const float *mean, *rstd;
    const float* gamma; // [D] or null
    const bool* mask;   // [N] or null
    float divisor;
    const float* dy; // [N, D]
    float* dx;       // [N, D] or null
    float* dgamma;   // [D]
    float* dbeta;    // [D]
};

} // namespace gw

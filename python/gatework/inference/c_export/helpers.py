"""Functions of C that the statements call."""

from __future__ import annotations

__all__ = ["HELPERS"]

HELPERS = {
    "gw_start": """
static void gw_start(const float *from, int n, float *to) {
    if (from == NULL) memset(to, 0, (size_t)n * sizeof(float));
    else memcpy(to, from, (size_t)n * sizeof(float));
}""",
    "gw_product": """
/* y[0..m) += x[0..n) times a matrix whose rows lie `row` floats apart. */
static void gw_product(const float *x, int n, const float *w, int row, int m, float *y) {
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < m; ++j) y[j] += x[i] * w[(size_t)i * (size_t)row + (size_t)j];
}""",
    "gw_product8": """
/* The same by int8: x becomes whole numbers q[0..n), the largest magnitude 127, whose products with
   those of w are summed exactly; column j of w is a multiple of scale[j]. NaN or infinity in x
   makes all of y NaN. */
static void gw_product8(const float *x, int n, const int8_t *w, const float *scale, int row, int m,
                        float *y, int8_t *q, int32_t *sum) {
    float top = 0.0f, factor;
    for (int i = 0; i < n; ++i) top = fabsf(x[i]) > top || x[i] != x[i] ? fabsf(x[i]) : top;
    if (!(top <= 3.402823466e38f)) {
        for (int j = 0; j < m; ++j) y[j] = NAN;
        return;
    }
    if (top < 1e-36f) return;
    factor = 127.0f / top;
    for (int i = 0; i < n; ++i) q[i] = (int8_t)rintf(x[i] * factor);
    memset(sum, 0, (size_t)m * sizeof(int32_t));
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < m; ++j) sum[j] += q[i] * w[(size_t)i * (size_t)row + (size_t)j];
    for (int j = 0; j < m; ++j) y[j] += (float)sum[j] * (scale[j] * (top / 127.0f));
}""",
    "gw_row8": """
static void gw_row8(const int8_t *from, int n, float scale, float *to) {
    for (int i = 0; i < n; ++i) to[i] = (float)from[i] * scale;
}""",
    "gw_clip": """
static float gw_clip(float x, float bound) { return x < -bound ? -bound : x > bound ? bound : x; }
""",
    "gw_softmax": """
static void gw_softmax(const float *x, int n, float *y) {
    float top = x[0], sum = 0.0f;
    for (int i = 1; i < n; ++i) top = x[i] > top ? x[i] : top;
    for (int i = 0; i < n; ++i) sum += y[i] = expf(x[i] - top);
    for (int i = 0; i < n; ++i) y[i] /= sum;
}""",
    "gw_normalize": """
static void gw_normalize(const float *x, int n, const float *gamma, const float *beta,
                         float epsilon, int centered, float *y) {
    float mean = 0.0f, square = 0.0f, factor;
    for (int i = 0; i < n && centered; ++i) mean += x[i];
    mean /= (float)n;
    for (int i = 0; i < n; ++i) square += (x[i] - mean) * (x[i] - mean);
    factor = 1.0f / sqrtf(square / (float)n + epsilon);
    for (int i = 0; i < n; ++i)
        y[i] = (x[i] - mean) * factor * (gamma ? gamma[i] : 1.0f) + (beta ? beta[i] : 0.0f);
}""",
}
"""By their names."""

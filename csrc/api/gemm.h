// The contract of the one matrix product.
#pragma once
#include "api/types.h"

namespace gw {

// c = a·b (+ bias, or + c when accumulate), all float32; with bf16, a and b are rounded to bfloat16 first. a is (m, k) and b is (k, n), read through a row
// and a column stride, one of a's is 1, so that a transposed operand is only a pair of strides; c is
// (m, n) with rows ldc apart. Every element of c is one chain of additions in the order of k: the result does not
// depend on the number of threads.
struct Gemm {
    i64 m, n, k;
    const float* a;
    i64 a_row, a_col;
    const float* b;
    i64 b_row, b_col;
    const float* bias; // (n,) or null
    float* c;
    i64 ldc;
    bool accumulate;
    bool bf16 = false;
};

// y = activation(x·w + bias): x (rows, inputs), w (inputs, units), y and pre (rows, units).
struct Dense {
    i64 rows, inputs, units;
    const float *x, *w, *bias; // bias may be null
    Activation activation;
    float* pre; // receives x·w + bias; may equal y when the caller does not keep it
    float* y;
    bool bf16 = false;
};

// The same with weights that were packed once, for the instruction set whose table packed them: whoever
// multiplies few rows by them over and over reads them in one stream. Bits are those of Dense.
struct PackedDense {
    i64 rows, inputs, units;
    const float *x, *packed, *bias; // packed by PackDense; bias may be null
    Activation activation;
    float* y;
};

// Element (k, j) of the weights, an input and a unit, lies at w + k * row + j * column; one step is 1.
struct PackDense {
    i64 inputs, units;
    const float* w;
    i64 row, column;
    float* packed; // as many floats as packed_dense_floats says
};

} // namespace gw

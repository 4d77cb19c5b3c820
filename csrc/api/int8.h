// Contracts of products of int8: whole numbers in [-127, 127] and scales.
#pragma once
#include "api/types.h"

namespace gw {

constexpr i64 kMostInt8Rows = 1 << 16; // so many products of two such numbers fit an int32

// Column j is scale[j] times whole numbers.
struct Int8Matrix {
    i64 rows, columns;
    const std::int8_t* data; // [rows, columns]
    const float* scale;      // [columns]
};

// y = activation(x·W + bias): the rows of x are rounded to 255 steps up to the largest of each, their
// products with W are exact, and everything after is float32. A row with a NaN or an infinity gives NaN.
struct Int8Dense {
    i64 rows, x_row;    // rows of x are x_row floats apart
    const float* x;
    const void* packed; // W, from pack_int8 of the same ISA
    const float* bias;  // [columns] or null
    Activation activation;
    float* y;           // [rows, columns]
};

} // namespace gw

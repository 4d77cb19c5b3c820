// Contracts of the embedding kernels. N ids, V rows, D columns. Ids were checked by the caller.
#pragma once
#include "api/types.h"

namespace gw {

struct EmbeddingForward {
    const float* table; // [V, D]
    const i64* ids;     // [N]
    float* y;           // [N, D]
    i64 n, columns;
    const std::int8_t* bytes = nullptr; // [V, D] in the place of the table: row v is
    const float* scale = nullptr;       // [V] scale[v] times whole numbers
};

// dtable[v] = sum of dy[i] over ids[i] == v, in the order of i for any number of threads.
struct EmbeddingBackward {
    const i64* ids;  // [N]
    const float* dy; // [N, D]
    float* dtable;   // [V, D], overwritten
    i64 n, rows, columns;
};

} // namespace gw

// What joins two arrays element by element, and what marks padding.
#pragma once
#include "api/elementwise.h"
#include "kernels/elementwise.h"

namespace gw::GW_ISA {
namespace {

template <class F> GW_INLINE void join(const Binary& p, const F& f) {
    auto read = [](const float* x, i64 step, i64 i, i64 lanes) {
        return step == 0 ? splat(*x) : load_some(x + i, lanes);
    };
    for_vectors(0, p.n, [&](i64 i, i64 lanes) {
        store_some(p.y + i, f(read(p.a, p.a_step, i, lanes), read(p.b, p.b_step, i, lanes)), lanes);
    });
}

inline void binary(const Binary& p) {
    switch (p.op) {
    case BinaryOp::add: return join(p, [](vf a, vf b) { return a + b; });
    case BinaryOp::subtract: return join(p, [](vf a, vf b) { return a - b; });
    case BinaryOp::multiply: return join(p, [](vf a, vf b) { return a * b; });
    case BinaryOp::divide: return join(p, [](vf a, vf b) { return a / b; });
    case BinaryOp::maximum:
        return join(p, [](vf a, vf b) { return ((a > b) | (a != a)) ? a : b; });
    case BinaryOp::minimum:
        return join(p, [](vf a, vf b) { return ((a < b) | (a != a)) ? a : b; });
    }
}

// The sum of arrays of any length, on all threads that it pays to wake.
inline void add_arrays(const float* a, const float* b, float* y, i64 n) {
    for_blocks(n, [&](i64 begin, i64 count) {
        binary({BinaryOp::add, count, a + begin, b + begin, 1, 1, y + begin});
    });
}

inline void masking(const Masking& m) {
    for (i64 row = 0; row < m.rows; ++row) {
        const float* x = m.x + row * m.columns;
        bool real = false;
        for (i64 i = 0; i < m.columns && !real; ++i) real = x[i] != m.value;
        m.real[row] = real;
        for_vectors(row * m.columns, m.columns, [&](i64 i, i64 lanes) {
            store_some(m.y + i, real ? load_some(m.x + i, lanes) : splat(0.0f), lanes);
        });
    }
}

} // namespace
} // namespace gw::GW_ISA

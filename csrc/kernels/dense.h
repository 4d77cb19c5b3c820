// A dense layer: one product and its activation.
#pragma once
#include "api/gemm.h"
#include "kernels/elementwise.h"
#include "kernels/gemm.h"

namespace gw::GW_ISA {
namespace {

inline void dense(const Dense& d) {
    gemm({d.rows, d.units, d.inputs, d.x, d.inputs, 1, d.w, d.units, 1, d.bias, d.pre, d.units, false, d.bf16});
    if (d.activation != Activation::linear)
        activation_forward(d.activation, d.pre, d.y, d.rows * d.units);
}

} // namespace
} // namespace gw::GW_ISA

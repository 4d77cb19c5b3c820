// Value and slope of every activation in api/activations.def, with Keras' default parameters.
#pragma once
#include "api/recurrent.h"
#include "kernels/math.h"

namespace gw::GW_ISA {
namespace {

constexpr float kSeluAlpha = 1.6732632423543772f, kSeluScale = 1.0507009873554805f;
constexpr float kLeakySlope = 0.2f, kShrink = 0.5f, kSquareplus = 4.0f;

// gelu's tanh form is x sigmoid(2u), u = sqrt(2 / pi) (x + 0.044715 x^3); past the end the sigmoid is 0
// or 1.
constexpr float kGeluScale = 0.7978845608f, kGeluCube = 0.044715f, kGeluEnd = 12.0f;
GW_INLINE vf twice_gelu_tanh_inner(vf x) {
    const vf near = at_most(at_least(x, -kGeluEnd), kGeluEnd);
    return 2.0f * kGeluScale * near * (1.0f + kGeluCube * near * near);
}

GW_INLINE vf zero() { return splat(0.0f); }
GW_INLINE vf one() { return splat(1.0f); }

GW_INLINE vf activation_value(Activation kind, vf x) {
    switch (kind) {
    case Activation::linear: return x;
    case Activation::tanh: return tanh(x);
    case Activation::sigmoid: return sigmoid(x);
    case Activation::relu: return at_least(x, 0.0f);
    case Activation::relu6: return at_most(at_least(x, 0.0f), 6.0f);
    case Activation::leaky_relu: return x < 0.0f ? x * kLeakySlope : x;
    case Activation::elu:
    case Activation::celu: return x > 0.0f ? x : expm1(x);
    case Activation::selu: return kSeluScale * (x > 0.0f ? x : kSeluAlpha * expm1(x));
    case Activation::gelu: return 0.5f * x * (1.0f + erf(x * 0.70710678118654752f));
    case Activation::gelu_tanh: return x * sigmoid(twice_gelu_tanh_inner(x));
    case Activation::silu: return x * sigmoid(x);
    case Activation::mish: return x * tanh(softplus(x));
    case Activation::softplus: return softplus(x);
    case Activation::softsign: return x / (1.0f + abs(x));
    case Activation::exponential: return exp(x);
    case Activation::log_sigmoid: return -softplus(-x);
    case Activation::hard_sigmoid: return at_most(at_least(x * (1.0f / 6.0f) + 0.5f, 0.0f), 1.0f);
    case Activation::hard_sigmoid_keras2: return at_most(at_least(x * 0.2f + 0.5f, 0.0f), 1.0f);
    case Activation::hard_silu:
        return x * at_most(at_least(x * (1.0f / 6.0f) + 0.5f, 0.0f), 1.0f);
    case Activation::hard_tanh: return at_most(at_least(x, -1.0f), 1.0f);
    case Activation::tanh_shrink: return x - tanh(x);
    case Activation::soft_shrink:
        return x > kShrink ? x - kShrink : (x < -kShrink ? x + kShrink : x * 0.0f);
    case Activation::hard_shrink: return abs(x) <= kShrink ? zero() : x;
    case Activation::squareplus: return 0.5f * (x + sqrt(x * x + kSquareplus));
    case Activation::sparse_plus:
        return x >= 1.0f ? x : (x <= -1.0f ? zero() : 0.25f * (x + 1.0f) * (x + 1.0f));
    case Activation::sparse_sigmoid:
        return at_most(at_least(0.5f * (x + 1.0f), 0.0f), 1.0f);
    }
    return x;
}

// d value / d x.
GW_INLINE vf activation_slope(Activation kind, vf x) {
    switch (kind) {
    case Activation::linear: return one();
    case Activation::tanh: {
        const vf y = tanh(x);
        return 1.0f - y * y;
    }
    case Activation::sigmoid: {
        const vf y = sigmoid(x);
        return y * (1.0f - y);
    }
    case Activation::relu: return x > 0.0f ? one() : zero();
    case Activation::relu6: return x > 0.0f ? (x < 6.0f ? one() : zero()) : zero();
    case Activation::leaky_relu: return x > 0.0f ? one() : splat(kLeakySlope);
    case Activation::elu:
    case Activation::celu: return x > 0.0f ? one() : exp(x);
    case Activation::selu: return x > 0.0f ? splat(kSeluScale) : kSeluScale * kSeluAlpha * exp(x);
    case Activation::gelu: {
        const vf density = 0.39894228040143268f * exp(-0.5f * x * x);
        return 0.5f * (1.0f + erf(x * 0.70710678118654752f)) + x * density;
    }
    case Activation::gelu_tanh: {
        const vf near = at_most(at_least(x, -kGeluEnd), kGeluEnd);
        const vf s = sigmoid(twice_gelu_tanh_inner(x));
        const vf inner_slope = 2.0f * kGeluScale * (1.0f + 3.0f * kGeluCube * near * near);
        return s + s * (1.0f - s) * near * inner_slope;
    }
    case Activation::silu: {
        const vf s = sigmoid(x);
        return s * (1.0f + x * (1.0f - s));
    }
    case Activation::mish: {
        const vf t = tanh(softplus(x));
        return t + x * sigmoid(x) * (1.0f - t * t);
    }
    case Activation::softplus: return sigmoid(x);
    case Activation::softsign: {
        const vf d = 1.0f + abs(x);
        return 1.0f / (d * d);
    }
    case Activation::exponential: return exp(x);
    case Activation::log_sigmoid: return sigmoid(-x);
    case Activation::hard_sigmoid: return abs(x) < 3.0f ? splat(1.0f / 6.0f) : zero();
    case Activation::hard_sigmoid_keras2: return abs(x) < 2.5f ? splat(0.2f) : zero();
    case Activation::hard_silu:
        return x >= 3.0f ? one() : (x > -3.0f ? x * (1.0f / 3.0f) + 0.5f : zero());
    case Activation::hard_tanh: return abs(x) < 1.0f ? one() : zero();
    case Activation::tanh_shrink: {
        const vf y = tanh(x);
        return y * y;
    }
    case Activation::soft_shrink:
    case Activation::hard_shrink: return abs(x) > kShrink ? one() : zero();
    case Activation::squareplus: return 0.5f * (1.0f + x / sqrt(x * x + kSquareplus));
    case Activation::sparse_plus:
        return x >= 1.0f ? one() : (x <= -1.0f ? zero() : 0.5f * (x + 1.0f));
    case Activation::sparse_sigmoid: return abs(x) < 1.0f ? splat(0.5f) : zero();
    }
    return one();
}

// A recurrent cell is templated on a pair of these. `saved` is what the forward pass leaves in the gate
// buffer for the backward pass.
//
// The default activations save their value: the slope follows from it.
struct FastTanh {
    static constexpr bool keeps_value = true;
    explicit FastTanh(Activation, float) {}
    FastTanh unbounded() const { return *this; }
    vf value(vf x) const { return tanh(x); }
    vf saved(vf, vf value) const { return value; }
    vf value_of_saved(vf s) const { return s; }
    vf slope_of_saved(vf s) const { return 1.0f - s * s; }
};

struct FastSigmoid {
    static constexpr bool keeps_value = true;
    explicit FastSigmoid(Activation, float) {}
    vf value(vf x) const { return sigmoid(x); }
    vf saved(vf, vf value) const { return value; }
    vf value_of_saved(vf s) const { return s; }
    vf slope_of_saved(vf s) const { return s * (1.0f - s); }
};

// Every other activation saves its argument, from which both can be had again. The argument, a sum of a
// gate, may be bounded: where it is, the slope is zero. What is no such sum takes it unbounded.
struct AnyActivation {
    static constexpr bool keeps_value = false;
    Activation kind;
    float bound;
    AnyActivation(Activation k, float b) : kind(k), bound(b) {}
    AnyActivation unbounded() const { return {kind, kUnbounded}; }
    // Not inlined: the switch is large and uncommon.
    __attribute__((noinline)) void both(const float* x, float* value, float* slope) const {
        const vf v = load(x), inside = bounded(v);
        store(value, activation_value(kind, inside));
        store(slope, abs(v) > bound ? zero() : activation_slope(kind, inside));
    }
    __attribute__((noinline)) void forward(const float* x, float* value) const {
        store(value, activation_value(kind, bounded(load(x))));
    }
    vf bounded(vf x) const { return at_most(at_least(x, -bound), bound); }
    vf value(vf x) const {
        float in[kLanes], out[kLanes];
        store(in, x);
        forward(in, out);
        return load(out);
    }
    vf saved(vf x, vf) const { return x; }
    vf value_of_saved(vf s) const { return value(s); }
    vf slope_of_saved(vf s) const {
        float in[kLanes], out[kLanes], slope[kLanes];
        store(in, s);
        both(in, out, slope);
        return load(slope);
    }
};

} // namespace
} // namespace gw::GW_ISA

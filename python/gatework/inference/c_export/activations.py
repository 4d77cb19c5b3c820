"""Elementwise activations as C99 expressions of ``x``, with Keras' default parameters."""

from __future__ import annotations

__all__ = ["ACTIVATIONS", "function_of"]

_SIGMOID = "1.0f / (1.0f + expf(-x))"
_SOFTPLUS = "(x > 0.0f ? x : 0.0f) + log1pf(expf(-fabsf(x)))"

ACTIVATIONS: dict[str, str] = {
    "linear": "x",
    "tanh": "tanhf(x)",
    "sigmoid": _SIGMOID,
    "relu": "x > 0.0f ? x : 0.0f",
    "relu6": "x > 6.0f ? 6.0f : x > 0.0f ? x : 0.0f",
    "leaky_relu": "x < 0.0f ? x * 0.2f : x",
    "elu": "x > 0.0f ? x : expm1f(x)",
    "selu": "1.0507009873554805f * (x > 0.0f ? x : 1.6732632423543772f * expm1f(x))",
    "celu": "x > 0.0f ? x : expm1f(x)",
    "gelu": "0.5f * x * (1.0f + erff(x * 0.70710678118654752f))",
    "gelu_tanh": "0.5f * x * (1.0f + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)))",
    "silu": f"x * ({_SIGMOID})",
    "mish": f"x * tanhf({_SOFTPLUS})",
    "softplus": _SOFTPLUS,
    "softsign": "x / (1.0f + fabsf(x))",
    "exponential": "expf(x)",
    "log_sigmoid": "(x < 0.0f ? x : 0.0f) - log1pf(expf(-fabsf(x)))",
    "hard_sigmoid": "x <= -3.0f ? 0.0f : x >= 3.0f ? 1.0f : x * (1.0f / 6.0f) + 0.5f",
    "hard_sigmoid_keras2": "x <= -2.5f ? 0.0f : x >= 2.5f ? 1.0f : x * 0.2f + 0.5f",
    "hard_silu": "x * (x <= -3.0f ? 0.0f : x >= 3.0f ? 1.0f : x * (1.0f / 6.0f) + 0.5f)",
    "hard_tanh": "x < -1.0f ? -1.0f : x > 1.0f ? 1.0f : x",
    "tanh_shrink": "x - tanhf(x)",
    "soft_shrink": "x > 0.5f ? x - 0.5f : x < -0.5f ? x + 0.5f : 0.0f",
    "hard_shrink": "fabsf(x) <= 0.5f ? 0.0f : x",
    "squareplus": "0.5f * (x + sqrtf(x * x + 4.0f))",
    "sparse_plus": "x >= 1.0f ? x : x <= -1.0f ? 0.0f : 0.25f * (x + 1.0f) * (x + 1.0f)",
    "sparse_sigmoid": "x <= -1.0f ? 0.0f : x >= 1.0f ? 1.0f : 0.5f * (x + 1.0f)",
}


def function_of(name: str) -> str:
    """The definition of a C function ``gw_<name>``."""
    return f"static float gw_{name}(float x) {{ return {ACTIVATIONS[name]}; }}"

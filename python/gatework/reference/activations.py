"""Elementwise activations under Keras' names: value and slope (derivative) at ``x``.

Every function keeps the dtype of its argument. At a kink, where no derivative exists, the slope is
the one of the flat side, except for ``leaky_relu``, whose two sides both rise: there it is that of
the left side. Parameters are Keras' defaults.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .array import Array


class Activation(NamedTuple):
    """A function and its derivative, both elementwise and both functions of the input ``x``."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]


# Klambauer et al. 2017, "Self-Normalizing Neural Networks", to double precision.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

LEAKY_RELU_SLOPE = 0.2
SHRINK_THRESHOLD = 0.5
SQUAREPLUS_B = 4.0

_erf = np.frompyfunc(math.erf, 1, 1)


def _inside(x: Array, low: float, high: float) -> Array:
    return ((x > low) & (x < high)).astype(x.dtype)


def linear(x: Array) -> Array:
    """x."""
    return x


def linear_slope(x: Array) -> Array:
    """1."""
    return np.ones_like(x)


def tanh(x: Array) -> Array:
    """tanh x."""
    return np.tanh(x)


def tanh_slope(x: Array) -> Array:
    """1 - tanh² x."""
    return 1 - np.tanh(x) ** 2


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), written so that no exponential overflows."""
    e: Array = np.exp(-abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def sigmoid_slope(x: Array) -> Array:
    """σ(x) σ(-x)."""
    return sigmoid(x) * sigmoid(-x)


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0)


def relu_slope(x: Array) -> Array:
    """[x > 0]."""
    return (x > 0).astype(x.dtype)


def relu6(x: Array) -> Array:
    """min(max(x, 0), 6)."""
    return np.clip(x, 0, 6)


def relu6_slope(x: Array) -> Array:
    """[0 < x < 6]."""
    return _inside(x, 0, 6)


def leaky_relu(x: Array) -> Array:
    """x where positive, 0.2 x elsewhere."""
    return np.where(x > 0, x, LEAKY_RELU_SLOPE * x)


def leaky_relu_slope(x: Array) -> Array:
    """1 where x is positive, 0.2 elsewhere."""
    return np.where(x > 0, np.ones_like(x), x.dtype.type(LEAKY_RELU_SLOPE))


def elu(x: Array) -> Array:
    """x where positive, e^x - 1 elsewhere (Clevert et al. 2015)."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))


def elu_slope(x: Array) -> Array:
    """1 where x is positive, e^x elsewhere."""
    return np.exp(np.minimum(x, 0))


def selu(x: Array) -> Array:
    """λ x where positive, λ α (e^x - 1) elsewhere (Klambauer et al. 2017)."""
    return SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))


def selu_slope(x: Array) -> Array:
    """λ where x is positive, λ α e^x elsewhere."""
    return SELU_SCALE * np.where(x > 0, 1, SELU_ALPHA * np.exp(np.minimum(x, 0)))


def normal_cdf(x: Array) -> Array:
    """Φ(x) = (1 + erf(x / √2)) / 2. The error function itself is computed in double precision."""
    erf: Array = np.asarray(_erf(x * math.sqrt(0.5)), x.dtype)
    return 0.5 * (1 + erf)


def gelu(x: Array) -> Array:
    """x Φ(x), not the tanh approximation (Hendrycks & Gimpel 2016)."""
    return x * normal_cdf(x)


def gelu_slope(x: Array) -> Array:
    """Φ(x) + x φ(x), φ the normal density."""
    return normal_cdf(x) + x * np.exp(-0.5 * x * x) * math.sqrt(0.5 / math.pi)


def _gelu_tanh_inner(x: Array) -> Array:
    inner: Array = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return inner


def gelu_tanh(x: Array) -> Array:
    """x (1 + tanh u) / 2, u = √(2/π) (x + 0.044715 x³) (Hendrycks & Gimpel 2016)."""
    y: Array = 0.5 * x * (1 + np.tanh(_gelu_tanh_inner(x)))
    return y


def gelu_tanh_slope(x: Array) -> Array:
    """(1 + tanh u) / 2 + x (1 - tanh² u) u' / 2."""
    t = np.tanh(_gelu_tanh_inner(x))
    inner_slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
    slope: Array = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner_slope
    return slope


def silu(x: Array) -> Array:
    """x σ(x)."""
    return x * sigmoid(x)


def silu_slope(x: Array) -> Array:
    """σ(x) (1 + x σ(-x))."""
    return sigmoid(x) * (1 + x * sigmoid(-x))


def softplus(x: Array) -> Array:
    """log(1 + e^x)."""
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


def mish(x: Array) -> Array:
    """x tanh(softplus(x)) (Misra 2019)."""
    return x * np.tanh(softplus(x))


def mish_slope(x: Array) -> Array:
    """t + x σ(x) (1 - t²), t = tanh(softplus(x))."""
    t: Array = np.tanh(softplus(x))
    return t + x * sigmoid(x) * (1 - t * t)


def softsign(x: Array) -> Array:
    """x / (1 + |x|)."""
    return x / (1 + abs(x))


def softsign_slope(x: Array) -> Array:
    """1 / (1 + |x|)²."""
    return 1 / (1 + abs(x)) ** 2


def exponential(x: Array) -> Array:
    """e^x."""
    return np.exp(x)


def log_sigmoid(x: Array) -> Array:
    """log σ(x) = -softplus(-x)."""
    return -softplus(-x)


def log_sigmoid_slope(x: Array) -> Array:
    """σ(-x)."""
    return sigmoid(-x)


def hard_sigmoid(x: Array) -> Array:
    """min(max(x / 6 + 1/2, 0), 1)."""
    return np.clip(x + 3, 0, 6) / 6


def hard_sigmoid_slope(x: Array) -> Array:
    """1/6 where |x| < 3."""
    return _inside(x, -3, 3) / 6


def hard_sigmoid_keras2(x: Array) -> Array:
    """min(max(x / 5 + 1/2, 0), 1): what Keras 1 and 2 call hard_sigmoid."""
    return np.clip(x + x.dtype.type(2.5), 0, 5) / 5


def hard_sigmoid_keras2_slope(x: Array) -> Array:
    """1/5 where |x| < 5/2."""
    return _inside(x, -2.5, 2.5) / 5


def hard_silu(x: Array) -> Array:
    """x hard_sigmoid(x), also called hard swish."""
    return x * hard_sigmoid(x)


def hard_silu_slope(x: Array) -> Array:
    """0 below -3, (2x + 3) / 6 between, 1 above 3."""
    return hard_sigmoid(x) + x * hard_sigmoid_slope(x)


def hard_tanh(x: Array) -> Array:
    """min(max(x, -1), 1)."""
    return np.clip(x, -1, 1)


def hard_tanh_slope(x: Array) -> Array:
    """[|x| < 1]."""
    return _inside(x, -1, 1)


def tanh_shrink(x: Array) -> Array:
    """x - tanh x."""
    return x - np.tanh(x)


def tanh_shrink_slope(x: Array) -> Array:
    """tanh² x."""
    return np.tanh(x) ** 2


def soft_shrink(x: Array) -> Array:
    """x moved towards zero by 0.5, zero within."""
    return x - np.clip(x, -SHRINK_THRESHOLD, SHRINK_THRESHOLD)


def hard_shrink(x: Array) -> Array:
    """x where |x| > 0.5, else zero."""
    return np.where(abs(x) <= SHRINK_THRESHOLD, np.zeros_like(x), x)


def shrink_slope(x: Array) -> Array:
    """[|x| > 0.5], for both shrinks."""
    return (abs(x) > SHRINK_THRESHOLD).astype(x.dtype)


def squareplus(x: Array) -> Array:
    """(x + √(x² + 4)) / 2 (Barron 2021)."""
    return (x + np.sqrt(x * x + SQUAREPLUS_B)) / 2


def squareplus_slope(x: Array) -> Array:
    """(1 + x / √(x² + 4)) / 2."""
    return (1 + x / np.sqrt(x * x + SQUAREPLUS_B)) / 2


def sparse_plus(x: Array) -> Array:
    """0 for x ≤ -1, (x + 1)² / 4 up to 1, x above (Martins & Astudillo 2016's sparse family)."""
    return np.where(x >= 1, x, np.where(x <= -1, np.zeros_like(x), (x + 1) ** 2 / 4))


def sparse_plus_slope(x: Array) -> Array:
    """1 above 1, (x + 1) / 2 within, 0 below."""
    return np.where(x >= 1, np.ones_like(x), np.where(x <= -1, np.zeros_like(x), (x + 1) / 2))


def sparse_sigmoid(x: Array) -> Array:
    """clip((x + 1) / 2, 0, 1)."""
    return np.clip((x + 1) / 2, 0, 1)


def sparse_sigmoid_slope(x: Array) -> Array:
    """1/2 for |x| < 1, else 0."""
    return np.where(abs(x) < 1, np.full_like(x, 0.5), np.zeros_like(x))


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(linear, linear_slope),
    "tanh": Activation(tanh, tanh_slope),
    "sigmoid": Activation(sigmoid, sigmoid_slope),
    "relu": Activation(relu, relu_slope),
    "relu6": Activation(relu6, relu6_slope),
    "leaky_relu": Activation(leaky_relu, leaky_relu_slope),
    "elu": Activation(elu, elu_slope),
    "selu": Activation(selu, selu_slope),
    "celu": Activation(elu, elu_slope),  # Barron 2017: the same at α = 1
    "gelu": Activation(gelu, gelu_slope),
    "gelu_tanh": Activation(gelu_tanh, gelu_tanh_slope),
    "silu": Activation(silu, silu_slope),
    "mish": Activation(mish, mish_slope),
    "softplus": Activation(softplus, sigmoid),
    "softsign": Activation(softsign, softsign_slope),
    "exponential": Activation(exponential, exponential),
    "log_sigmoid": Activation(log_sigmoid, log_sigmoid_slope),
    "hard_sigmoid": Activation(hard_sigmoid, hard_sigmoid_slope),
    "hard_sigmoid_keras2": Activation(hard_sigmoid_keras2, hard_sigmoid_keras2_slope),
    "hard_silu": Activation(hard_silu, hard_silu_slope),
    "hard_tanh": Activation(hard_tanh, hard_tanh_slope),
    "tanh_shrink": Activation(tanh_shrink, tanh_shrink_slope),
    "soft_shrink": Activation(soft_shrink, shrink_slope),
    "hard_shrink": Activation(hard_shrink, shrink_slope),
    "squareplus": Activation(squareplus, squareplus_slope),
    "sparse_plus": Activation(sparse_plus, sparse_plus_slope),
    "sparse_sigmoid": Activation(sparse_sigmoid, sparse_sigmoid_slope),
}


def activation(name: str) -> Activation:
    """The activation called ``name``.

    Raises:
        ValueError: ``name`` is none of ``ACTIVATIONS``.
    """
    try:
        return ACTIVATIONS[name]
    except KeyError:
        raise ValueError(
            f"activation must be one of {', '.join(ACTIVATIONS)}, not {name!r}"
        ) from None


def activation_forward(name: str, x: Array) -> Array:
    """``activation(name)`` of every element of ``x``."""
    return activation(name).value(x)


def activation_backward(name: str, x: Array, dy: Array) -> Array:
    """The gradient of ``x`` given the gradient ``dy`` of ``activation_forward(name, x)``."""
    return dy * activation(name).slope(x)

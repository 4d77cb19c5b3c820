"""Activations, dropout and embedding on the compiled kernels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import _core
from ..autograd import Array, Tensor, as_array, as_tensor, record
from .broadcast import normalize_axes
from .rows import Rows

__all__ = [
    "celu",
    "dropout",
    "dropout_mask",
    "elu",
    "embedding",
    "exponential",
    "gelu",
    "gelu_tanh",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_sigmoid_keras2",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "spatial_dropout1d",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]


def _contiguous(x: Any) -> Array:
    return np.ascontiguousarray(x, np.float32)


def _compiled(name: str, doc: str) -> Callable[[Any], Tensor]:
    def activation(x: Any) -> Tensor:
        t = as_tensor(x, "float32")
        v = _contiguous(t._value)
        return record(
            _core.activation_forward(name, v).reshape(t.shape),
            (t,),
            lambda dy: (_core.activation_backward(name, v, _contiguous(dy)).reshape(t.shape),),
        )

    activation.__name__ = activation.__qualname__ = name
    activation.__doc__ = doc
    return activation


tanh = _compiled("tanh", "The hyperbolic tangent.")
relu6 = _compiled("relu6", "min(max(x, 0), 6)")
selu = _compiled("selu", "Scaled exponential linear unit (Klambauer et al. 2017).")
silu = _compiled("silu", "x * sigmoid(x)")
mish = _compiled("mish", "x * tanh(softplus(x)) (Misra 2019).")
softplus = _compiled("softplus", "log(1 + e^x)")
softsign = _compiled("softsign", "x / (1 + |x|)")
exponential = _compiled("exponential", "e^x")
log_sigmoid = _compiled("log_sigmoid", "log(1 / (1 + e^-x))")
hard_sigmoid = _compiled("hard_sigmoid", "clip(x / 6 + 0.5, 0, 1)")
hard_sigmoid_keras2 = _compiled(
    "hard_sigmoid_keras2",
    "clip(0.2x + 0.5, 0, 1): what Keras 1 and 2 call hard_sigmoid, as their files mean it.",
)
gelu_tanh = _compiled(
    "gelu_tanh", "The tanh form of gelu: what ``gelu(x, approximate=True)`` computes."
)
hard_silu = _compiled("hard_silu", "x * hard_sigmoid(x)")
hard_tanh = _compiled("hard_tanh", "clip(x, -1, 1)")
sparse_plus = _compiled("sparse_plus", "0 below -1, (x + 1)² / 4 up to 1, x above")
sparse_sigmoid = _compiled("sparse_sigmoid", "clip((x + 1) / 2, 0, 1)")
tanh_shrink = _compiled("tanh_shrink", "x - tanh(x)")
swish, hard_swish = silu, hard_silu

_relu = _compiled("relu", "")
_elu = _compiled("elu", "")
_gelu = _compiled("gelu", "")
_sigmoid = _compiled("sigmoid", "")
_leaky_relu = _compiled("leaky_relu", "")
_squareplus = _compiled("squareplus", "")
_soft_shrink = _compiled("soft_shrink", "")
_hard_shrink = _compiled("hard_shrink", "")


def linear(x: Any) -> Tensor:
    """x itself."""
    return as_tensor(x)


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """max(x, 0); with arguments: negative_slope * (x - threshold) below the threshold, at most
    max_value."""
    if negative_slope == 0.0 and max_value is None and threshold == 0.0:
        return _relu(x)
    t = as_tensor(x, "float32")
    v = t._value
    above = v >= threshold
    y = np.where(above, v, np.float32(negative_slope) * (v - np.float32(threshold)))
    slope = np.where(above, np.float32(1), np.float32(negative_slope))
    if max_value is not None:
        slope = np.where(y < max_value, slope, np.float32(0))
        y = np.minimum(y, np.float32(max_value))
    return record(y, (t,), lambda dy: (dy * slope,))


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """x, times negative_slope below zero."""
    return _leaky_relu(x) if negative_slope == 0.2 else relu(x, negative_slope)


def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x, alpha * (e^x - 1) below zero (Clevert et al. 2016)."""
    if alpha == 1.0:
        return _elu(x)
    t = as_tensor(x, "float32")
    v = t._value
    tail = np.float32(alpha) * np.expm1(np.minimum(v, 0))
    y = np.where(v > 0, v, tail)
    return record(y, (t,), lambda dy: (dy * np.where(v > 0, 1, tail + np.float32(alpha)),))


def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """x, alpha * (e^(x / alpha) - 1) below zero (Barron 2017)."""
    from .math import divide, multiply

    return _elu(x) if alpha == 1.0 else multiply(_elu(divide(x, alpha)), alpha)


def gelu(x: Any, approximate: bool = True) -> Tensor:
    """x * Φ(x) with Φ the normal distribution (Hendrycks & Gimpel 2016), or its tanh form.

    The tanh form where nothing is said, as in Keras; ``activations.gelu`` is exact.
    """
    return gelu_tanh(x) if approximate else _gelu(x)


def squareplus(x: Any, b: float = 4.0) -> Tensor:
    """(x + sqrt(x² + b)) / 2 (Barron 2021)."""
    if b == 4.0:
        return _squareplus(x)
    from .math import add, multiply, sqrt, square

    return multiply(add(x, sqrt(add(square(x), b))), 0.5)


def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x moved towards zero by the threshold, zero within it."""
    if threshold == 0.5:
        return _soft_shrink(x)
    from .math import subtract

    return subtract(relu(subtract(x, threshold)), relu(subtract(-as_tensor(x), threshold)))


def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x outside of [-threshold, threshold], zero within it."""
    if threshold == 0.5:
        return _hard_shrink(x)
    t = as_tensor(x, "float32")
    outside = np.abs(t._value) > threshold
    return record(t._value * outside, (t,), lambda dy: (dy * outside,))


def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """x above the threshold, ``default_value`` elsewhere."""
    t = as_tensor(x, "float32")
    above = t._value > threshold
    y = np.where(above, t._value, np.float32(default_value))
    return record(y, (t,), lambda dy: (dy * above,))


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + e^-x). The result carries x as its logits, for a stable cross-entropy."""
    t = as_tensor(x, "float32")
    y = _sigmoid(t)
    y._logits = t
    return y


def glu(x: Any, axis: int = -1) -> Tensor:
    """The first half times the sigmoid of the second (Dauphin et al. 2017)."""
    from .math import multiply
    from .shape import split

    first, second = split(x, 2, axis)
    return multiply(first, _sigmoid(second))


def softmax(x: Any, axis: int | Sequence[int] = -1) -> Tensor:
    """e^x / sum(e^x) over an axis, or several together.

    The result carries x as its logits when the axis is the last, for a stable cross-entropy.

    Raises:
        ValueError: x has no axis, or no value along one of them.
    """
    t = as_tensor(x, "float32")
    if t.ndim == 0:
        raise ValueError("x must have at least one axis, not be a number")
    axes = normalize_axes(axis, t.ndim)
    if math.prod(t.shape[a] for a in axes) == 0:
        raise ValueError(f"x must have at least one value along axis {axis}, not shape {t.shape}")
    rows = Rows(t.shape, axes)
    y = _core.softmax_forward(rows.flat(t._value))

    def vjp(dy: Array) -> tuple[Array]:
        return (rows.back(_core.softmax_backward(y, rows.flat(dy))),)

    out = record(rows.back(y), (t,), vjp)
    if axes == (t.ndim - 1,):
        out._logits = t
    return out


def log_softmax(x: Any, axis: int | Sequence[int] = -1) -> Tensor:
    """log(softmax(x)) without underflow."""
    from .math import subtract
    from .reduce import logsumexp

    return subtract(x, logsumexp(x, axis, keepdims=True))


def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The probabilities nearest to x along an axis, many zero (Martins & Astudillo 2016)."""
    t = as_tensor(x, "float32")
    v = np.moveaxis(t._value, axis, -1)
    v = v - v.max(-1, keepdims=True)  # the same answer, and sums of small numbers
    falling = -np.sort(-v, axis=-1)
    sums = np.cumsum(falling, axis=-1)
    kept = (1 + falling * np.arange(1, v.shape[-1] + 1) > sums).sum(-1, keepdims=True).clip(1)
    limit = (np.take_along_axis(sums, kept - 1, -1) - 1) / kept
    y = np.maximum(v - limit, 0).astype(np.float32)

    def vjp(dy: Array) -> tuple[Array]:
        rows = np.moveaxis(dy, axis, -1) * (y > 0)
        mean = (rows.sum(-1, keepdims=True) / kept).astype(np.float32)
        return (np.moveaxis(rows - mean * (y > 0), -1, axis),)

    return record(np.moveaxis(y, -1, axis), (t,), vjp)


def dropout_mask(shape: Sequence[int], rate: float, seed: int) -> Tensor:
    """Factors that drop: zero with probability ``rate``, else 1 / (1 - rate)."""
    return as_tensor(_core.dropout_mask(tuple(shape), rate, seed))


def dropout(
    inputs: Any,
    rate: float,
    noise_shape: Sequence[int | None] | None = None,
    seed: int | None = None,
) -> Tensor:
    """Sets a share ``rate`` of the inputs to zero and scales the others by 1 / (1 - rate).

    Args:
        inputs: (...) float32.
        rate: in [0, 1).
        noise_shape: shape of the mask, broadcast against the inputs; a None in it stands for the
            size of the inputs along that axis.
        seed: integer that decides the mask; the next of the global stream by default.

    Raises:
        ValueError: ``rate`` is out of range, or ``noise_shape`` has another number of axes.
    """
    t = as_tensor(inputs, "float32")
    if seed is None:
        from ..random import next_seed

        seed = next_seed()
    if noise_shape is not None:
        from .math import multiply

        if len(noise_shape) != t.ndim:
            raise ValueError(
                f"noise_shape must have one entry per axis of the inputs ({t.ndim}), "
                f"not {tuple(noise_shape)}"
            )
        sizes = [n if m is None else m for m, n in zip(noise_shape, t.shape, strict=True)]
        return multiply(t, dropout_mask(sizes, rate, seed))
    shape = t.shape

    def masked(v: Array) -> Array:  # a function of seed and position: the same call masks dy
        y: Array = _core.dropout(_contiguous(v), rate, seed)
        return y.reshape(shape)

    return record(masked(t._value), (t,), lambda dy: (masked(dy),))


def spatial_dropout1d(inputs: Any, rate: float, seed: int) -> Tensor:
    """Dropout of whole features: one mask (batch, 1, features) for (batch, time, features)."""
    t = as_tensor(inputs, "float32")
    return record(
        _core.spatial_dropout(_contiguous(t._value), rate, seed),
        (t,),
        lambda dy: (_core.spatial_dropout(_contiguous(dy), rate, seed),),
    )


def embedding(table: Any, ids: Any) -> Tensor:
    """The rows of a table (rows, features) at ids (...): (..., features).

    Ids may be integers of any kind, or floats that hold whole numbers.

    Raises:
        ValueError: an id is not in [0, rows), or not a whole number; the message gives it and its
            position in the flattened ids. Or the table does not have two axes.
    """
    t = as_tensor(table, "float32")
    if t.ndim != 2:
        raise ValueError(f"table must have shape (rows, features), not {t.shape}")
    index = row_numbers(as_array(ids), t.shape[0])
    rows, shape = t.shape[0], t.shape[1:]
    flat = index.reshape(-1)  # a copy: the caller may change the ids before the gradient is wanted
    value = _core.embedding_forward(np.ascontiguousarray(t._value), flat)
    return record(
        value.reshape(index.shape + shape),
        (t,),
        lambda dy: (
            _core.embedding_backward(flat, _contiguous(dy).reshape(flat.shape + shape), rows),
        ),
    )


def row_numbers(ids: Array, rows: int) -> Array:
    """A copy of the ids as int32 or int64, the types of the kernel."""
    if ids.dtype == np.int32 or ids.dtype == np.int64:
        return np.array(ids, order="C")
    if ids.dtype.kind == "f" or ids.dtype == np.uint64:  # not all of these are int64
        bad = ~((ids >= 0) & (ids < rows))
        rule = f"be in [0, {rows})"
        if ids.dtype.kind == "f":
            broken = ids != np.floor(ids)
            broken |= ~np.isfinite(ids)
            if broken.any():
                bad, rule = broken, "be whole numbers"
        if bad.any():
            at = int(np.argmax(bad))
            raise ValueError(
                f"embedding ids must {rule}, not {ids.reshape(-1)[at]} at position {at}"
            )
    return np.array(ids, np.int64, order="C")

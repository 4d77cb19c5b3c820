"""Normalizations: over the values of each sample, and over the batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import _core
from ..autograd import Array, Tensor, as_array, as_tensor, needs_gradient, record
from .broadcast import normalize_axes, normalize_axis
from .math import abs as absolute
from .math import (
    divide,
    maximum,
    minimum,
    multiply,
    power,
    reciprocal,
    rsqrt,
    square,
    subtract,
    where,
)
from .reduce import mean, sum, var
from .rows import Rows
from .shape import reshape

__all__ = [
    "BatchStatistics",
    "batch_normalization",
    "layer_normalization",
    "moments",
    "normalize",
    "normalize_batch",
    "rms_normalization",
]

EPSILON = 1e-7  # where no other is given, as Keras does

Axis = int | Sequence[int]


def moments(x: Any, axes: Axis, keepdims: bool = False) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes."""
    return mean(x, axes, keepdims), var(x, axes, keepdims)


def normalize(
    x: Any, axis: Axis | None = -1, order: int = 2, epsilon: float | None = None
) -> Tensor:
    """x over its norm along an axis, the norm taken as ``epsilon`` where it is smaller.

    Args:
        x: (...) float32.
        axis: one or several; None for all.
        order: 2 for the Euclidean norm, or another whole number.
        epsilon: 1e-7 by default.

    Raises:
        ValueError: if ``order`` is no positive whole number.
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order must be a positive integer, not {order!r}")
    least = EPSILON if epsilon is None else epsilon
    t = as_tensor(x, "float32")
    if order == 2:
        inverse = rsqrt(sum(square(t), axis=axis, keepdims=True))
        return multiply(t, minimum(inverse, 1.0 / least))
    norm = power(sum(power(absolute(t), order), axis=axis, keepdims=True), 1.0 / order)
    return multiply(t, reciprocal(maximum(norm, least)))


def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Axis = -1, epsilon: float | None = None
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta over axes (Ba et al. 2016).

    Args:
        x: (...) float32.
        gamma, beta: as many values as x has along the axes, in the order in which x has them; or
            None.
        axis: the axis or axes over which mean and variance are taken.
        epsilon: 1e-7 by default.

    Raises:
        ValueError: if a shape does not fit, or there is no value along the axes.
    """
    return _normalize_rows(x, gamma, beta, axis, epsilon, centered=True)


def rms_normalization(
    x: Any, scale: Any = None, axis: Axis = -1, epsilon: float | None = None
) -> Tensor:
    """x / sqrt(mean(x²) + epsilon) * scale over axes (Zhang & Sennrich 2019).

    Arguments and errors as those of ``layer_normalization``.
    """
    return _normalize_rows(x, scale, None, axis, epsilon, centered=False)


def _normalize_rows(
    x: Any, gamma: Any, beta: Any, axis: Axis, epsilon: float | None, centered: bool
) -> Tensor:
    t = as_tensor(x, "float32")
    axes = tuple(sorted(normalize_axes(axis, t.ndim)))
    sizes = tuple(t.shape[a] for a in axes)
    if 0 in sizes:
        raise ValueError(f"x must have at least one value along axis {axis}, not shape {t.shape}")
    scale, scale_value = _weight("gamma" if centered else "scale", gamma, sizes)
    shift, shift_value = _weight("beta", beta, sizes)
    rows = Rows(t.shape, axes)
    flat = rows.flat(t._value)
    y, center, rstd = _core.row_norm_forward(
        flat, scale_value, shift_value, EPSILON if epsilon is None else epsilon, centered
    )

    def vjp(dy: Array) -> list[Array | None]:
        need_dx = needs_gradient(t)
        need_weights = any(w is not None and needs_gradient(w) for w in (scale, shift))
        dx, dscale, dshift = _core.row_norm_backward(
            flat, scale_value, center, rstd, rows.flat(dy), need_dx, need_weights
        )
        found = [None if dx is None else rows.back(dx)]
        for weight, gradient in ((scale, dscale), (shift, dshift)):
            if weight is not None:
                found.append(None if gradient is None else gradient.reshape(weight.shape))
        return found

    return record(rows.back(y), [w for w in (t, scale, shift) if w is not None], vjp)


def _weight(name: str, weight: Any, sizes: tuple[int, ...]) -> tuple[Tensor | None, Array | None]:
    """The weight as a Tensor, and its values in a row."""
    if weight is None:
        return None, None
    t = as_tensor(weight, "float32")
    if math.prod(t.shape) != math.prod(sizes):
        raise ValueError(f"{name} must have shape {sizes}, not {t.shape}")
    return t, np.ascontiguousarray(t._value).reshape(-1)


class BatchStatistics(NamedTuple):
    """What ``normalize_batch`` found: each (channels,)."""

    mean: Array
    variance: Array


def normalize_batch(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: int = -1,
    epsilon: float = 1e-3,
    mask: Any = None,
) -> tuple[Tensor, BatchStatistics]:
    """x normalized by mean and variance of its own channels (Ioffe & Szegedy 2015).

    Args:
        x: (...) float32.
        gamma, beta: (channels,) each, or None.
        axis: the axis of the channels.
        epsilon: added to the variance.
        mask: (...) without the last axis: where it is false, x does not count in mean and
            variance. Outputs there are computed all the same.

    Returns:
        The result, and the statistics, which carry no gradient.
    """
    t = as_tensor(x, "float32")
    channel = normalize_axis(axis, t.ndim)
    if mask is not None and channel != t.ndim - 1:
        return _normalize_masked_batch(t, gamma, beta, channel, epsilon, mask)
    rows = Rows(t.shape, (channel,))
    flat = rows.flat(t._value)
    kept: Array | None = None
    divisor = float(max(len(flat), 1))
    if mask is not None:
        kept = np.ascontiguousarray(as_array(mask), bool).reshape(-1)
        if kept.size != len(flat):
            raise ValueError(
                f"mask must have one entry for each of {len(flat)} rows of x, "
                f"not shape {as_array(mask).shape}"
            )
        divisor = float(kept.sum()) + EPSILON
    center, variance = _core.column_moments(flat, kept, divisor)
    y = _normalize_columns(t, rows, flat, (center, variance), gamma, beta, epsilon, kept, divisor)
    return y, BatchStatistics(center, variance)


def _normalize_masked_batch(
    t: Tensor, gamma: Any, beta: Any, channel: int, epsilon: float, mask: Any
) -> tuple[Tensor, BatchStatistics]:
    """``normalize_batch`` where the mask runs along the channels, each then of its own count."""
    kept = np.broadcast_to(as_array(mask).astype(bool)[..., None], t.shape)
    others = [a for a in range(t.ndim) if a != channel]
    count = kept.sum(axis=tuple(others), keepdims=True).astype(np.float32) + np.float32(EPSILON)
    center = divide(sum(where(kept, t, 0.0), others, keepdims=True), count)
    square_sum = sum(where(kept, square(subtract(t, center)), 0.0), others, keepdims=True)
    size = (t.shape[channel],)
    mean, variance = reshape(center, size), reshape(divide(square_sum, count), size)
    y = batch_normalization(t, mean, variance, channel, beta, gamma, epsilon)
    return y, BatchStatistics(mean.numpy(), variance.numpy())


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, statistics given.

    Args:
        x: (...) float32.
        mean, variance: (channels,) each.
        axis: the axis of the channels.
        offset, scale: (channels,) each, or None.
        epsilon: added to the variance.
    """
    t = as_tensor(x, "float32")
    rows = Rows(t.shape, (normalize_axis(axis, t.ndim),))
    given = as_tensor(mean, "float32"), as_tensor(variance, "float32")
    return _normalize_columns(
        t, rows, rows.flat(t._value), given, scale, offset, epsilon, None, 0.0
    )


def _normalize_columns(
    t: Tensor,
    rows: Rows,
    flat: Array,
    statistics: tuple[Any, Any],
    gamma: Any,
    beta: Any,
    epsilon: float,
    mask: Array | None,
    divisor: float,
) -> Tensor:
    sizes = (rows.size,)
    center, variance = (_weight("mean", s, sizes)[0] for s in statistics)
    assert center is not None
    assert variance is not None
    scale, scale_value = _weight("gamma", gamma, sizes)
    shift, shift_value = _weight("beta", beta, sizes)
    middle = np.ascontiguousarray(center._value)
    rstd: Array = np.float32(1) / np.sqrt(variance._value + np.float32(epsilon))
    factor = rstd if scale_value is None else rstd * scale_value
    offset = np.zeros(sizes, np.float32) if shift_value is None else shift_value
    y = _core.column_norm_forward(flat, middle, factor, offset)
    inputs = [t, center, variance, *(w for w in (scale, shift) if w is not None)]

    def vjp(dy: Array) -> list[Array | None]:
        dx, dgamma, dbeta = _core.column_norm_backward(
            flat, middle, rstd, scale_value, mask, divisor, rows.flat(dy), needs_gradient(t)
        )
        found = [None if dx is None else rows.back(dx)]
        found += [-factor * dbeta, np.float32(-0.5) * rstd * factor * dgamma]
        found += [] if scale is None else [dgamma]
        return found if shift is None else [*found, dbeta]

    return record(rows.back(y), inputs, vjp)

"""Reductions over axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd import Array, Tensor, as_array, as_tensor, record, wrap
from .broadcast import normalize_axes, normalize_axis

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cumsum",
    "logsumexp",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]

Axis = int | Sequence[int] | None
_quiet = np.errstate(all="ignore")  # IEEE results, see math.py


def _spread(reduced: Array, shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> Array:
    """A reduced array back over the axes it was reduced along."""
    if not keepdims:
        reduced = reduced.reshape([1 if i in axes else n for i, n in enumerate(shape)])
    if reduced.shape == shape:
        return reduced
    return _filled(shape, reduced)


def _filled(shape: tuple[int, ...], value: Array) -> Array:
    """A new array of that shape that holds the value, or one it can be broadcast to."""
    filled = np.empty(shape, value.dtype)
    filled[...] = value
    return filled


@_quiet
def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum over ``axis``, all axes by default."""
    t = as_tensor(x)
    axes = normalize_axes(axis, t.ndim)
    shape = t.shape
    value = t._value.sum(axis=axes, keepdims=keepdims)
    return record(value, (t,), lambda dy: (_spread(dy, shape, axes, keepdims),))


@_quiet
def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean over ``axis``; of nothing it is NaN."""
    t = as_tensor(x)
    v = t._value if t._value.dtype.kind == "f" else t._value.astype(np.float32)
    shape = v.shape
    if axis is None and not keepdims:  # a loss: the commonest use
        count = v.dtype.type(v.size)
        return record(v.sum() / count, (t,), lambda dy: (_filled(shape, dy / count),))
    axes = normalize_axes(axis, t.ndim)
    size = math.prod([shape[a] for a in axes])
    if size == 1:  # nothing to add up; a copy, as a variable's array is written to in place
        kept = shape if keepdims else [n for i, n in enumerate(shape) if i not in axes]
        return record(v.reshape(kept).copy(), (t,), lambda dy: (dy.reshape(shape),))
    count = v.dtype.type(size)
    value = v.sum(axis=axes, keepdims=keepdims) / count
    return record(value, (t,), lambda dy: (_spread(dy / count, shape, axes, keepdims),))


def var(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean squared deviation from the mean."""
    from .math import square, subtract

    return mean(square(subtract(x, mean(x, axis, keepdims=True))), axis, keepdims)


def std(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The square root of the variance."""
    from .math import sqrt

    return sqrt(var(x, axis, keepdims))


@_quiet
def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The product over ``axis``."""
    t = as_tensor(x)
    axes = normalize_axes(axis, t.ndim)
    value = np.prod(t._value, axis=axes, keepdims=keepdims)

    def vjp(dy: Array) -> tuple[Array]:
        # The product of the others, exact even where some are zero.
        moved = np.moveaxis(t._value, axes, range(len(axes)))
        flat = moved.reshape(-1, *moved.shape[len(axes) :])
        ones = np.ones((1, *flat.shape[1:]), flat.dtype)
        before = np.cumprod(np.concatenate([ones, flat[:-1]]), axis=0)
        after = np.cumprod(np.concatenate([ones, flat[:0:-1]]), axis=0)[::-1]
        others = np.moveaxis((before * after).reshape(moved.shape), range(len(axes)), axes)
        return (_spread(dy, t.shape, axes, keepdims) * others,)

    return record(value, (t,), vjp)


def _extreme(x: Any, axis: Axis, keepdims: bool, function: Any) -> Tensor:
    t = as_tensor(x)
    axes = normalize_axes(axis, t.ndim)
    for a in axes:
        if t.shape[a] == 0:
            raise ValueError(f"x must not be empty along axis {a}, not of shape {t.shape}")
    value = function(t._value, axis=axes, keepdims=keepdims)

    def vjp(dy: Array) -> tuple[Array]:
        hit = t._value == _spread(value, t.shape, axes, keepdims)
        share = hit / np.maximum(hit.sum(axis=axes, keepdims=True), 1)
        return ((_spread(dy, t.shape, axes, keepdims) * share).astype(dy.dtype),)

    return record(value, (t,), vjp)


def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest value; several largest share the gradient."""
    return _extreme(x, axis, keepdims, np.max)


def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest value; several smallest share the gradient."""
    return _extreme(x, axis, keepdims, np.min)


@_quiet
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) without overflow."""
    t = as_tensor(x, "float32")
    axes = normalize_axes(axis, t.ndim)
    v, shape = t._value, t.shape
    top = v.max(axis=axes, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(top), top, np.float32(0))
    kept = np.log(np.exp(v - shift).sum(axis=axes, keepdims=True)) + shift
    value = kept if keepdims else kept.reshape([n for i, n in enumerate(shape) if i not in axes])
    return record(value, (t,), lambda dy: (_spread(dy, shape, axes, keepdims) * np.exp(v - kept),))


def cumsum(x: Any, axis: int | None = None) -> Tensor:
    """The running sum along an axis, or over the flattened array."""
    t = as_tensor(x)
    if axis is None:
        return cumsum(t.reshape(-1), 0)
    axis = normalize_axis(axis, t.ndim)
    return record(
        np.cumsum(t._value, axis=axis),
        (t,),
        lambda dy: (np.flip(np.cumsum(np.flip(dy, axis), axis=axis), axis),),
    )


def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the largest value, the first of several."""
    return wrap(np.argmax(as_array(x), axis=axis, keepdims=keepdims))


def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The index of the smallest value, the first of several."""
    return wrap(np.argmin(as_array(x), axis=axis, keepdims=keepdims))


def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether some value is true."""
    array = as_array(x)
    return wrap(np.any(array, normalize_axes(axis, array.ndim), keepdims=keepdims))


def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether every value is true."""
    array = as_array(x)
    return wrap(np.all(array, normalize_axes(axis, array.ndim), keepdims=keepdims))


def count_nonzero(x: Any, axis: Axis = None) -> Tensor:
    """How many values are not zero."""
    array = as_array(x)
    return wrap(np.asarray(np.count_nonzero(array, axis=normalize_axes(axis, array.ndim))))

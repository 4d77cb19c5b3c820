"""Undoing NumPy's broadcasting in a vector-Jacobian product, and reading axis arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd import Array, Tensor, as_tensor, wrap

__all__ = ["binary_operands", "normalize_axes", "normalize_axis", "sum_to"]


def sum_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sums a gradient over the axes along which a value of ``shape`` was repeated."""
    if gradient.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, size in enumerate(shape) if size == 1 and gradient.shape[i + extra] != 1
    )
    summed: Array = gradient.sum(axis=axes, keepdims=True)
    return summed.reshape(shape)


def binary_operands(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Both as Tensors of one dtype where either is floating-point.

    A Python number takes the other's dtype and never widens it; integers beside floats become
    floats of that type.
    """
    if type(a) is float or type(a) is int:
        b = as_tensor(b)
        a = _beside(a, b)
    else:
        a = as_tensor(a)
        b = _beside(b, a)
    x, y = a._value.dtype, b._value.dtype
    if x is y or (x.kind != "f" and y.kind != "f"):
        return a, b
    wider = (x if y.kind != "f" else y) if x.kind != y.kind else np.promote_types(x, y)
    return as_tensor(a, wider), as_tensor(b, wider)


def _beside(x: Any, other: Tensor) -> Tensor:
    """``x`` as a Tensor; if it is a number, of the dtype of ``other`` where that can hold it."""
    if type(x) is float or type(x) is int:
        dtype = other._value.dtype
        if dtype.kind == "f" or (type(x) is int and dtype.kind != "b"):
            return wrap(np.asarray(x, dtype))
    return as_tensor(x)


def normalize_axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Non-negative axes; all of them for None.

    Raises:
        ValueError: an axis is out of range or named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    axes = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    for a in axes:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis must be in [{-ndim}, {ndim}), not {a}")
    found = tuple(int(a) % ndim for a in axes)
    if len(set(found)) < len(found):
        raise ValueError(f"axis must name each axis once, not {axes}")
    return found


def normalize_axis(axis: int, ndim: int) -> int:
    """One axis, counted from the first. Raises ValueError for one out of range."""
    return normalize_axes(axis, ndim)[0]

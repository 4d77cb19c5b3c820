"""Undoing NumPy's broadcasting in a vector-Jacobian product, and reading axis arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["binary_operands", "normalize_axes", "sum_to"]

from ..autograd import Tensor, as_tensor


def sum_to(gradient: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sums a gradient over the axes along which a value of ``shape`` was repeated."""
    if gradient.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, size in enumerate(shape) if size == 1 and gradient.shape[i + extra] != 1
    )
    return gradient.sum(axis=axes, keepdims=True).reshape(shape) if axes else gradient


def binary_operands(a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Both as Tensors. A Python number takes the other's dtype, so that it never widens it."""
    if isinstance(a, Tensor):
        if isinstance(b, (int, float)) and not isinstance(b, bool):
            return a, as_tensor(np.asarray(b, _number_dtype(b, a)))
        return a, as_tensor(b)
    if isinstance(a, (int, float)) and not isinstance(a, bool):
        b = as_tensor(b)
        return as_tensor(np.asarray(a, _number_dtype(a, b))), b
    return binary_operands(as_tensor(a), b)


def _number_dtype(number: float, other: Tensor) -> Any:
    dtype = other._value.dtype
    if isinstance(number, float) and dtype.kind != "f":
        return np.float32
    return np.int64 if dtype.kind == "b" else dtype


def normalize_axes(axis: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Non-negative axes; all of them for None. Raises ValueError for one out of range."""
    if axis is None:
        return tuple(range(ndim))
    axes = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    for a in axes:
        if not -ndim <= a < ndim:
            raise ValueError(f"axis must be in [{-ndim}, {ndim}), not {a}")
    return tuple(int(a) % ndim for a in axes)

"""Labels as one-hot rows, vectors of norm one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import Array, as_array

__all__ = ["normalize", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Array:
    """One-hot rows of class indices.

    Args:
        x: whole numbers (...); a last axis of size one is dropped.
        num_classes: number of classes; one more than the largest index by default.

    Returns:
        (..., num_classes) of float32.

    Raises:
        ValueError: if an index is not in [0, num_classes) or not a whole number.
    """
    given = as_array(x)
    indices = given.astype(np.int64)
    if given.dtype.kind == "f" and not np.array_equal(indices, given):
        raise ValueError("x must hold whole numbers, not fractions")
    if indices.ndim > 1 and indices.shape[-1] == 1:
        indices = indices[..., 0]
    classes = int(indices.max(initial=-1)) + 1 if num_classes is None else int(num_classes)
    wrong = (indices < 0) | (indices >= classes)
    if wrong.any():
        raise ValueError(f"x must hold classes in [0, {classes}), not {indices[wrong][0]}")
    rows = np.zeros((indices.size, classes), np.float32)
    rows[np.arange(indices.size), indices.reshape(-1)] = 1.0
    return rows.reshape(*indices.shape, classes)


def normalize(x: Any, axis: int = -1, order: int = 2) -> Array:
    """The vectors along an axis divided by their norm of an order; zeros stay zeros."""
    array = as_array(x, "float32")
    norms = np.linalg.norm(array, order, axis, keepdims=True)
    return array / np.where(norms == 0, np.float32(1), norms)

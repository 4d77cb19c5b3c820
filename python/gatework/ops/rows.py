"""Axes of a tensor as the columns of a matrix: the form in which kernels that reduce take them."""

from __future__ import annotations

import math

import numpy as np

from ..autograd import Array

__all__ = ["Rows"]


class Rows:
    """Brings arrays of one shape to matrices (rest, size) and back.

    Args:
        shape: the arrays' shape.
        axes: the axes that become the columns, in this order; not negative.
    """

    __slots__ = ("_axes", "_count", "_last", "_moved", "size")

    def __init__(self, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
        self._axes = axes
        self._last = tuple(range(-len(axes), 0))
        rest = [n for i, n in enumerate(shape) if i not in axes]
        self._count = math.prod(rest)
        self._moved = (*rest, *(shape[a] for a in axes))
        self.size = math.prod(shape[a] for a in axes)

    def flat(self, value: Array) -> Array:
        """The matrix, float32 and contiguous; a view where the array lies so already."""
        moved = np.ascontiguousarray(np.moveaxis(value, self._axes, self._last), np.float32)
        return moved.reshape(self._count, self.size)

    def back(self, matrix: Array) -> Array:
        """The array of a matrix."""
        return np.moveaxis(matrix.reshape(self._moved), self._last, self._axes)

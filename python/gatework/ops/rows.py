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

    __slots__ = ("_axes", "_count", "_last", "_moved", "_trailing", "size")

    def __init__(self, shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
        first = len(shape) - len(axes)
        # The usual case: then no axis moves, which small models would feel at every step.
        self._trailing = axes == tuple(range(first, len(shape)))
        self._axes = axes
        if self._trailing:
            self._moved = shape
        else:
            self._last = tuple(range(-len(axes), 0))
            rest = [n for i, n in enumerate(shape) if i not in axes]
            self._moved = (*rest, *(shape[a] for a in axes))
        self._count = math.prod(self._moved[:first])
        self.size = math.prod(self._moved[first:])

    def flat(self, value: Array) -> Array:
        """The matrix, float32 and contiguous; a view where the array lies so already."""
        moved = value if self._trailing else np.moveaxis(value, self._axes, self._last)
        return np.ascontiguousarray(moved, np.float32).reshape(self._count, self.size)

    def back(self, matrix: Array) -> Array:
        """The array of a matrix."""
        moved = matrix.reshape(self._moved)
        return moved if self._trailing else np.moveaxis(moved, self._last, self._axes)

"""Sums of arrays: of gradients that meet, and of what an addition is given."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .convert import FLOAT32
from .tensor import Array

__all__ = ["added", "add_large_arrays_by"]

_LARGE = 1 << 14  # floats; below, a second thread is no help

_large: Callable[[Array, Array], Array] = np.add


def add_large_arrays_by(function: Callable[[Array, Array], Array]) -> None:
    """Says what adds two contiguous float32 arrays of one shape where they are large."""
    global _large
    _large = function


def added(a: Array, b: Array) -> Array:
    """a + b"""
    if (
        a.size >= _LARGE
        and a.dtype is FLOAT32
        and b.dtype is FLOAT32
        and a.shape == b.shape
        and a.flags.c_contiguous
        and b.flags.c_contiguous
    ):
        return _large(a, b)
    return np.add(a, b)

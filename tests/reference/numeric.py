"""Numeric derivatives, the oracle of the reference."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEP = 1e-5
TOLERANCE = 1e-6


def numeric_gradient(f: Callable[[], float], x: Array) -> Array:
    """Central differences of ``f()``, which reads ``x``, with respect to every element of ``x``."""
    gradient = np.empty_like(x)
    for i in np.ndindex(*x.shape):
        centre = x[i]
        x[i] = centre + STEP
        above = f()
        x[i] = centre - STEP
        below = f()
        x[i] = centre
        gradient[i] = (above - below) / (2 * STEP)
    return gradient


def assert_gradient(actual: Array, f: Callable[[], float], x: Array) -> None:
    """``actual`` is the gradient of ``f()`` in ``x`` to a relative error of 1e-6 in norm."""
    expected = numeric_gradient(f, x)
    assert actual.shape == x.shape
    error = float(np.linalg.norm(actual - expected))
    assert error <= TOLERANCE * max(float(np.linalg.norm(expected)), 1e-3)

"""Holding an operation against its formula: values, and gradients against central differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gatework.autograd import GradientTape, Tensor

STEP = 1e-6


def check(
    op: Callable[..., Tensor],
    formula: Callable[..., Any],
    *arrays: Any,
    rtol: float = 1e-4,
    atol: float = 1e-5,
) -> None:
    """Asserts that ``op`` computes ``formula`` and its gradients with respect to every array.

    The formula and its differences are computed in float64 from the float32 values that the
    operation sees; the gradient is that of a randomly weighted sum of the results.
    """
    narrow = [np.asarray(a, np.float32) for a in arrays]
    wide = [a.astype(np.float64) for a in narrow]
    tensors = [Tensor(a) for a in narrow]
    with GradientTape() as tape:
        tape.watch(tensors)
        y = op(*tensors)
    expected = np.asarray(formula(*wide), np.float64)
    assert y.dtype == "float32"
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=rtol, atol=atol)
    weights = np.random.default_rng(y.size).normal(size=y.shape).astype(np.float32)
    found = tape.gradient(y, tensors, output_gradients=weights, unconnected_gradients="zero")
    for i, gradient in enumerate(found):
        assert gradient.dtype == "float32"
        np.testing.assert_allclose(
            gradient, differences(formula, wide, i, weights), rtol=10 * rtol, atol=10 * atol
        )


def differences(
    formula: Callable[..., Any], arrays: list[Any], which: int, weights: Any
) -> np.ndarray:
    """Central differences of ``sum(weights * formula(*arrays))`` for the elements of one array."""
    result = np.zeros_like(arrays[which])
    for index in np.ndindex(result.shape):
        side = []
        for step in (STEP, -STEP):
            moved = [a.copy() for a in arrays]
            moved[which][index] += step
            side.append(float(np.sum(weights * formula(*moved))))
        result[index] = (side[0] - side[1]) / (2 * STEP)
    return result


def values(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    """Distinct values in random order, none of them a round number where a function has a kink."""
    count = int(np.prod(shape))
    grid = np.linspace(low, high, count + 2)[1:-1] + 0.0137
    return np.random.default_rng(seed).permutation(grid).reshape(shape).astype(np.float32)

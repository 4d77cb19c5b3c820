"""Normalizations against their formulas, with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import ops

from tests.ops.numeric import check, values

X = values(3, 4, 2)


@pytest.mark.parametrize("axis", [-1, 0, 1, (1, 2), (0, 2)])
@pytest.mark.parametrize("centered", [True, False])
def test_layer_and_rms(axis: Any, centered: bool) -> None:
    axes = (axis,) if isinstance(axis, int) else axis
    sizes = tuple(X.shape[a] for a in axes)
    spread = [n if i in [a % 3 for a in axes] else 1 for i, n in enumerate(X.shape)]
    gamma, beta = values(*sizes, seed=1), values(*sizes, seed=2)

    def formula(x: Any, gamma: Any, beta: Any = 0.0) -> Any:
        d = x - x.mean(axis=axis, keepdims=True) if centered else x
        z = d / np.sqrt((d * d).mean(axis=axis, keepdims=True) + 1e-2)
        return z * gamma.reshape(spread) + np.reshape(beta, spread if np.ndim(beta) else ())

    if centered:
        check(
            lambda x, g, b: ops.layer_normalization(x, g, b, axis, 1e-2),
            formula,
            X,
            gamma,
            beta,
            atol=1e-4,
        )
    else:
        check(lambda x, g: ops.rms_normalization(x, g, axis, 1e-2), formula, X, gamma, atol=1e-4)


@pytest.mark.parametrize(("axis", "masked"), [(-1, False), (1, False), (-1, True), (1, True)])
def test_batch(axis: int, masked: bool) -> None:
    mask = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 1]], bool) if masked else None
    size = X.shape[axis]
    spread = [size if i == axis % 3 else 1 for i in range(3)]
    gamma, beta = values(size, seed=1), values(size, seed=2)

    def formula(x: Any, gamma: Any, beta: Any) -> Any:
        kept = np.ones(x.shape, bool) if mask is None else np.broadcast_to(mask[..., None], x.shape)
        others = tuple(a for a in range(3) if a != axis % 3)
        mean = x.mean(others, keepdims=True, where=kept)
        variance = x.var(others, keepdims=True, where=kept)
        z = (x - mean) / np.sqrt(variance + 1e-2)
        return z * gamma.reshape(spread) + beta.reshape(spread)

    check(
        lambda x, g, b: ops.normalize_batch(x, g, b, axis, 1e-2, mask)[0],
        formula,
        X,
        gamma,
        beta,
        atol=1e-4,
    )


def test_batch_with_given_statistics() -> None:
    weights = [values(2, low=0.5, seed=i) for i in range(4)]
    check(
        lambda x, m, v, b, g: ops.batch_normalization(x, m, v, -1, b, g, 1e-2),
        lambda x, m, v, b, g: (x - m) / np.sqrt(v + 1e-2) * g + b,
        X,
        *weights,
        atol=1e-4,
    )


@pytest.mark.parametrize("order", [1, 2, 3])
def test_normalize(order: int) -> None:
    check(
        lambda x: ops.normalize(x, 1, order),
        lambda x: x / (np.abs(x) ** order).sum(1, keepdims=True) ** (1 / order),
        X,
        atol=1e-4,
    )
    np.testing.assert_array_equal(ops.normalize(np.zeros((2, 3)), order=order).numpy(), 0)
    with pytest.raises(ValueError, match="order must be a positive integer, not 0"):
        ops.normalize(X, order=0)


def test_moments() -> None:
    mean, variance = ops.moments(X, (0, 2), keepdims=True)
    np.testing.assert_allclose(mean.numpy(), X.mean((0, 2), keepdims=True), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(variance.numpy(), X.var((0, 2), keepdims=True), rtol=1e-5)


def test_refused() -> None:
    with pytest.raises(ValueError, match=r"gamma must have shape \(2,\), not \(3,\)"):
        ops.layer_normalization(X, np.ones(3))
    with pytest.raises(ValueError, match="x must have at least one value along axis -1"):
        ops.rms_normalization(X[..., :0])
    with pytest.raises(ValueError, match="mask must have one entry for each of 12 rows"):
        ops.normalize_batch(X, mask=np.ones((3, 3), bool))

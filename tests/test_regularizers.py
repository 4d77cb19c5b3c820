"""Regularizers and constraints against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
from gatework import GradientTape, Variable, constraints, regularizers

W = np.array([[3.0, -0.3], [-4.0, 0.4]], np.float32)


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        (regularizers.L1(0.1), 0.77),
        (regularizers.L2(0.1), 2.525),
        (regularizers.L1L2(0.1, 0.1), 3.295),
        (regularizers.l1_l2(), 0.3295),
        (regularizers.L1L2(), 0.0),
        (regularizers.L2(), 0.2525),
    ],
)
def test_penalties(regularizer: regularizers.Regularizer, expected: float) -> None:
    assert float(regularizer(W)) == pytest.approx(expected, rel=1e-6)


def test_gradient() -> None:
    w = Variable(W)
    with GradientTape() as tape:
        penalty = regularizers.L1L2(0.1, 0.2)(w)
    np.testing.assert_allclose(tape.gradient(penalty, w), 0.1 * np.sign(W) + 0.4 * W, rtol=1e-6)


@pytest.mark.parametrize(("mode", "cosine"), [("rows", 1.0), ("columns", 1.0)])
def test_orthogonal_of_parallel_vectors(mode: str, cosine: float) -> None:
    penalty = regularizers.OrthogonalRegularizer(0.5, mode)(W)
    assert float(penalty) == pytest.approx(0.5 * cosine, rel=1e-5)
    assert float(regularizers.OrthogonalRegularizer(0.5, mode)(np.eye(3))) == 0
    with pytest.raises(ValueError, match="x must be a matrix"):
        regularizers.OrthogonalRegularizer()(np.ones(3))


@pytest.mark.parametrize("factor", [-1, float("nan"), float("inf"), "0.1", True])
def test_factors(factor: object) -> None:
    with pytest.raises(ValueError, match="l2 must be a finite number that is not negative"):
        regularizers.L2(factor)


@pytest.mark.parametrize(
    ("constraint", "norms"),
    [
        (constraints.MaxNorm(2), [2.0, 0.5]),
        (constraints.MaxNorm(2, axis=1), [2.0, 2.0]),
        (constraints.UnitNorm(), [1.0, 1.0]),
        (constraints.MinMaxNorm(1.0, 2.0), [2.0, 1.0]),
        (constraints.MinMaxNorm(1.0, 2.0, rate=0.5), [3.5, 0.75]),
    ],
)
def test_norms(constraint: constraints.Constraint, norms: list[float]) -> None:
    axis = constraint.get_config()["axis"]
    found = np.linalg.norm(constraint(W).numpy(), axis=axis)
    np.testing.assert_allclose(found, norms, rtol=1e-5)


def test_non_negative_and_zeros() -> None:
    np.testing.assert_array_equal(constraints.NonNeg()(W), np.maximum(W, 0))
    for name in ("max_norm", "unit_norm", "min_max_norm"):
        np.testing.assert_array_equal(constraints.get(name)(np.zeros((2, 2))), np.zeros((2, 2)))


@pytest.mark.parametrize("module", [regularizers, constraints])
def test_names_and_configurations(module: object) -> None:
    for name in module._KNOWN:
        found = module.get(name)
        again = module.deserialize(module.serialize(found))
        assert type(again) is type(found)
        assert again.get_config() == found.get_config()
    assert module.get(None) is module.serialize(None) is None
    with pytest.raises(ValueError, match="must be the name of one, not 'nothing'"):
        module.get("nothing")

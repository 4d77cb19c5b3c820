"""Softmax and the cross-entropies of the reference."""

import math

import numpy as np
import pytest
from gatework import reference

from tests.reference.numeric import assert_gradient


def test_softmax_gradient() -> None:
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 5))

    def loss() -> float:
        return float(np.vdot(dy, reference.softmax_forward(x)))

    assert_gradient(reference.softmax_backward(reference.softmax_forward(x), dy), loss, x)


def test_softmax_of_large_logits() -> None:
    y = reference.softmax_forward(np.array([[1e4, 1e4 - math.log(3)], [-1e4, 0.0]]))
    np.testing.assert_allclose(y, [[0.75, 0.25], [0.0, 1.0]], rtol=1e-11)


def test_softmax_cross_entropy_is_minus_the_log_of_a_softmax() -> None:
    logits = np.random.default_rng(1).standard_normal((4, 6))
    labels = np.array([0, 5, 2, 2])
    loss, lse = reference.softmax_cross_entropy_forward(logits, labels)
    probabilities = reference.softmax_forward(logits)
    np.testing.assert_allclose(loss, -np.log(probabilities[np.arange(4), labels]), rtol=1e-13)
    np.testing.assert_allclose(lse, np.log(np.exp(logits).sum(axis=1)), rtol=1e-13)


def test_softmax_cross_entropy_gradient() -> None:
    logits = np.random.default_rng(2).standard_normal((3, 4))
    labels, dloss = np.array([3, 0, 1]), np.array([0.5, 2.0, -1.0])

    def total() -> float:
        return float(np.vdot(dloss, reference.softmax_cross_entropy_forward(logits, labels)[0]))

    lse = reference.log_sum_exp(logits)
    gradient = reference.softmax_cross_entropy_backward(logits, labels, lse, dloss)
    assert_gradient(gradient, total, logits)


@pytest.mark.parametrize("wrong", [-1, 4])
def test_labels_are_checked(wrong: int) -> None:
    with pytest.raises(
        ValueError, match=rf"^labels must be in \[0, 4\), not {wrong} at position 1$"
    ):
        reference.softmax_cross_entropy_forward(np.zeros((2, 4)), np.array([0, wrong]))


def test_binary_cross_entropy_is_the_log_likelihood() -> None:
    logits = np.array([-3.0, -0.5, 0.0, 2.0])
    targets = np.array([0.0, 1.0, 0.3, 1.0])
    p = 1 / (1 + np.exp(-logits))
    expected = -targets * np.log(p) - (1 - targets) * np.log(1 - p)
    actual = reference.binary_cross_entropy_forward(logits, targets)
    np.testing.assert_allclose(actual, expected, rtol=1e-13)


def test_binary_cross_entropy_of_far_logits() -> None:
    logits, targets = np.array([-1e4, 1e4, 1e4]), np.array([1.0, 0.0, 1.0])
    loss = reference.binary_cross_entropy_forward(logits, targets)
    np.testing.assert_array_equal(loss, [1e4, 1e4, 0.0])


def test_binary_cross_entropy_gradient() -> None:
    rng = np.random.default_rng(3)
    logits, dloss = rng.standard_normal((2, 3, 4))
    targets = rng.random((3, 4))

    def total() -> float:
        return float(np.vdot(dloss, reference.binary_cross_entropy_forward(logits, targets)))

    gradient = reference.binary_cross_entropy_backward(logits, targets, dloss)
    assert_gradient(gradient, total, logits)

"""Dense layers and embeddings of the reference."""

import numpy as np
import pytest
from gatework import reference

from tests.reference.numeric import assert_gradient


@pytest.mark.parametrize("trans_a", [False, True])
@pytest.mark.parametrize("trans_b", [False, True])
def test_gemm_transposes(trans_a: bool, trans_b: bool) -> None:
    a, b, bias = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4), np.arange(4.0)
    left = a.T.copy() if trans_a else a
    right = b.T.copy() if trans_b else b
    expected = [[20.0, 24.0, 28.0, 32.0], [56.0, 69.0, 82.0, 95.0]]
    np.testing.assert_array_equal(reference.gemm(left, right, trans_a, trans_b, bias), expected)


@pytest.mark.parametrize("activation", ["linear", "sigmoid", "gelu"])
def test_dense_gradients(activation: str) -> None:
    rng = np.random.default_rng(0)
    x, kernel, bias, dy = (rng.standard_normal(s) for s in ((3, 4), (4, 2), (2,), (3, 2)))

    def loss() -> float:
        return float(np.vdot(dy, reference.dense_forward(x, kernel, bias, activation)[0]))

    _, pre = reference.dense_forward(x, kernel, bias, activation)
    gradients = reference.dense_backward(x, kernel, pre, dy, activation)
    for gradient, argument in zip(gradients, (x, kernel, bias), strict=True):
        assert_gradient(gradient, loss, argument)


def test_embedding_looks_up_and_adds_up() -> None:
    table = np.arange(8.0).reshape(4, 2)
    ids = np.array([[1, 3], [1, 1]])
    np.testing.assert_array_equal(
        reference.embedding_forward(table, ids), [[[2, 3], [6, 7]], [[2, 3], [2, 3]]]
    )
    dy = np.arange(8.0).reshape(2, 2, 2)
    np.testing.assert_array_equal(
        reference.embedding_backward(ids, dy, 4), [[0, 0], [10, 13], [0, 0], [2, 3]]
    )


@pytest.mark.parametrize("wrong", [4, -1])
def test_embedding_ids_are_checked(wrong: int) -> None:
    ids = np.array([[0, 3], [wrong, 9]])
    sentence = rf"^embedding ids must be in \[0, 4\), not {wrong} at position \(1, 0\)$"
    with pytest.raises(ValueError, match=sentence):
        reference.embedding_forward(np.zeros((4, 2)), ids)
    with pytest.raises(ValueError, match=sentence):
        reference.embedding_backward(ids, np.zeros((2, 2, 2)), 4)

"""Pooling and depthwise convolution of the reference: gradients against central differences."""

import numpy as np
import pytest
from gatework import reference

from tests.ops.numeric import differences

RNG = np.random.default_rng(0)
X = RNG.permutation(42).reshape(2, 7, 3) / 10
BEGINS, ENDS = np.array([0, 1, 3, 5]), np.array([2, 4, 6, 7])


def test_max_pool() -> None:
    dy = RNG.normal(size=(2, 4, 3))
    _, winner = reference.max_pool_forward(X, BEGINS, ENDS)
    found = reference.pool_backward(BEGINS, ENDS, winner, dy, 7)
    expected = differences(lambda x: reference.max_pool_forward(x, BEGINS, ENDS)[0], [X], 0, dy)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


def test_average_pool() -> None:
    dy = RNG.normal(size=(2, 4, 3))
    found = reference.pool_backward(BEGINS, ENDS, None, dy, 7)
    expected = differences(lambda x: reference.average_pool_forward(x, BEGINS, ENDS), [X], 0, dy)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("stride", "dilation", "left"), [(1, 1, 0), (2, 1, 1), (1, 2, 4), (3, 2, 2)]
)
def test_depthwise(stride: int, dilation: int, left: int) -> None:
    w, dy = RNG.normal(size=(3, 3)), RNG.normal(size=(2, 4, 3))
    found = reference.depthwise_backward(X, w, stride, dilation, left, dy)

    def forward(x, w):
        return reference.depthwise_forward(x, w, 4, stride, dilation, left)

    for i, gradient in enumerate(found):
        expected = differences(forward, [X, w], i, dy)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)

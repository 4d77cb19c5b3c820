"""Pooling and depthwise convolution against the reference in float64."""

import re
from typing import Any

import numpy as np
import pytest
from gatework import _core, reference
from hypothesis import given
from hypothesis import strategies as st

from tests.kernels.compare import assert_gradient, assert_output

pytestmark = pytest.mark.usefixtures("isa", "threads_restored")

CHANNELS = st.sampled_from([1, 3, 8, 16, 17, 40, 300])


@given(
    batch=st.integers(0, 3),
    time=st.integers(1, 30),
    channels=CHANNELS,
    count=st.integers(1, 8),
    seed=st.integers(0, 2**32),
)
def test_pooling(batch: int, time: int, channels: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(-5, 5, (batch, time, channels)).astype(np.float32)  # with equal values
    begins = rng.integers(0, time, count)
    ends = begins + 1 + (rng.random(count) * (time - begins)).astype(np.int64)
    dy = rng.standard_normal((batch, count, channels)).astype(np.float32)
    y, winner = _core.max_pool_forward(x, begins, ends, True)
    expected, expected_winner = reference.max_pool_forward(x, begins, ends)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(winner, expected_winner)
    assert _core.max_pool_forward(x, begins, ends, False)[1] is None
    assert_output(
        _core.average_pool_forward(x, begins, ends),
        reference.average_pool_forward(x.astype(np.float64), begins, ends),
    )
    for won in (winner, None):
        dx = _core.pool_backward(begins, ends, won, dy, time)
        wanted = reference.pool_backward(begins, ends, won, dy.astype(np.float64), time)
        assert_gradient(dx, wanted, "x")


@given(
    batch=st.integers(0, 3),
    time=st.integers(1, 20),
    channels=CHANNELS,
    taps=st.integers(1, 5),
    stride=st.integers(1, 3),
    dilation=st.integers(1, 3),
    left=st.integers(0, 4),
    outputs=st.integers(0, 12),
    seed=st.integers(0, 2**32),
)
def test_depthwise(
    batch: int,
    time: int,
    channels: int,
    taps: int,
    stride: int,
    dilation: int,
    left: int,
    outputs: int,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((batch, time, channels)).astype(np.float32)
    w = rng.standard_normal((taps, channels)).astype(np.float32)
    dy = rng.standard_normal((batch, outputs, channels)).astype(np.float32)
    wide = (x.astype(np.float64), w.astype(np.float64))
    y = _core.depthwise_forward(x, w, outputs, stride, dilation, left)
    assert_output(y, reference.depthwise_forward(*wide, outputs, stride, dilation, left))
    found = _core.depthwise_backward(x, w, stride, dilation, left, dy, True, True)
    expected = reference.depthwise_backward(*wide, stride, dilation, left, dy.astype(np.float64))
    assert_gradient(found[0], expected[0], "x")
    assert_gradient(found[1], expected[1], "w")
    none = _core.depthwise_backward(x, w, stride, dilation, left, dy, False, False)
    assert none == (None, None)


def test_nan_is_the_largest() -> None:
    x = np.zeros((1, 4, 20), np.float32)
    x[0, 1, 7] = np.nan
    y, _ = _core.max_pool_forward(x, np.array([0, 2]), np.array([4, 4]), True)
    assert np.isnan(y).sum() == 1
    assert np.isnan(y[0, 0, 7])


def test_same_bits_for_any_number_of_threads() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((40, 50, 70)).astype(np.float32)
    w = rng.standard_normal((5, 70)).astype(np.float32)
    begins = np.arange(0, 48)

    def results() -> list[bytes]:
        y = _core.depthwise_forward(x, w, 50, 1, 1, 2)
        found = _core.depthwise_backward(x, w, 1, 1, 2, y, True, True)
        pooled, winner = _core.max_pool_forward(x, begins, begins + 3, True)
        back = _core.pool_backward(begins, begins + 3, winner, pooled, 50)
        return [a.tobytes() for a in (y, *found, pooled, back)]

    _core.set_num_threads(1)
    expected = results()
    for threads in (2, 3):
        _core.set_num_threads(threads)
        assert results() == expected


X = np.zeros((1, 4, 2), np.float32)
W = np.zeros((3, 2), np.float32)
AT = np.array([0, 2])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: _core.max_pool_forward(X, AT, AT + 3, True),
            "window 1 must be of one step or more within [0, 4), not [2, 5)",
        ),
        (
            lambda: _core.average_pool_forward(X, AT, AT),
            "window 0 must be of one step or more within [0, 4), not [0, 0)",
        ),
        (
            lambda: _core.average_pool_forward(X, AT, AT[:1]),
            "ends must be of shape (2,), not (1,)",
        ),
        (
            lambda: _core.pool_backward(AT, AT + 1, np.full((1, 2, 2), 4, np.int32), X[:, :2], 4),
            "winner must be in [0, 4), not 4",
        ),
        (
            lambda: _core.depthwise_forward(X, W, 1, 0, 1, 0),
            "stride must be in [1, 2147483647], not 0",
        ),
        (
            lambda: _core.depthwise_forward(X, W[:, :1].copy(), 1, 1, 1, 0),
            "w must be of shape (any, 2), not (3, 1)",
        ),
    ],
)
def test_bad_arguments(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(sentence) + "$"):
        call()

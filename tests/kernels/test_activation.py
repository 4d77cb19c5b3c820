"""Activations and softmax against the reference in float64."""

import re
from typing import Any

import numpy as np
import pytest
from gatework import _core, reference

from tests.kernels.compare import assert_output

pytestmark = pytest.mark.usefixtures("isa", "threads_restored")

X = np.concatenate(
    [
        np.linspace(-30, 30, 60_001),
        np.linspace(-1e-3, 1e-3, 2_001),
        np.array([-1e4, -200.0, 200.0, 1e4]),
    ]
).astype(np.float32)
# Where a slope jumps, either side will do.
KINKS = np.array([-3, -1, -0.5, 0, 0.5, 1, 3, 6], np.float32)
SMOOTH = X[~np.isin(X, KINKS)]


def test_the_list_of_names() -> None:
    assert set(_core.ACTIVATIONS) == set(reference.ACTIVATIONS)


def bounded(name: str, x: Any) -> Any:
    return x[x < 80] if name == "exponential" else x


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_values(name: str) -> None:
    """Within 1e-6 of the larger of the argument, the value and 1."""
    x = bounded(name, X)
    y = _core.activation_forward(name, x)
    expected = reference.activation_forward(name, x.astype(np.float64))
    scale = np.maximum(1, np.maximum(abs(expected), abs(x)))
    assert (abs(y - expected) <= 1e-6 * scale).all()


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_gradients(name: str) -> None:
    x = bounded(name, SMOOTH)
    dy = np.random.default_rng(0).standard_normal(x.shape).astype(np.float32)
    dx = _core.activation_backward(name, x, dy)
    expected = reference.activation_backward(name, x.astype(np.float64), dy.astype(np.float64))
    scale = np.maximum(abs(dy), abs(expected))
    assert (abs(dx - expected) <= 2e-6 * scale).all()


@pytest.mark.parametrize("name", ["tanh", "gelu", "relu"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), (3, 0, 2), (2, 3, 17), (100_003,)])
def test_shapes_and_threads(name: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    _core.set_num_threads(1)
    y, dx = _core.activation_forward(name, x), _core.activation_backward(name, x, x)
    assert y.shape == dx.shape == shape
    _core.set_num_threads(2)
    assert _core.activation_forward(name, x).tobytes() == y.tobytes()
    assert _core.activation_backward(name, x, x).tobytes() == dx.tobytes()


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (4, 17), (2, 1000), (700, 33), (0, 4)])
def test_softmax(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    x, dy = rng.standard_normal((2, *shape)).astype(np.float32) * 3
    y = _core.softmax_forward(x)
    expected = reference.softmax_forward(x.astype(np.float64))
    assert (abs(y - expected) <= 3e-6 * expected).all()
    dx = _core.softmax_backward(y, dy)
    assert_output(dx, reference.softmax_backward(expected, dy.astype(np.float64)), "dx")


def test_softmax_of_far_logits() -> None:
    x = np.array([[1e4, 0, -1e4], [-1e30, -1e30, -1e30], [3e38, -3e38, 0]], np.float32)
    expected = [[1, 0, 0], [1 / 3] * 3, [1, 0, 0]]
    np.testing.assert_allclose(_core.softmax_forward(x), expected, rtol=1e-6)


def test_softmax_ignores_what_is_minus_infinity() -> None:
    x = np.array([[-np.inf, 0.0, 0.0, -np.inf]], np.float32)
    np.testing.assert_allclose(_core.softmax_forward(x), [[0, 0.5, 0.5, 0]], rtol=1e-6)


@pytest.mark.parametrize("row", [[np.nan] + [0.0] * 18, [0.0] * 18 + [np.nan], [-np.inf] * 19])
def test_nan_stays_in_its_row_of_a_softmax(row: list[float]) -> None:
    """Nothing but minus infinities has no softmax either: 0 / 0."""
    x = np.zeros((5, 19), np.float32)
    x[2] = row
    y = _core.softmax_forward(x)
    assert np.isnan(y).any(axis=1).tolist() == [False, False, True, False, False]


ONE = np.ones(3, np.float32)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (
            lambda: _core.activation_forward("swash", ONE),
            ValueError,
            "activation must be an elementwise activation (linear, ",
        ),
        (
            lambda: _core.activation_forward("tanh", np.ones(3)),
            TypeError,
            "x must be an array of float32, not one of float64",
        ),
        (
            lambda: _core.activation_backward("tanh", ONE, ONE[:2]),
            ValueError,
            "dy must be of shape (3,), not (2,)",
        ),
        (
            lambda: _core.softmax_forward(ONE),
            ValueError,
            "x must be of shape (any, any), not (3,)",
        ),
    ],
)
def test_bad_arguments(call: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match="^" + re.escape(sentence)):
        call()

"""Normalizations against the reference in float64."""

import re
from typing import Any

import numpy as np
import pytest
from gatework import _core, reference
from hypothesis import given
from hypothesis import strategies as st

from tests.kernels.compare import assert_gradient, assert_output

pytestmark = pytest.mark.usefixtures("isa", "threads_restored")

ROWS = st.sampled_from([0, 1, 2, 7, 128, 129, 300])
COLUMNS = st.sampled_from([1, 2, 3, 7, 8, 16, 17, 33, 100])


def wide(*arrays: Any) -> list[Any]:
    return [
        a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype != bool else a for a in arrays
    ]


def assert_dx(dx: Any, expected: Any, rstd: Any, gamma: Any, dy: Any) -> None:
    """dx is what is left of terms that may cancel, down to nothing where one value is normalized:

    it keeps their roundings.
    """
    terms = rstd.max(initial=0) * np.abs(dy if gamma is None else dy * gamma).max(initial=0)
    floor = 1e-6 * terms * dx.size**0.5
    assert np.linalg.norm(dx - expected) <= max(1e-4 * np.linalg.norm(expected), floor)


@given(
    rows=ROWS,
    columns=COLUMNS,
    centered=st.booleans(),
    scaled=st.booleans(),
    offset=st.sampled_from([0.0, 2.0]),
    seed=st.integers(0, 2**32),
)
def test_rows(
    rows: int, columns: int, centered: bool, scaled: bool, offset: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, dy = (rng.standard_normal((2, rows, columns)) + [[[offset]], [[0]]]).astype(np.float32)
    gamma, beta = rng.standard_normal((2, columns)).astype(np.float32) if scaled else (None, None)
    y, mean, rstd = _core.row_norm_forward(x, gamma, beta, 1e-3, centered)
    expected = reference.row_norm_forward(*wide(x, gamma, beta), 1e-3, centered)
    # What is subtracted was rounded: an error of x, times the factor that it gets.
    scale = expected[2].max(initial=0) * (1 if gamma is None else np.abs(gamma).max())
    assert np.abs(y - expected[0]).max(initial=0) <= 1e-6 * (4 + scale)
    assert_output(rstd, expected[2], "rstd")
    assert (mean is None) == (not centered)
    found = _core.row_norm_backward(x, gamma, mean, rstd, dy, True, True)
    gradients = reference.row_norm_backward(*wide(x, gamma), expected[1], expected[2], wide(dy)[0])
    for name, a, b in zip(("gamma", "beta"), found[1:], gradients[1:], strict=True):
        assert_gradient(a, b, name)
    assert_dx(found[0], gradients[0], expected[2], gamma, dy)
    assert _core.row_norm_backward(x, gamma, mean, rstd, dy, False, False) == (None, None, None)


@given(
    rows=st.sampled_from([1, 2, 7, 128, 129, 300]),
    columns=COLUMNS,
    masked=st.booleans(),
    constant=st.booleans(),
    scaled=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_columns(
    rows: int, columns: int, masked: bool, constant: bool, scaled: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    x, dy = rng.standard_normal((2, rows, columns)).astype(np.float32)
    x += 3
    gamma, beta = rng.standard_normal((2, columns)).astype(np.float32)
    gamma = gamma if scaled else None
    mask = rng.random(rows) < 0.6 if masked else None
    divisor = float(rows if mask is None else mask.sum() + 1e-3)
    mean, variance = _core.column_moments(x, mask, divisor)
    expected = reference.column_moments(wide(x)[0], mask, divisor)
    assert_output(mean, expected[0], "mean")
    assert_output(variance, expected[1], "variance")
    rstd = (1 / np.sqrt(variance + np.float32(1e-2))).astype(np.float32)
    factor = rstd if gamma is None else rstd * gamma
    y = _core.column_norm_forward(x, mean, factor, beta)
    assert_output(y, reference.column_norm_forward(*wide(x, mean, factor, beta)))
    given_divisor = 0.0 if constant else divisor
    found = _core.column_norm_backward(x, mean, rstd, gamma, mask, given_divisor, dy, True)
    gradients = reference.column_norm_backward(
        *wide(x, mean, rstd, gamma, mask), given_divisor, wide(dy)[0]
    )
    for name, a, b in zip(("gamma", "beta"), found[1:], gradients[1:], strict=True):
        assert_gradient(a, b, name)
    assert_dx(found[0], gradients[0], rstd, gamma, dy)


def test_a_bad_row_keeps_to_itself() -> None:
    x = np.random.default_rng(0).standard_normal((6, 19)).astype(np.float32)
    x[3, 5] = np.nan
    y, mean, rstd = _core.row_norm_forward(x, None, None, 1e-3, True)
    assert np.isfinite(np.delete(y, 3, axis=0)).all()
    assert np.isnan(y[3]).all()
    dx, _, _ = _core.row_norm_backward(x, None, mean, rstd, x, True, True)
    assert np.isfinite(np.delete(dx, 3, axis=0)).all()


def test_same_bits_for_any_number_of_threads() -> None:
    rng = np.random.default_rng(2)
    x, dy = rng.standard_normal((2, 5000, 70)).astype(np.float32)
    gamma = rng.standard_normal(70).astype(np.float32)

    def results() -> list[bytes]:
        y, mean, rstd = _core.row_norm_forward(x, gamma, gamma, 1e-3, True)
        found = _core.row_norm_backward(x, gamma, mean, rstd, dy, True, True)
        moments = _core.column_moments(x, None, 5000.0)
        columns = _core.column_norm_backward(x, *moments, gamma, None, 5000.0, dy, True)
        return [a.tobytes() for a in (y, *found, *moments, *columns)]

    _core.set_num_threads(1)
    expected = results()
    for threads in (2, 3):
        _core.set_num_threads(threads)
        assert results() == expected


X = np.zeros((2, 3), np.float32)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: _core.row_norm_forward(X[0], None, None, 1e-3, True),
            "x must be of shape (any, any), not (3,)",
        ),
        (
            lambda: _core.row_norm_forward(X, X[0, :2].copy(), None, 1e-3, True),
            "gamma must be of shape (3,), not (2,)",
        ),
        (
            lambda: _core.column_moments(X, np.ones(3, bool), 2.0),
            "mask must be of shape (2,), not (3,)",
        ),
        (
            lambda: _core.column_norm_forward(X, X[0], X[0], X),
            "shift must be of shape (3,), not (2, 3)",
        ),
    ],
)
def test_bad_shapes(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(sentence) + "$"):
        call()

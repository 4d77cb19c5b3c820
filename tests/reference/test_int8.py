"""Rounding to int8, and exact sums of such numbers."""

import numpy as np
import pytest
from gatework.reference import int8_product, quantize_columns, quantize_rows


def test_the_largest_of_a_row_is_127_and_halves_go_to_the_even_number() -> None:
    numbers, scale = quantize_rows([[127.0, 0.5, 1.5, -2.5, -126.6], [0.0, 0.0, 2.54, 1.27, -1.0]])
    np.testing.assert_array_equal(numbers, [[127, 0, 2, -2, -127], [0, 0, 127, 64, -50]])
    np.testing.assert_allclose(scale, [1.0, 0.02], rtol=1e-6)


def test_no_value_moves_by_more_than_half_a_step() -> None:
    x = np.random.default_rng(0).standard_normal((50, 33)).astype(np.float32)
    numbers, scale = quantize_rows(x)
    assert np.abs(numbers * scale[:, None] - x).max() <= 0.5001 * scale.max()
    again, same = quantize_rows(numbers * scale[:, None])
    np.testing.assert_array_equal(again, numbers)
    np.testing.assert_allclose(same, scale, rtol=1e-6)


def test_rows_of_nothing_and_of_what_is_not_finite() -> None:
    rows = np.float32([[0, 0], [1e-37, 0], [np.nan, 1], [1, -np.inf]])
    numbers, scale = quantize_rows(rows)
    np.testing.assert_array_equal(scale, [0, 0, np.nan, np.nan])
    np.testing.assert_array_equal(numbers, np.zeros((4, 2)))


def test_columns_have_scales_of_their_own() -> None:
    w = np.float32([[1, 100, 0], [-2, 50, 0]])
    numbers, scale = quantize_columns(w)
    np.testing.assert_array_equal(numbers, [[64, 127, 0], [-127, 64, 0]])
    np.testing.assert_allclose(scale, [2 / 127, 100 / 127, 0])


def test_product_is_near_that_of_floats_and_exact_for_whole_numbers() -> None:
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((7, 300)), rng.standard_normal((300, 5))
    bias = np.arange(5, dtype=np.float32)
    found = int8_product(x, *quantize_columns(w), bias)
    assert np.linalg.norm(found - (x @ w + bias)) < 0.02 * np.linalg.norm(x @ w)
    x, w = rng.integers(-127, 128, (3, 40)), rng.integers(-127, 128, (40, 6))
    x[:, 0], w[0] = 127, 127
    np.testing.assert_array_equal(int8_product(x, *quantize_columns(w)), x @ w)


def test_sums_that_are_no_int32_are_refused() -> None:
    ones = np.ones((1, 140_000), np.float32)
    with pytest.raises(ValueError, match="x must have fewer columns"):
        int8_product(ones, *quantize_columns(ones.T))

"""Layers that move values: which value lands where."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework.layers import Cropping1D, Flatten, Permute, RepeatVector, UpSampling1D, ZeroPadding1D

X = np.arange(30, dtype=np.float32).reshape(2, 5, 3)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Permute((2, 1)), X.transpose(0, 2, 1)),
        (Cropping1D(1), X[:, 1:4]),
        (Cropping1D((0, 2)), X[:, :3]),
        (Cropping1D((2, 0)), X[:, 2:]),
        (UpSampling1D(2), np.repeat(X, 2, axis=1)),
        (ZeroPadding1D(), np.pad(X, [(0, 0), (1, 1), (0, 0)])),
        (ZeroPadding1D((0, 2)), np.pad(X, [(0, 0), (0, 2), (0, 0)])),
        (ZeroPadding1D(1, "channels_first"), np.pad(X, [(0, 0), (0, 0), (1, 1)])),
        (Flatten("channels_first"), X.transpose(0, 2, 1).reshape(2, 15)),
    ],
)
def test_values(layer: Any, expected: np.ndarray) -> None:
    np.testing.assert_array_equal(layer(X).numpy(), expected)
    assert layer.compute_output_shape((None, 5, 3)) == (None, *expected.shape[1:])


def test_repeat_vector() -> None:
    np.testing.assert_array_equal(RepeatVector(3)(X[0]).numpy(), np.stack([X[0]] * 3, axis=1))


def test_unknown_lengths_stay_unknown() -> None:
    for layer in (Cropping1D(), UpSampling1D(), ZeroPadding1D()):
        assert layer.compute_output_shape((None, None, 3)) == (None, None, 3)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Permute((1, 3)), r"dims must hold each of 1 ... 2 once, not \(1, 3\)"),
        (lambda: RepeatVector(0), "n must be a positive integer, not 0"),
        (lambda: RepeatVector(True), "n must be a positive integer, not True"),
        (lambda: UpSampling1D(1.5), "size must be a positive integer, not 1.5"),
        (lambda: Cropping1D((1, -1)), "cropping must be 2 integers of at least 0"),
        (lambda: Cropping1D((2, 3))(X), "cropping of .* must be less than the length 5, not"),
        (lambda: ZeroPadding1D((1, 2, 3)), "padding must be 2 integers of at least 0"),
        (lambda: ZeroPadding1D(data_format="last"), "data_format must be 'channels_last' or"),
    ],
)
def test_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()

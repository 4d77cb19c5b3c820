"""Noise in training: its distribution, its seeds, and that there is none at any other time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework.layers import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
)

X = np.full((400, 100), 2.0, np.float32)
SIX_DEVIATIONS = 6 / np.sqrt(X.size)


@pytest.mark.parametrize(
    ("layer", "mean", "deviation"),
    [(GaussianNoise(0.5, seed=1), 2.0, 0.5), (GaussianDropout(0.2, seed=1), 2.0, 2 * 0.5)],
)
def test_distribution(layer: Any, mean: float, deviation: float) -> None:
    y = layer(X, training=True).numpy()
    assert abs(y.mean() - mean) < SIX_DEVIATIONS * deviation
    assert abs(y.std() / deviation - 1) < SIX_DEVIATIONS
    assert abs(((y - mean) / deviation > 1).mean() - 0.158655) < SIX_DEVIATIONS


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = np.random.default_rng(2).normal(size=X.shape).astype(np.float32)
    y = AlphaDropout(0.3, seed=1)(x, training=True).numpy()
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02
    _, counts = np.unique(y, return_counts=True)
    assert abs(counts.max() / X.size - 0.3) < SIX_DEVIATIONS  # all that was dropped is one value


def test_alpha_dropout_with_a_noise_shape() -> None:
    y = AlphaDropout(0.5, noise_shape=(None, 1), seed=1)(X, training=True).numpy()
    assert (y == y[:, :1]).all()
    assert len(np.unique(y)) == 2


@pytest.mark.parametrize("make", [GaussianNoise, GaussianDropout, AlphaDropout, Dropout])
def test_only_in_training_and_by_its_seed(make: Any) -> None:
    one, other = make(0.5, seed=3), make(0.5, seed=3)
    np.testing.assert_array_equal(one(X).numpy(), X)
    first = one(X, training=True).numpy()
    np.testing.assert_array_equal(other(X, training=True).numpy(), first)
    assert (one(X, training=True).numpy() != first).any()
    np.testing.assert_array_equal(make(0.0)(X, training=True).numpy(), X)


def test_activity_regularization() -> None:
    layer = ActivityRegularization(l1=0.2, l2=0.3)
    np.testing.assert_array_equal(layer(X[:2, :1]).numpy(), X[:2, :1])
    assert float(layer.losses[0]) == pytest.approx(0.2 * 2 + 0.3 * 4)  # of both, over the batch


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: GaussianNoise(1.5), r"stddev must be in \[0, 1\], not 1.5"),
        (lambda: GaussianDropout(-0.1), r"rate must be in \[0, 1\], not -0.1"),
        (lambda: GaussianDropout(1.0), "rate of GaussianDropout must be below 1, not 1.0"),
        (lambda: AlphaDropout(1.0), "rate of AlphaDropout must be below 1, not 1.0"),
        (lambda: Dropout(0.5, noise_shape="abc"), "noise_shape must be a tuple of sizes or None"),
        (lambda: Dropout(0.5, noise_shape=(0, 1)), "noise_shape must be a positive integer, not 0"),
        (lambda: ActivityRegularization(l1=-1), "l1 must be a finite number"),
    ],
)
def test_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()

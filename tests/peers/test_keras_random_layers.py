"""Layers that draw numbers, in training, against Keras: the same distributions; ctc_decode."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest

from tests.peers.keras_side import as_array

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")

SHAPE = (40, 25, 12)
# The probability that equal distributions are taken for different ones. The seeds are fixed.
SIGNIFICANCE = 1e-3
CASES: list[tuple[str, dict[str, Any]]] = [
    ("Dropout", {"rate": 0.3}),
    ("Dropout", {"rate": 0.5, "noise_shape": (None, 1, 12)}),
    ("Dropout", {"rate": 0.8, "noise_shape": (40, 25, 1)}),
    ("SpatialDropout1D", {"rate": 0.4}),
    ("GaussianNoise", {"stddev": 0.7}),
    ("GaussianDropout", {"rate": 0.4}),
    ("AlphaDropout", {"rate": 0.3}),
    ("AlphaDropout", {"rate": 0.5, "noise_shape": (40, 1, 12)}),
]


def constant_axes(values: np.ndarray) -> list[bool]:
    """Along which axes every vector repeats one number."""
    return [bool((np.ptp(values, axis=axis) < 1e-6).all()) for axis in range(values.ndim)]


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_draws(name: str, arguments: dict[str, Any]) -> None:
    """Of equal inputs: where the draws are shared, how the outputs are distributed."""
    from scipy.stats import ks_2samp

    x = np.full(SHAPE, 1.5, np.float32)
    own, theirs = (
        as_array(getattr(K.layers, name)(**arguments, seed=3)(x, training=True)).astype("float64")
        for K in (gatework, keras)
    )
    shared = constant_axes(theirs)
    assert constant_axes(own) == shared
    # Sums of discrete values are rounded apart: what is one value must be one for the test.
    drawn = [
        np.round(values[tuple(slice(0, 1 if one else None) for one in shared)].ravel(), 4)
        for values in (own, theirs)
    ]
    assert ks_2samp(*drawn).pvalue > SIGNIFICANCE
    spread = max(values.std() for values in drawn) / np.sqrt(drawn[0].size)
    assert abs(drawn[0].mean() - drawn[1].mean()) < 5 * spread


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_draws_anew(name: str, arguments: dict[str, Any]) -> None:
    """Every call draws anew; none draws outside training."""
    layer = getattr(gatework.layers, name)(**arguments, seed=3)
    x = np.full(SHAPE, 1.5, np.float32)
    first, second, still = (np.asarray(layer(x, training=t)) for t in (True, True, False))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(still, x)


@pytest.mark.parametrize("options", [{}, {"merge_repeated": False}, {"mask_index": 4}])
def test_ctc_decode_greedy(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 2, (4, 9, 5)).astype(np.float32)
    lengths = np.array([9, 4, 1, 7])
    own, theirs = (K.ops.ctc_decode(logits, lengths, **options) for K in (gatework, keras))
    np.testing.assert_array_equal(as_array(own[0]), as_array(theirs[0]))
    np.testing.assert_allclose(as_array(own[1]), as_array(theirs[1]), rtol=1e-5)


@pytest.mark.parametrize("mask_index", [0, 4])
def test_ctc_decode_beam_search(mask_index: int) -> None:
    """With beams for every labelling, so that no tie decides which are kept."""
    rng = np.random.default_rng(4)
    logits = rng.normal(0, 2, (3, 4, 5)).astype(np.float32)
    lengths = np.array([4, 2, 3])
    own, theirs = (
        K.ops.ctc_decode(
            logits, lengths, "beam_search", beam_width=400, top_paths=3, mask_index=mask_index
        )
        for K in (gatework, keras)
    )
    np.testing.assert_array_equal(as_array(own[0]), as_array(theirs[0]))
    np.testing.assert_allclose(as_array(own[1]), as_array(theirs[1]), rtol=1e-4, atol=1e-4)

"""Pooling layers: shapes, masks, errors; the windows are tested with the operations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import layers as L
from gatework import ops
from gatework.layers.symbolic import KerasTensor

X = np.random.default_rng(0).normal(size=(3, 7, 4)).astype(np.float32)
MASK = np.arange(7) < np.array([[7], [3], [0]])


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (L.MaxPooling1D(), (3, 3, 4)),
        (L.MaxPooling1D(3, 2, "same"), (3, 4, 4)),
        (L.AveragePooling1D(3, data_format="channels_first"), (3, 7, 1)),
        (L.AdaptiveMaxPooling1D(5), (3, 5, 4)),
        (L.AdaptiveAveragePooling1D((2,), "channels_first"), (3, 7, 2)),
        (L.GlobalMaxPooling1D(), (3, 4)),
        (L.GlobalMaxPooling1D("channels_first", keepdims=True), (3, 7, 1)),
        (L.GlobalAveragePooling1D(keepdims=True), (3, 1, 4)),
    ],
)
def test_shapes(layer: Any, shape: Any) -> None:
    assert layer(X).shape == shape
    assert layer(KerasTensor(X.shape)).shape == shape


def test_unknown_lengths_stay_unknown() -> None:
    assert L.MaxPooling1D(2).compute_output_shape((None, None, 4)) == (None, None, 4)
    assert L.GlobalMaxPooling1D().compute_output_shape((None, None, 4)) == (None, 4)


def test_strides_are_the_size_by_default() -> None:
    config = L.AveragePooling1D(3).get_config()
    assert (config["pool_size"], config["strides"]) == ((3,), (3,))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_masked_steps_do_not_count(data_format: str) -> None:
    x = X if data_format == "channels_last" else X.transpose(0, 2, 1)
    inputs = ops.convert_to_tensor(x)
    inputs._keras_mask = ops.convert_to_tensor(MASK)
    for layer, take in ((L.GlobalMaxPooling1D, np.max), (L.GlobalAveragePooling1D, np.mean)):
        y = layer(data_format)(inputs)
        rows = [take(X[i][MASK[i]], axis=0) if MASK[i].any() else np.zeros(4) for i in range(3)]
        np.testing.assert_allclose(y.numpy(), rows, rtol=1e-5, atol=1e-6)
        assert y._keras_mask is None


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: L.MaxPooling1D(0), "pool_size must be an integer of at least 1, not 0"),
        (lambda: L.MaxPooling1D((2, 2)), "pool_size must be an integer of at least 1"),
        (lambda: L.AveragePooling1D(2, 0), "strides must be an integer of at least 1, not 0"),
        (lambda: L.AveragePooling1D(2, padding="causal"), "padding must be one of 'valid', 'same'"),
        (
            lambda: L.MaxPooling1D(8)(X),
            "inputs must have at least 8 steps for a",
        ),
        (lambda: L.AdaptiveMaxPooling1D(-1), "output_size must be an integer of at least 1"),
        (
            lambda: L.GlobalMaxPooling1D()(X, mask=MASK[:, :3]),
            r"mask of .* must have shape",
        ),
    ],
)
def test_refused(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()

"""Convolution layers: weights, shapes, errors; the sums are tested with the operations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import layers as L
from gatework import ops

X = np.random.default_rng(0).normal(size=(2, 9, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("layer", "shapes", "output"),
    [
        (L.Conv1D(6, 3), [(3, 4, 6), (6,)], (2, 7, 6)),
        (L.Conv1D(6, (3,), groups=2, use_bias=False), [(3, 2, 6)], (2, 7, 6)),
        (L.Conv1D(6, 3, padding="CAUSAL", strides=2), [(3, 4, 6), (6,)], (2, 5, 6)),
        (L.Conv1D(6, 3, data_format="channels_first"), [(3, 9, 6), (6,)], (2, 6, 2)),
        (L.Conv1DTranspose(6, 3, 2), [(3, 6, 4), (6,)], (2, 19, 6)),
        (L.Conv1DTranspose(6, 3, 2, "same"), [(3, 6, 4), (6,)], (2, 18, 6)),
        (L.Conv1DTranspose(6, 3, 2, output_padding=1), [(3, 6, 4), (6,)], (2, 20, 6)),
        (L.DepthwiseConv1D(3, depth_multiplier=2), [(3, 4, 2), (8,)], (2, 7, 8)),
        (L.SeparableConv1D(6, 3, 2), [(3, 4, 1), (1, 4, 6), (6,)], (2, 4, 6)),
    ],
)
def test_weights_and_shapes(layer: Any, shapes: Any, output: Any) -> None:
    assert layer(X).shape == output
    assert [w.shape for w in layer.weights] == shapes
    assert layer.compute_output_shape((None, *X.shape[1:])) == (None, *output[1:])


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("cls", [L.Conv1D, L.Conv1DTranspose, L.DepthwiseConv1D, L.SeparableConv1D])
def test_the_bias_and_then_the_activation(cls: Any, data_format: str) -> None:
    sizes = (3,) if cls is L.DepthwiseConv1D else (9, 3)
    layer = cls(*sizes, data_format=data_format, bias_initializer="ones", activation="tanh")
    y = layer(X).numpy()
    plain = cls(*sizes, data_format=data_format, use_bias=False)
    plain.build(X.shape)
    plain.set_weights(layer.get_weights()[:-1])
    np.testing.assert_allclose(y, np.tanh(plain(X).numpy() + 1), rtol=1e-5, atol=1e-6)


def test_a_causal_convolution_sees_nothing_of_the_future() -> None:
    layer = L.Conv1D(5, 3, padding="causal", dilation_rate=2)
    changed = X.copy()
    changed[:, 6:] += 1
    before, after = layer(X).numpy(), layer(changed).numpy()
    np.testing.assert_array_equal(before[:, :6], after[:, :6])
    assert (before[:, 6:] != after[:, 6:]).all()


def test_unknown_lengths_stay_unknown() -> None:
    for layer in (L.Conv1D(6, 3), L.Conv1DTranspose(6, 3), L.SeparableConv1D(6, 3)):
        layer.build((None, None, 4))
        assert layer.compute_output_shape((None, None, 4)) == (None, None, 6)
        assert layer(X).shape[2] == 6


def test_a_mask_ends_here() -> None:
    x = ops.convert_to_tensor(X)
    x._keras_mask = ops.convert_to_tensor(np.ones((2, 9), bool))
    assert L.Conv1D(2, 3, padding="same")(x)._keras_mask is None


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: L.Conv1D(0, 3), "filters must be a positive integer, not 0"),
        (lambda: L.Conv1D(2, 0), "kernel_size must be an integer of at least 1, not 0"),
        (lambda: L.Conv1D(2, (3, 3)), "kernel_size must be an integer of at least 1"),
        (
            lambda: L.Conv1D(2, 3, padding="full"),
            "padding must be one of 'valid'",
        ),
        (lambda: L.Conv1D(2, 3, 2, dilation_rate=2), "strides must be 1 when dilation_rate is abo"),
        (lambda: L.Conv1D(3, 3, groups=2), "groups must divide filters 3, not be 2"),
        (lambda: L.Conv1D(3, 3, groups=3)(X), "groups of .* must divide the 4 channels"),
        (
            lambda: L.Conv1D(3, 10)(X),
            "inputs must have at least 10 steps for a",
        ),
        (lambda: L.Conv1D(3, 3).build((None, 9, None)), "must have a known number of channels"),
        (lambda: L.Conv1D(3, 3, lora_rank=2), "lora_rank must be None, not 2"),
        (lambda: L.Conv1D(3, 3)(X[0]), "inputs of .* must have 3 axes, not 2"),
        (lambda: L.Conv1DTranspose(3, 3, 2, output_padding=2), "output_padding must be less than"),
        (lambda: L.DepthwiseConv1D(3, padding="causal"), "padding must be one of 'valid', 'same',"),
        (
            lambda: L.SeparableConv1D(3, 3, depth_multiplier=0),
            "depth_multiplier must be a posi",
        ),
    ],
)
def test_refused(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()

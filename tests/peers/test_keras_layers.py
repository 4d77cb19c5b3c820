"""Layers around the recurrent ones against Keras, live: travelling masks, wrappers, Dense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gatework
import numpy as np
import pytest

from tests.peers.keras_side import agree, random_weights, run_gatework, run_keras

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")

IDS = np.array([[1, 2, 3, 0, 0], [0, 0, 5, 6, 1], [4, 0, 3, 0, 2], [0, 0, 0, 0, 0]])


def stacked(L: Any) -> list[Any]:
    """The embedding's mask reaches every recurrent layer above it."""
    return [
        L.Embedding(7, 4, mask_zero=True),
        L.LSTM(5, return_sequences=True),
        L.SpatialDropout1D(0.5),
        L.GRU(4, return_sequences=True, go_backwards=True),
        L.Dropout(0.5),
        L.SimpleRNN(3),
    ]


def both_ways(L: Any) -> list[Any]:
    """A backward layer of its own class and activation."""
    return [
        L.Embedding(7, 4, mask_zero=True),
        L.Bidirectional(
            L.LSTM(3, return_sequences=True),
            backward_layer=L.GRU(3, return_sequences=True, go_backwards=True, activation="relu"),
            merge_mode="mul",
        ),
        L.Bidirectional(L.LSTM(2), merge_mode="ave"),
    ]


def per_step(L: Any) -> list[Any]:
    """Dense layers over every step, bare and wrapped."""
    return [
        L.Embedding(7, 4),
        L.TimeDistributed(L.Dense(6, activation="relu")),
        L.Activation("softsign"),
        L.Dense(2, activation="softmax"),
        L.Flatten(),
        L.Reshape((2, 5)),
    ]


def masking(L: Any) -> list[Any]:
    """A mask made from the numbers themselves."""
    return [
        L.Embedding(7, 3, embeddings_initializer="zeros"),
        L.Masking(),
        L.Bidirectional(L.SimpleRNN(4, return_sequences=True)),
        L.TimeDistributed(L.Dense(2)),
    ]


@pytest.mark.parametrize("parts", [stacked, both_ways, per_step, masking])
def test_models(parts: Callable[[Any], list[Any]]) -> None:
    rng = np.random.default_rng(8)
    theirs = keras.models.Sequential(parts(keras.layers))
    theirs.build(IDS.shape)
    weights = random_weights(rng, theirs)
    if parts is masking:
        weights[0][[0, 3]] = 0
    ours = gatework.models.Sequential(parts(gatework.layers))
    ours.build(IDS.shape)
    ours.set_weights(weights)
    theirs.set_weights(weights)
    expected = theirs.predict(IDS, verbose=0)
    agree([ours(IDS).numpy(), ours.predict(IDS, verbose=0)], [expected, expected])


NO_ACTIVATION = ("get", "serialize", "deserialize")
NEEDS_ARGUMENTS = ("threshold",)  # Keras itself cannot use it by its name alone
# Keras 3.15 adds up all partial sums where the paper takes the last: its rows do not add up to one.
WRONG_IN_KERAS = ("sparsemax",)
LEFT_OUT = (*NO_ACTIVATION, *NEEDS_ARGUMENTS, *WRONG_IN_KERAS)
ACTIVATIONS = [
    name
    for name in sorted(vars(keras.activations))
    if name[0] != "_" and name == name.lower() and name not in LEFT_OUT
]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.normal(0, 3, 90), np.linspace(-6, 6, 21), [-80, 80, 1e-6, 0]])
    x = x.reshape(5, 23).astype(np.float32)
    if name == "glu":
        x = x[:, :22]
    theirs = keras.layers.Activation(name)
    expected, up, expected_gradients = run_keras(theirs, [], x, 3)
    outputs, gradients = run_gatework(gatework.layers.Activation(name), [], x, up)
    agree(outputs, expected)
    # At the points where a piece ends, each framework may take either side's slope.
    smooth = np.abs(x[..., None] - np.array([-3, -1, -0.5, 0, 0.5, 1, 3, 6])).min(-1) > 1e-5
    agree([gradients[0] * smooth], [expected_gradients[0] * smooth])


def test_sparsemax_is_still_wrong_in_keras() -> None:
    """Once this fails, `sparsemax` can join the activations above."""
    x = np.array([[0.1, 0.2, 0.5]], np.float32)
    assert np.asarray(keras.activations.sparsemax(x)).sum() < 0.9
    np.testing.assert_allclose(gatework.activations.sparsemax(x).numpy().sum(), 1, rtol=1e-6)


def test_dense_in_every_rank() -> None:
    rng = np.random.default_rng(4)
    for shape in ((3, 4), (2, 3, 4), (2, 1, 3, 4)):
        x = rng.normal(size=shape).astype(np.float32)
        for activation in ("linear", "gelu", "softmax"):
            theirs = keras.layers.Dense(5, activation=activation)
            theirs.build(x.shape)
            weights = random_weights(rng, theirs)
            expected, up, expected_gradients = run_keras(theirs, weights, x, 5)
            ours = gatework.layers.Dense(5, activation=activation)
            outputs, gradients = run_gatework(ours, weights, x, up)
            agree(outputs, expected)
            agree(gradients, expected_gradients)

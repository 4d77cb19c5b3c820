"""Exported models compute in ONNX Runtime what they compute here, to 1e-5."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import activations, layers, models

from tests.peers.onnx_side import exported, randomize

pytest.importorskip("onnx", reason="writes ONNX files with the onnx package, not installed")
pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime, which is not installed")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 7, 3)).astype(np.float32)
IDS = RNG.integers(1, 10, (5, 7))
# Padding in front, behind, in between, everywhere.
IDS[0, :3] = IDS[1, 4:] = IDS[2, [1, 5]] = IDS[3] = 0


def sequential(*parts: Any, x: np.ndarray) -> Any:
    model = models.Sequential(parts)
    if not model.built:
        model.build((None, *x.shape[1:]))
    randomize(model)
    return model


RECURRENT = [
    {},
    {"return_sequences": True},
    {"go_backwards": True},
    {"go_backwards": True, "return_sequences": True},
    {"use_bias": False},
    {"zero_output_for_mask": True},
    {"zero_output_for_mask": True, "return_sequences": True},
    {"zero_output_for_mask": True, "go_backwards": True},
    {"zero_output_for_mask": True, "go_backwards": True, "return_sequences": True},
]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("options", RECURRENT)
@pytest.mark.parametrize("cls", ["LSTM", "GRU", "SimpleRNN"])
def test_recurrent(cls: str, options: dict[str, Any], masked: bool) -> None:
    layer = getattr(layers, cls)(4, **options)
    if masked:
        exported(sequential(layers.Embedding(10, 3, mask_zero=True), layer, x=IDS), IDS)
    else:
        exported(sequential(layer, x=X), X)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum", "ave", "mul"])
def test_bidirectional(mode: str, sequences: bool, masked: bool) -> None:
    both = layers.Bidirectional(layers.GRU(4, return_sequences=sequences), merge_mode=mode)
    if masked:
        exported(sequential(layers.Embedding(10, 3, mask_zero=True), both, x=IDS), IDS)
    else:
        exported(sequential(both, x=X), X)


@pytest.mark.parametrize("masked", [False, True])
def test_both_directions_backwards(masked: bool) -> None:
    both = layers.Bidirectional(layers.LSTM(4, go_backwards=True, return_sequences=True))
    first = layers.Masking(9.0) if masked else layers.Activation("linear")
    x = X.copy()
    x[0, :2] = x[2, 3:] = x[3] = 9
    exported(sequential(first, both, x=x), x)


def test_reset_gate_before_the_product() -> None:
    exported(sequential(layers.GRU(4, reset_after=False), x=X), X)


@pytest.mark.parametrize(
    "name", ["relu", "linear", "leaky_relu", "elu", "softplus", "softsign", "hard_sigmoid"]
)
def test_activations_inside(name: str) -> None:
    both = {"activation": name, "recurrent_activation": "hard_sigmoid"}
    exported(sequential(layers.Bidirectional(layers.LSTM(4, **both)), x=X), X)
    exported(sequential(layers.GRU(4, **both), x=X), X)
    exported(sequential(layers.SimpleRNN(4, activation=name), x=X), X)


# "threshold" has arguments without defaults.
@pytest.mark.parametrize("name", sorted(set(activations.FUNCTIONS) - {"threshold"}))
def test_activations(name: str) -> None:
    x = X[:, :, :2] * 3
    exported(sequential(layers.Activation(name), x=x), x)
    exported(sequential(layers.Dense(4, activation=name), x=x), x)


def test_masking_passes_through_layers() -> None:
    x = X.copy()
    x[0, :2] = x[2, 3:] = x[3] = 9
    model = sequential(
        layers.Masking(9.0),
        layers.LSTM(4, return_sequences=True),
        layers.Dropout(0.5),
        layers.SpatialDropout1D(0.5),
        layers.Dense(3),
        layers.Activation("tanh"),
        layers.TimeDistributed(layers.Dense(2)),
        layers.GRU(3),
        layers.Dense(3, activation="softmax"),
        x=x,
    )
    exported(model, x)


def test_shapes() -> None:
    model = sequential(
        layers.TimeDistributed(layers.Dense(4, activation="gelu")),
        layers.TimeDistributed(layers.Reshape((2, 2))),
        layers.TimeDistributed(layers.Flatten()),
        layers.Flatten(),
        layers.Reshape((14, -1)),
        layers.Reshape((2, 14)),
        x=X,
    )
    exported(model, X)


@pytest.mark.parametrize("opset", range(17, 24))
def test_every_opset(opset: int) -> None:
    model = sequential(
        layers.Embedding(10, 3, mask_zero=True),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.GRU(4),
        layers.Dense(3, activation="gelu"),
        layers.Activation("mish"),
        x=IDS,
    )
    proto = exported(model, IDS, opset=opset)
    assert proto.opset_import[0].version == opset


def test_any_batch_and_any_length() -> None:
    model = models.Sequential(
        [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(10, 3, mask_zero=True),
            layers.LSTM(4, return_sequences=True),
            layers.GRU(4),
        ]
    )
    randomize(model)
    for ids in (IDS, IDS[:1, :3], np.tile(IDS, (3, 4))):
        exported(model, ids)

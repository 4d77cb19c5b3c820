"""Layers with weights, inputs and outputs that Keras 2.0 wrote for Keras.js."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import layers, models

GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
# Per case: the layer's flags. Keras 2 ran `predict` twice on stateful layers.
FLAGS: list[dict[str, bool]] = [
    {},
    {},
    {"return_sequences": True},
    {"go_backwards": True},
    {"return_sequences": True, "go_backwards": True},
    {"stateful": True},
    {"return_sequences": True, "stateful": True},
    {"go_backwards": True, "stateful": True},
    {"return_sequences": True, "go_backwards": True, "stateful": True},
]


def array(entry: dict[str, Any]) -> np.ndarray:
    return np.array(entry["data"], np.float32).reshape(entry["shape"])


def steeper(weights: list[np.ndarray], class_name: str) -> list[np.ndarray]:
    """Weights that turn Keras 3's hard sigmoid into that of Keras 2.

    Keras 2 clips 0.2x + 0.5 and Keras 3 clips x/6 + 0.5: the first is the second at 1.2x. The
    columns that enter an activation other than the recurrent one stay as they are.
    """
    gates = GATES[class_name]
    candidate = {"LSTM": 2, "GRU": 2, "SimpleRNN": 0}[class_name]
    factor = np.full(gates, 1.2, np.float32)
    factor[candidate] = 1
    return [w * np.repeat(factor, w.shape[-1] // gates) for w in weights]


def recurrent_case(
    saved_models: Path, class_name: str, number: int
) -> tuple[dict[str, Any], list[np.ndarray], np.ndarray, np.ndarray]:
    """A recurrent layer's arguments and weights, its input (1, time, features) and output."""
    text = (saved_models / "keras_js" / f"{class_name}.json").read_text()
    entry = json.loads(text)[f"recurrent.{class_name}.{number}"]
    weights = [array(w) for w in entry["weights"]]
    flags: dict[str, Any] = dict(FLAGS[number], use_bias=len(weights) == 3)
    if class_name == "GRU":
        flags["reset_after"] = False
    if number == 1:
        flags["activation"] = "sigmoid"
    elif class_name != "SimpleRNN":
        flags["recurrent_activation"] = "hard_sigmoid"
        weights = steeper(weights, class_name)
    return flags, weights, array(entry["input"])[None], array(entry["expected"])


@pytest.mark.parametrize("class_name", list(GATES))
@pytest.mark.parametrize("number", range(9))
def test_recurrent(saved_models: Path, class_name: str, number: int) -> None:
    flags, weights, x, expected = recurrent_case(saved_models, class_name, number)
    model = models.Sequential(
        [
            layers.Input(batch_shape=x.shape),
            getattr(layers, class_name)(weights[1].shape[0], **flags),
        ]
    )
    model.set_weights(weights)
    for _ in range(2 if flags.get("stateful") else 1):
        y = model.predict(x, verbose=0)
    # Input, weights and outputs are written with six decimals.
    np.testing.assert_allclose(y[0], expected, atol=5e-6)


@pytest.mark.parametrize("number", range(3))
def test_embedding(saved_models: Path, number: int) -> None:
    text = (saved_models / "keras_js" / "Embedding.json").read_text()
    entry = json.loads(text)[f"embeddings.Embedding.{number}"]
    table = array(entry["weights"][0])
    layer = layers.Embedding(*table.shape)
    layer.build((None, None))
    layer.set_weights([table])
    ids = array(entry["input"]).astype(np.int32)
    np.testing.assert_array_equal(layer(ids[None]).numpy()[0], array(entry["expected"]))

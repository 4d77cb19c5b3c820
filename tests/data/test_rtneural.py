"""Models trained for RTNeural, in Keras' layout and PyTorch's, against their recorded outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import inference, layers, models
from gatework.interop.torch import load_state_dict


def columns(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Recorded input (T, 1) and output (T,)."""
    x = np.loadtxt(folder / f"{name}_x_python.csv", dtype=np.float32)
    return x[:, None], np.loadtxt(folder / f"{name}_y_python.csv", dtype=np.float32)


def layer_of(entry: dict[str, Any]) -> layers.Layer:
    """The layer an entry of RTNeural's JSON describes."""
    kind, units = entry["type"], entry["shape"][-1]
    activation = entry["activation"] or "linear"
    if kind == "activation":
        return layers.Activation(activation)
    if kind in ("lstm", "gru"):
        return {"lstm": layers.LSTM, "gru": layers.GRU}[kind](units, return_sequences=True)
    dense = layers.Dense(units, activation=activation, use_bias=len(entry["weights"]) == 2)
    return layers.TimeDistributed(dense) if kind.startswith("time") else dense


@pytest.mark.parametrize("name", ["lstm", "lstm_1d", "gru", "gru_1d", "dense"])
def test_keras_layout(saved_models: Path, name: str) -> None:
    folder = saved_models / "rtneural"
    x, expected = columns(folder, name)
    entries = json.loads((folder / f"{name}.json").read_text())["layers"]
    batch = x if name == "dense" else x[None]
    model = models.Sequential(
        [layers.Input(batch.shape[1:]), *(layer_of(entry) for entry in entries)]
    )
    model.set_weights([np.array(w, np.float32) for entry in entries for w in entry["weights"]])
    y = model.predict(batch, verbose=0)
    np.testing.assert_allclose(y.reshape(-1), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_torch_layout(saved_models: Path, cell: str) -> None:
    folder = saved_models / "rtneural"
    x, expected = columns(folder, f"{cell}_torch")
    text = (folder / f"{cell}_torch.json").read_text()
    state = json.loads(text)
    kind = {"lstm": layers.LSTM, "gru": layers.GRU}[cell]
    model = models.Sequential(
        [
            layers.Input((None, 1)),
            *(kind(8, return_sequences=True) for _ in range(4)),
            layers.Dense(1),
        ]
    )
    load_state_dict(model, state)
    y = model.predict(x[None], verbose=0)
    np.testing.assert_allclose(y.reshape(-1), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["lstm", "lstm_1d", "gru", "gru_1d", "dense"])
def test_int8_is_near(saved_models: Path, name: str) -> None:
    """The recorded output with an error of a few hundredths, by streaming as by whole sequences."""
    folder = saved_models / "rtneural"
    x, expected = columns(folder, name)
    entries = json.loads((folder / f"{name}.json").read_text())["layers"]
    shape = (1,) if name == "dense" else (None, 1)
    model = models.Sequential([layers.Input(shape), *(layer_of(entry) for entry in entries)])
    model.set_weights([np.array(w, np.float32) for entry in entries for w in entry["weights"]])
    program = inference.compile(model, dtype="int8")
    y = program(x if name == "dense" else x[None]).reshape(-1)
    assert np.linalg.norm(y - expected) <= 0.05 * np.linalg.norm(expected)
    if name != "dense":
        session = program.session()
        steps = np.concatenate([session.step(row[None]) for row in x])
        np.testing.assert_array_equal(steps.reshape(-1), y)

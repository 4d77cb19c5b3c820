"""Models trained for RTNeural, in Keras' layout and PyTorch's, against their recorded outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import layers, models


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


def from_torch(state: dict[str, np.ndarray], prefix: str, level: int) -> list[np.ndarray]:
    """One level of PyTorch's weights in Keras' layout.

    PyTorch's LSTM has the same gate order and two biases that add up; its GRU has the gates reset,
    update, candidate where Keras has update, reset, candidate, and keeps both biases.
    """
    parts = [
        state[f"{prefix}.{part}_l{level}"]
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    if prefix.startswith("lstm"):
        inner, recurrent, bias_in, bias_hidden = parts
        return [inner.T, recurrent.T, bias_in + bias_hidden]
    inner, recurrent, bias_in, bias_hidden = (
        np.concatenate([np.split(part, 3)[gate] for gate in (1, 0, 2)]) for part in parts
    )
    return [inner.T, recurrent.T, np.stack([bias_in, bias_hidden])]


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_torch_layout(saved_models: Path, cell: str) -> None:
    folder = saved_models / "rtneural"
    x, expected = columns(folder, f"{cell}_torch")
    text = (folder / f"{cell}_torch.json").read_text()
    state = {key: np.array(value, np.float32) for key, value in json.loads(text).items()}
    kind = {"lstm": layers.LSTM, "gru": layers.GRU}[cell]
    model = models.Sequential(
        [
            layers.Input((None, 1)),
            *(kind(8, return_sequences=True) for _ in range(4)),
            layers.Dense(1),
        ]
    )
    levels = [(cell, 0), (f"{cell}2", 0), (f"{cell}2", 1), (f"{cell}2", 2)]
    weights = [w for prefix, level in levels for w in from_torch(state, prefix, level)]
    model.set_weights([*weights, state["dense.weight"].T, state["dense.bias"]])
    y = model.predict(x[None], verbose=0)
    np.testing.assert_allclose(y.reshape(-1), expected, rtol=1e-5, atol=1e-6)

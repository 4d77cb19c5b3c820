"""Models that Keras 1.2, 2.0, 2.1 and 2.2 saved, against the outputs recorded with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from gatework import layers, models
from gatework.saving import load_model, model_from_json

# Trained with a target as "outputs"; what the model said is in "predictions".
RECORDED = ["simple_lstm_tf_keras_1", "simple_rnn_tf_keras_2"]
PAIRS = ["bidirectional_lstm_tensorflow", "embedding_lstm_tensorflow", "lstm_tensorflow"]
UNUSED_STATE = "ignore:the optimizer starts anew:UserWarning"


def hard_sigmoid(x: np.ndarray) -> np.ndarray:
    return np.clip(0.2 * x + 0.5, 0, 1)


def lstm(x: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """All outputs (batch, time, units) of Keras 2's LSTM with its default activations."""
    kernel, recurrent, bias = (w.astype(np.float64) for w in weights)
    h = c = np.zeros((len(x), recurrent.shape[0]))
    outputs = []
    for step in x.swapaxes(0, 1):
        i, f, g, o = np.split(step @ kernel + h @ recurrent + bias, 4, axis=1)
        c = hard_sigmoid(f) * c + hard_sigmoid(i) * np.tanh(g)
        h = hard_sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs, axis=1)


def gates_together(group: Any, prefix: str) -> list[np.ndarray]:
    """Keras 1's arrays of each gate as Keras 2's three."""
    return [
        np.concatenate([group[f"{prefix}_{part}_{gate}:0"][()] for gate in "ifco"], axis=-1)
        for part in "WUb"
    ]


@pytest.mark.filterwarnings(UNUSED_STATE)
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_predictions(saved_models: Path, name: str) -> None:
    folder = saved_models / "keras_h5"
    model = load_model(folder / f"{name}_model.h5")
    with h5py.File(folder / f"{name}_inputs_and_outputs.h5") as recorded:
        [x] = [value[()] for value in recorded["inputs"].values()]
        expected = recorded["predictions/dense_1"][()]
        inner = {key: value[()] for key, value in recorded["activations"].items()}
    np.testing.assert_allclose(model.predict(x, batch_size=25, verbose=0), expected, atol=1e-5)
    first = model.layers[0]
    np.testing.assert_allclose(first(x[:25]).numpy(), inner[first.name][:25], atol=1e-5)


@pytest.mark.filterwarnings(UNUSED_STATE)
@pytest.mark.parametrize("version", [1, 2])
def test_weights_alone_fill_a_model(saved_models: Path, version: int) -> None:
    folder = saved_models / "keras_h5"
    name = f"simple_lstm_tf_keras_{version}"
    model = models.Sequential(
        [
            layers.Input((1, 1)),
            layers.LSTM(50, recurrent_activation="hard_sigmoid_keras2"),
            layers.Dense(1),
        ]
    )
    model.load_weights(folder / f"{name}_weights.h5")
    whole = load_model(folder / f"{name}_model.h5", compile=False)
    for ours, theirs in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "name", ["simple_lstm_tf_keras_1", "simple_lstm_tf_keras_2", "simple_rnn_tf_keras_2"]
)
def test_a_configuration_and_weights_in_files_of_their_own(saved_models: Path, name: str) -> None:
    folder = saved_models / "keras_h5"
    model = model_from_json((folder / f"{name}_config.json").read_text())
    model.load_weights(folder / f"{name}_weights.h5")
    whole = load_model(folder / f"{name}_model.h5", compile=False)
    x = np.random.default_rng(0).normal(size=(25, 1, 1)).astype(np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), whole.predict(x, verbose=0))


def test_weights_for_another_function_of_the_same_name(saved_models: Path) -> None:
    model = models.Sequential(
        [layers.Input((1, 1)), layers.LSTM(50, recurrent_activation="hard_sigmoid")]
    )
    model.add(layers.Dense(1))
    with pytest.warns(UserWarning, match="hard_sigmoid_keras2"):
        model.load_weights(saved_models / "keras_h5" / "simple_lstm_tf_keras_2_weights.h5")


@pytest.mark.parametrize("version", [1, 2])
def test_lstm(saved_models: Path, version: int) -> None:
    path = saved_models / "keras_h5" / f"lstm_tensorflow_{version}.h5"
    x = np.random.default_rng(0).normal(size=(3, 4, 1)).astype(np.float32)
    with h5py.File(path) as h5:
        group = h5["model_weights/lstm_1"]
        weights = (
            gates_together(group, "lstm_1")
            if version == 1
            else [group[f"lstm_1/{w}:0"][()] for w in ("kernel", "recurrent_kernel", "bias")]
        )
    y = load_model(path).predict(x, verbose=0)
    np.testing.assert_allclose(y, lstm(x, weights)[:, -1], atol=1e-5)


@pytest.mark.parametrize("version", [1, 2])
def test_bidirectional(saved_models: Path, version: int) -> None:
    path = saved_models / "keras_h5" / f"bidirectional_lstm_tensorflow_{version}.h5"
    x = np.random.default_rng(0).normal(size=(3, 4, 10)).astype(np.float32)
    with h5py.File(path) as h5:
        group = h5["model_weights/bidirectional_1"]
        forward, backward = (
            gates_together(group, f"{way}_lstm_1")
            if version == 1
            else [
                group[f"bidirectional_1/{way}_lstm_1/{w}:0"][()]
                for w in ("kernel", "recurrent_kernel", "bias")
            ]
            for way in ("forward", "backward")
        )
    both = [lstm(x, forward), lstm(x[:, ::-1], backward)[:, ::-1]]
    y = load_model(path).predict(x, verbose=0)
    np.testing.assert_allclose(y, np.concatenate(both, axis=-1), atol=1e-5)


@pytest.mark.parametrize("version", [1, 2])
def test_embedding(saved_models: Path, version: int) -> None:
    path = saved_models / "keras_h5" / f"embedding_lstm_tensorflow_{version}.h5"
    ids = np.random.default_rng(0).integers(0, 4, (3, 10))
    model = load_model(path)
    table, *weights = model.get_weights()
    with h5py.File(path) as h5:
        name = "embedding_1_W:0" if version == 1 else "embedding_1/embeddings:0"
        np.testing.assert_array_equal(table, h5[f"model_weights/embedding_1/{name}"][()])
    y = model.predict(ids, verbose=0)
    np.testing.assert_allclose(y, lstm(table[ids], weights), atol=1e-5)


@pytest.mark.parametrize("name", ["masking_zero_lstm", "masking_two_lstm"])
def test_masked_steps_are_skipped(saved_models: Path, name: str) -> None:
    model = load_model(saved_models / "keras_h5" / f"{name}.h5")
    padding = {"masking_zero_lstm": 0.0, "masking_two_lstm": 2.0}[name]
    x = np.random.default_rng(0).normal(size=(2, 10, 42)).astype(np.float32)
    x[:, 6:] = padding
    y = model.predict(x, verbose=0)
    np.testing.assert_allclose(y, lstm(x[:, :6], model.get_weights())[:, -1], atol=1e-5)


def test_the_optimizer_goes_on(saved_models: Path) -> None:
    path = saved_models / "keras_h5" / "simple_rnn_tf_keras_2_model.h5"
    model = load_model(path)
    assert type(model.optimizer).__name__ == "RMSprop"
    assert model.loss == "mse"
    with h5py.File(path) as h5:
        first = h5["optimizer_weights/training/RMSprop/Variable:0"][()]
    np.testing.assert_array_equal(model.optimizer.variables[2].numpy(), first)

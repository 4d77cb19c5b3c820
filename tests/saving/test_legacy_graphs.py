"""Functional models in ``.h5`` files of Keras 2 and tf.keras, and weights that go by graph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import layers, models, optimizers
from gatework.saving import load_model

from tests.saving.hostile import layer_config, members, write
from tests.saving.legacy_files import layer, random_arrays, write_model

X = np.random.default_rng(5).normal(size=(3, 4, 2)).astype(np.float32)


def node(name: str, class_name: str, inbound: list[Any], **config: Any) -> dict[str, Any]:
    """A layer of a functional model, as Keras 1 and 2 wrote it."""
    entry = layer(class_name, name=name, **config)
    return {**entry, "name": name, "inbound_nodes": inbound}


def graph(outputs: list[Any], *nodes: dict[str, Any]) -> dict[str, Any]:
    inputs = [[n["name"], 0, 0] for n in nodes if n["class_name"] == "InputLayer"]
    config = {"name": "m", "layers": list(nodes), "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Model", "config": config}


class TestGraphs:
    def test_states_given_and_returned(self, tmp_path: Path) -> None:
        """Called with a list, as Keras 2 calls recurrent layers that get states."""
        whole = graph(
            [["d", 0, 0]],
            node("x", "InputLayer", [], batch_input_shape=[None, None, 2], dtype="float32",
                 sparse=False),
            node("s", "InputLayer", [], batch_input_shape=[None, 3], dtype="float32"),
            node("l", "LSTM", [[["x", 0, 0, {}], ["s", 0, 0, {}], ["s", 0, 0, {}]]], units=3,
                 recurrent_activation="hard_sigmoid", return_state=True, time_major=False),
            node("c", "Concatenate", [[["l", 0, 0, {}], ["l", 0, 2, {}]]], axis=-1),
            node("d", "Dense", [[["c", 0, 0, {}]]], units=2),
        )  # fmt: skip
        weights = {
            "l": random_arrays(l__kernel=(2, 12), l__recurrent_kernel=(3, 12), l__bias=(12,)),
            "d": random_arrays(d__kernel=(6, 2), d__bias=(2,)),
        }
        model = load_model(write_model(tmp_path / "m.h5", whole, weights))
        cell = layers.LSTM(3, recurrent_activation="hard_sigmoid_keras2", return_state=True)
        cell.build(X.shape)
        cell.set_weights(list(weights["l"].values()))
        start = np.random.default_rng(2).normal(size=(3, 3)).astype(np.float32)
        h, _, c = (state.numpy() for state in cell(X, initial_state=[start, start]))
        kernel, bias = weights["d"].values()
        expected = np.concatenate([h, c], axis=-1) @ kernel + bias
        np.testing.assert_allclose(model.predict([X, start], verbose=0), expected, atol=1e-5)

    def test_a_shared_layer(self, tmp_path: Path) -> None:
        whole = graph(
            [["a", 0, 0]],
            node("x", "InputLayer", [], batch_input_shape=[None, 2]),
            node("d", "Dense", [[["x", 0, 0, {}]], [["d", 0, 0, {}]]], units=2),
            node("a", "Add", [[["d", 0, 0, {}], ["d", 1, 0, {}]]]),
        )
        arrays = random_arrays(d__kernel=(2, 2), d__bias=(2,))
        model = load_model(write_model(tmp_path / "m.h5", whole, {"d": arrays}))
        kernel, bias = arrays.values()
        x = X[:, 0]
        once = x @ kernel + bias
        expected = once + (once @ kernel + bias)
        np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [
            ("sum", lambda x: x + x), ("mul", lambda x: x * x), ("ave", lambda x: x),
            ("max", lambda x: x), ("concat", lambda x: np.concatenate([x, x], axis=-1)),
        ],
    )  # fmt: skip
    def test_merge_of_keras_1(self, tmp_path: Path, mode: str, expected: Any) -> None:
        whole = graph(
            [["m", 0, 0]],
            node("x", "InputLayer", [], batch_input_shape=[None, 2], input_dtype="float32",
                 sparse=False),
            node("m", "Merge", [[["x", 0, 0], ["x", 0, 0]]], mode=mode, concat_axis=-1,
                 dot_axes=-1, mode_type="raw", output_shape=None),
        )  # fmt: skip
        model = load_model(write_model(tmp_path / "m.h5", whole, {}, "1.2.2"))
        x = X[:, 0]
        np.testing.assert_allclose(model.predict(x, verbose=0), expected(x), rtol=1e-6)

    @pytest.mark.parametrize(
        "inbound", [3, [[]], [3], [[["x", 0]]], [[["x", 9, 0, {}]]], [[["y", 0, 0, {}]]],
                    [[["d", 0, 0, {}]]]]
    )  # fmt: skip
    def test_connections_that_lead_nowhere(self, tmp_path: Path, inbound: Any) -> None:
        whole = graph(
            [["d", 0, 0]],
            node("x", "InputLayer", [], batch_input_shape=[None, 2]),
            node("d", "Dense", inbound, units=2),
        )
        arrays = random_arrays(d__kernel=(2, 2), d__bias=(2,))
        with pytest.raises(ValueError, match="d"):
            load_model(write_model(tmp_path / "m.h5", whole, {"d": arrays}))


def test_keras_files_of_tf_keras(tmp_path: Path) -> None:
    """The last versions of Keras 2 wrote ``.keras`` too, in their own words."""
    model = models.Sequential(
        [
            layers.Input((None, 2)),
            layers.LSTM(3, recurrent_activation="hard_sigmoid_keras2", name="words"),
            layers.Dense(1, name="classes"),
        ]
    )
    model.compile(optimizers.SGD(0.5), "mse")
    model.save(tmp_path / "m.keras")
    parts = members(tmp_path / "m.keras")
    config = json.loads(parts["config.json"])
    entry = layer_config(config, "words")["config"]
    entry |= {"recurrent_activation": "hard_sigmoid", "time_major": False, "implementation": 2}
    first = config["config"]["layers"][0]["config"]
    first["batch_input_shape"] = first.pop("batch_shape")
    old = {"learning_rate": 0.5, "jit_compile": True, "is_legacy_optimizer": False}
    config["compile_config"] = {
        "optimizer": {"module": "keras.optimizers", "class_name": "SGD", "config": old},
        "loss": {
            "module": "keras.losses",
            "class_name": "MeanSquaredError",
            "config": {"reduction": "auto", "name": "mean_squared_error"},
        },
        "metrics": None,
        "jit_compile": None,
    }
    parts["config.json"] = json.dumps(config).encode()
    parts["metadata.json"] = b'{"keras_version": "2.15.0"}'
    again = load_model(write(tmp_path / "old.keras", parts))
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert float(again.optimizer.learning_rate) == 0.5
    again.train_on_batch(X, np.ones((3, 1)))

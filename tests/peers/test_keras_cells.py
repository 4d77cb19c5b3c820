"""RNN, cells, stacks, Bidirectional, TimeDistributed against Keras, live; files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest

from tests.peers.keras_side import agree, as_array, random_weights, run_gatework, run_keras

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3, 5, 4)).astype(np.float32)
MASK = np.array([[1, 0, 1, 0, 1], [0, 1, 1, 1, 0], [0, 0, 0, 1, 1]], bool)


def own_cell(K: Any) -> type:
    """The same cell for both: a leaky average with an output of its own size."""

    class Leaky(K.layers.Layer):  # type: ignore[misc]
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = self.state_size = units

        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

        def call(self, inputs: Any, states: Any) -> Any:
            new = states[0] * 0.5 + K.ops.tanh(K.ops.matmul(inputs, self.kernel))
            return new, [new]

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "units": self.units}

    return Leaky


LEAKY = {K: own_cell(K) for K in (keras, gatework)}
Maker = Callable[..., Any]
CELLS: dict[str, Maker] = {
    "lstm": lambda K: K.layers.LSTMCell(6, unit_forget_bias=False),
    "gru": lambda K: K.layers.GRUCell(6, activation="relu", reset_after=False),
    "simple_rnn": lambda K: K.layers.SimpleRNNCell(6, use_bias=False),
    "own": lambda K: LEAKY[K](6),
    "stack": lambda K: K.layers.StackedRNNCells([K.layers.LSTMCell(5), K.layers.GRUCell(6)]),
    "stack with own": lambda K: [K.layers.SimpleRNNCell(5), LEAKY[K](6)],
}
FLAGS = [
    {},
    {"go_backwards": True, "return_sequences": True},
    {"return_sequences": True, "zero_output_for_mask": True},
]


@pytest.mark.parametrize("flags", FLAGS, ids=lambda flags: "-".join(flags) or "plain")
@pytest.mark.parametrize("name", CELLS)
def test_rnn(name: str, flags: dict[str, Any]) -> None:
    rng = np.random.default_rng(len(name))
    theirs = keras.layers.RNN(CELLS[name](keras), return_state=True, **flags)
    theirs.build(X.shape)
    weights = random_weights(rng, theirs)
    ours = gatework.layers.RNN(CELLS[name](gatework), return_state=True, **flags)
    # Keras 3.15 repeats the first row of the state of a stack's last cell at masked steps of all
    # rows, when the cell gives its state bare.
    given = {"mask": MASK} if flags and name != "stack with own" else {}
    expected, up, expected_gradients = run_keras(theirs, weights, X, 1, **given)
    outputs, gradients = run_gatework(ours, weights, X, up, **given)
    agree(outputs, expected)
    agree(gradients, expected_gradients)


@pytest.mark.parametrize("name", CELLS)
def test_one_step(name: str) -> None:
    rng = np.random.default_rng(7)
    theirs, ours = CELLS[name](keras), CELLS[name](gatework)
    if isinstance(ours, list):
        theirs, ours = keras.layers.StackedRNNCells(theirs), gatework.layers.StackedRNNCells(ours)
    theirs.build(X[:, 0].shape)
    ours.build(X[:, 0].shape)
    weights = random_weights(rng, theirs)
    theirs.set_weights(weights)
    ours.set_weights(weights)

    def steps(cell: Any) -> list[np.ndarray]:
        start = getattr(cell, "get_initial_state", None)
        states = start(batch_size=3) if start else [np.zeros((3, 6), np.float32)]
        outputs = []
        for t in range(3):
            output, states = cell(X[:, t], states)
            outputs.append(as_array(output))
        return outputs

    agree(steps(ours), steps(theirs))


@pytest.mark.parametrize("merge_mode", ["concat", "ave", None])
def test_bidirectional_around_rnn(merge_mode: str | None) -> None:
    def make(K: Any) -> Any:
        return K.layers.Bidirectional(
            K.layers.RNN(CELLS["stack"](K), return_sequences=True),
            backward_layer=K.layers.RNN(
                K.layers.GRUCell(6), return_sequences=True, go_backwards=True
            ),
            merge_mode=merge_mode,
        )

    rng = np.random.default_rng(9)
    theirs = make(keras)
    theirs.build(X.shape)
    weights = random_weights(rng, theirs)
    expected, up, expected_gradients = run_keras(theirs, weights, X, 1, mask=MASK)
    outputs, gradients = run_gatework(make(gatework), weights, X, up, mask=MASK)
    agree(outputs, expected)
    agree(gradients, expected_gradients)


def test_time_distributed_masks() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(2, 3, 5, 4)).astype(np.float32)
    mask = rng.random((2, 3, 5)) < 0.6

    def make(K: Any) -> Any:
        return K.layers.TimeDistributed(K.layers.GRU(6))

    theirs = make(keras)
    theirs.build(x.shape)
    weights = random_weights(rng, theirs)
    expected, up, expected_gradients = run_keras(theirs, weights, x, 1, mask=mask)
    outputs, gradients = run_gatework(make(gatework), weights, x, up, mask=mask)
    agree(outputs, expected)
    agree(gradients, expected_gradients)


def cells(K: Any) -> list[Any]:
    return [
        K.layers.RNN(K.layers.LSTMCell(5), return_sequences=True, name="plain"),
        K.layers.RNN([K.layers.GRUCell(4), K.layers.SimpleRNNCell(3)], return_sequences=True),
        K.layers.Bidirectional(K.layers.RNN(K.layers.GRUCell(4)), merge_mode="mul"),
        K.layers.Dense(2),
    ]


def own(K: Any) -> list[Any]:
    return [K.layers.RNN(LEAKY[K](5), return_sequences=True), K.layers.RNN(CELLS["stack"](K))]


@pytest.mark.parametrize(
    "libraries",
    [
        pytest.param((gatework, keras), id="to_keras"),
        pytest.param((keras, gatework), id="from_keras"),
    ],
)
@pytest.mark.parametrize("parts", [cells, own])
def test_files(tmp_path: Path, libraries: tuple[Any, Any], parts: Maker) -> None:
    """What one saves the other opens and predicts the same, also with a cell somebody wrote."""
    writer, reader = libraries
    model = writer.models.Sequential([writer.layers.Input(X.shape[1:]), *parts(writer)])
    model.set_weights([RNG.normal(0, 0.5, w.shape).astype("float32") for w in model.get_weights()])
    model.save(tmp_path / "model.keras")
    loaded = reader.models.load_model(
        tmp_path / "model.keras", custom_objects={"Leaky": LEAKY[reader]}
    )
    agree([np.asarray(loaded.predict(X, verbose=0))], [np.asarray(model.predict(X, verbose=0))])
    for own_value, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(own_value, theirs)

"""RNN over cells that somebody wrote, held against the compiled layers; states, files, errors."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from gatework import GradientTape, Tensor, ops, saving
from gatework.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Dense,
    GRUCell,
    Layer,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4)).astype(np.float32)
H = RNG.normal(size=(3, 6)).astype(np.float32)
MASKS = {
    "none": None,
    "holes": np.array([[1, 0, 1, 0, 1], [0, 1, 1, 1, 0], [1, 0, 0, 1, 1]], bool),
    "pre": np.array([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]], bool),
    "a whole row": np.array([[1, 1, 0, 1, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool),
}
PAIRS = {"lstm": (LSTM, LSTMCell), "gru": (GRU, GRUCell), "simple": (SimpleRNN, SimpleRNNCell)}


class Elman(Layer):
    """A simple recurrent network in the fewest lines; its weights are those of SimpleRNN."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units))
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units))
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros")

    def call(self, inputs: Any, states: Any) -> Any:
        h = ops.tanh(inputs @ self.kernel + states[0] @ self.recurrent_kernel + self.bias)
        return h, [h]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


def step_by_step(kind: type) -> type:
    """The cell as one that somebody wrote: its steps are its own."""

    class Own(kind):  # type: ignore[misc]
        def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
            return super().call(inputs, states, training)

    return Own


def results(layer: Any, x: np.ndarray, states: list[np.ndarray], **given: Any) -> list[np.ndarray]:
    """Outputs, final states, and the gradients of a weighted sum of both."""
    source, begin = Tensor(x), [Tensor(s) for s in states]
    with GradientTape() as tape:
        tape.watch([source, *begin])
        outputs = layer(source, initial_state=begin or None, **given)
    up = [np.random.default_rng(i).normal(size=o.shape) for i, o in enumerate(outputs)]
    sources = [*layer.trainable_weights, source, *begin]
    found = tape.gradient(outputs, sources, [Tensor(g, "float32") for g in up])
    return [np.asarray(value) for value in (*outputs, *found)]


def assert_alike(own: Any, compiled: Any, states: int, **given: Any) -> None:
    own.build(X.shape)
    compiled.build(X.shape)
    own.set_weights(compiled.get_weights())
    for begin in ([], [(k + 1) * H for k in range(states)]):
        pairs = zip(
            results(own, X, begin, **given), results(compiled, X, begin, **given), strict=True
        )
        for a, b in pairs:
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("cell", PAIRS)
def test_steps_on_the_tape_are_the_compiled_layer(cell: str, mask: str) -> None:
    """Outputs, states and gradients with every flag."""
    layer, kind = PAIRS[cell]
    for back, sequences, zero in product((False, True), repeat=3):
        flags = {
            "go_backwards": back,
            "return_sequences": sequences,
            "zero_output_for_mask": zero,
            "return_state": True,
        }
        own = RNN(step_by_step(kind)(6), **flags)
        assert_alike(own, layer(6, **flags), 1 + (cell == "lstm"), mask=MASKS[mask])


@pytest.mark.parametrize("mask", MASKS)
def test_a_cell_in_a_few_lines(mask: str) -> None:
    flags = {"return_sequences": True, "return_state": True}
    assert_alike(RNN(Elman(6), **flags), SimpleRNN(6, **flags), 1, mask=MASKS[mask])


@pytest.mark.parametrize("cell", PAIRS)
def test_compiled_cells_take_the_compiled_loop(cell: str) -> None:
    """The same bits as the layer of that name, training with dropout included."""
    layer, kind = PAIRS[cell]
    options = {"dropout": 0.3, "recurrent_dropout": 0.4, "seed": 3}
    flags = {"return_sequences": True, "return_state": True, "go_backwards": True}
    own, named = RNN(kind(6, **options), **flags), layer(6, **options, **flags)
    own.build(X.shape)
    named.build(X.shape)
    own.set_weights(named.get_weights())
    for training in (False, True):
        pairs = zip(
            own(X, mask=MASKS["holes"], training=training),
            named(X, mask=MASKS["holes"], training=training),
            strict=True,
        )
        for a, b in pairs:
            np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_nan_under_the_mask_is_never_seen() -> None:
    layer = RNN(Elman(6), return_sequences=True)
    mask = MASKS["holes"]
    assert mask is not None
    dirty = np.where(mask[:, :, None], X, np.nan).astype(np.float32)
    source = Tensor(dirty)
    with GradientTape() as tape:
        tape.watch(source)
        out = layer(source, mask=mask)
    np.testing.assert_array_equal(out.numpy(), layer(X, mask=mask).numpy())
    for gradient in tape.gradient(out, [source, *layer.trainable_weights]):
        assert np.isfinite(np.asarray(gradient)).all()


class Pair:
    """No layer at all, two states of different sizes, an output of its own size, its own start."""

    state_size = (2, 3)
    output_size = 5

    def call(self, inputs: Any, states: Any) -> Any:
        a, b = states
        a, b = a + ops.sum(inputs, axis=-1, keepdims=True), b * 2.0
        return ops.concatenate([a, b], axis=-1), (a, b)

    def get_initial_state(self, batch_size: int) -> Any:
        return [ops.zeros((batch_size, 2)), ops.ones((batch_size, 3))]


class TestContract:
    def test_sizes_states_and_start_are_the_cells(self) -> None:
        layer = RNN(Pair(), return_sequences=True, return_state=True)
        out, a, b = layer(X)
        assert [out.shape, a.shape, b.shape] == [(3, 5, 5), (3, 2), (3, 3)]
        np.testing.assert_allclose(a.numpy()[:, 0], X.sum((1, 2)), rtol=1e-5)
        np.testing.assert_array_equal(b.numpy(), np.full((3, 3), 32.0))
        shapes = layer.compute_output_shape((None, 5, 4))
        assert shapes == [(None, 5, 5), (None, 2), (None, 3)]

    def test_before_the_first_output_there_is_none_to_repeat(self) -> None:
        out = RNN(Pair(), return_sequences=True)(X, mask=MASKS["pre"]).numpy()
        np.testing.assert_array_equal(out[0, :2], 0)
        assert (out[0, 2, 2:] == 2).all()

    def test_inputs_may_have_more_axes(self) -> None:
        class Sum(Layer):
            state_size = 1

            def call(self, inputs: Any, states: Any) -> Any:
                new = states[0] + ops.reshape(ops.sum(inputs, axis=(1, 2)), (-1, 1))
                return new, [new]

        x = RNG.normal(size=(2, 5, 3, 4)).astype(np.float32)
        np.testing.assert_allclose(RNN(Sum())(x).numpy()[:, 0], x.sum((1, 2, 3)), rtol=1e-5)

    def test_training_reaches_cells_that_ask(self) -> None:
        class Asks(Elman):
            def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
                return (ops.ones_like(states[0]) if training else states[0]), states

        assert (RNN(Asks(2))(X, training=True).numpy() == 1).all()
        assert (RNN(Asks(2))(X).numpy() == 0).all()

    def test_a_start_of_its_own_for_a_compiled_cell(self) -> None:
        class Warm(GRUCell):
            def get_initial_state(self, batch_size: int) -> Any:
                return [ops.ones((batch_size, self.units))]

        layer = RNN(Warm(6))
        first = layer(X).numpy()
        np.testing.assert_array_equal(
            layer(X, initial_state=np.ones((3, 6), np.float32)).numpy(), first
        )

    def test_dropout_of_a_compiled_cell_inside_is_one_mask_per_sequence(self) -> None:
        class Around(Elman):
            def build(self, input_shape: Any) -> None:
                self.inner = SimpleRNNCell(
                    self.units, activation="linear", dropout=0.5, seed=1,
                    kernel_initializer="ones", recurrent_initializer="zeros",
                )  # fmt: skip
                self.inner.build(input_shape)

            def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
                return self.inner(inputs, states, training=training)

        ones = np.ones((4, 6, 8), np.float32)
        layer = RNN(Around(2), return_sequences=True)
        out = layer(ones, training=True).numpy()
        np.testing.assert_array_equal(out, np.repeat(out[:, :1], 6, axis=1))
        assert (layer(ones, training=True).numpy() != out).any()

    def test_stateful(self) -> None:
        layer = RNN(Elman(6), stateful=True)
        first = layer(X).numpy()
        second = layer(X).numpy()
        np.testing.assert_allclose(
            second, layer(X, initial_state=first).numpy(), rtol=1e-6, atol=1e-7
        )
        with pytest.raises(ValueError, match="must be that of its states, 3, not 2"):
            layer(X[:2])
        layer.reset_states()
        np.testing.assert_array_equal(layer(X[:2]).numpy(), first[:2])

    def test_config(self) -> None:
        layer = RNN(GRUCell(6, reset_after=False), return_sequences=True, go_backwards=True)
        again = RNN.from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
        own = RNN(Elman(6))
        config = saving.serialize_keras_object(own)
        with pytest.raises(ValueError, match="Elman must be one of the package or registered"):
            saving.deserialize_keras_object(config)
        again = saving.deserialize_keras_object(config, custom_objects={"Elman": Elman})
        assert isinstance(again.cell, Elman)

    def test_both_directions_of_a_cell_that_is_not_registered(self) -> None:
        layer = Bidirectional(RNN(Elman(6), return_sequences=True))
        assert layer(X).shape == (3, 5, 12)
        assert layer.backward_layer.cell is not layer.forward_layer.cell
        assert layer.backward_layer.go_backwards

    @pytest.mark.parametrize(
        ("make", "sentence"),
        [
            (
                lambda: RNN(3),
                r"cell must have 'call', which 3 has not; write LSTMCell\(3\), or LSTM\(3\)",
            ),
            (lambda: LSTMCell(2).build((4, None)), r"as in Input\(\(None, features\)\)"),
            (lambda: RNN(Dense(2)), "cell must have 'state_size'"),
            (lambda: RNN([Dense(2)]), r"cells\[0\] must have 'state_size'"),
            (lambda: RNN([]), r"cells must be a list of at least one cell, not \[\]"),
            (lambda: RNN(Elman(2))(X[0]), "must have at least 3 axes, not 2"),
            (lambda: RNN(Elman(2))(X[:, :0]), "sequences must have at least one time step"),
            (lambda: RNN(Elman(2))(X, mask=np.ones((3, 4))), r"mask must have shape \(3, 5\)"),
            (
                lambda: RNN(LSTMCell(2))(X, initial_state=[X[:, 0]]),
                r"must be 2 tensor\(s\) of shape \(batch, 2\), \(batch, 2\), not 1",
            ),
            (
                lambda: LSTM(2, name="mine")(X, initial_state=[X[:, 0, :2], X[:2, 0, :2]]),
                r"initial_state of mine must hold tensors of shape \(3, 2\), not \(2, 2\)",
            ),
            (
                lambda: GRU(2, name="mine")(X, initial_state=X[0, 0, :2]),
                r"initial_state of mine must hold tensors of shape \(3, 2\), not \(2,\)",
            ),
            (
                lambda: GRU(2, name="mine").reset_states([X[:, 0]]),
                r"initial_state of mine must hold tensors of shape \(batch, 2\), not \(3, \d\)",
            ),
        ],
    )
    def test_refused(self, make: Any, sentence: str) -> None:
        with pytest.raises(ValueError, match=sentence):
            make()

    @pytest.mark.parametrize("state", ["zeros", None])
    def test_states_that_are_no_tensors(self, state: Any) -> None:
        with pytest.raises(TypeError, match=rf"must hold tensors, not {state!r}"):
            LSTM(2)(X, initial_state=[state, state])

"""Bidirectional: values, states, masks, configurations, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import GradientTape, ops
from gatework.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Dense,
    Layer,
    SimpleRNN,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 3)).astype(np.float32)
MASK = np.array([[1, 1, 0, 1, 0], [0, 0, 1, 1, 1]], bool)
MERGES = {
    "concat": lambda f, b: np.concatenate([f, b], -1),
    "sum": lambda f, b: f + b,
    "ave": lambda f, b: (f + b) / 2,
    "mul": lambda f, b: f * b,
}


def halves(wrapper: Bidirectional, x: np.ndarray, **given: Any) -> tuple[Any, Any]:
    """Outputs of both directions, the backward one in the order of time."""
    forward = wrapper.forward_layer(x, **given).numpy()
    backward = wrapper.backward_layer(x, **given).numpy()
    return forward, backward[:, ::-1] if wrapper.return_sequences else backward


class TestBidirectional:
    @pytest.mark.parametrize("merge_mode", list(MERGES))
    @pytest.mark.parametrize("return_sequences", [False, True])
    @pytest.mark.parametrize("cell", [LSTM, GRU, SimpleRNN])
    def test_merges(self, merge_mode: str, return_sequences: bool, cell: Any) -> None:
        layer = Bidirectional(cell(4, return_sequences=return_sequences), merge_mode=merge_mode)
        out = layer(X)
        np.testing.assert_allclose(out.numpy(), MERGES[merge_mode](*halves(layer, X)), rtol=1e-6)
        assert layer.compute_output_shape((2, 5, 3)) == out.shape

    def test_both(self) -> None:
        layer = Bidirectional(LSTM(4, return_sequences=True), merge_mode=None)
        for own, expected in zip(layer(X), halves(layer, X), strict=True):
            np.testing.assert_array_equal(own.numpy(), expected)

    def test_the_backward_layer_reads_time_from_its_end(self) -> None:
        layer = Bidirectional(SimpleRNN(4), merge_mode=None)
        layer.build(X.shape)
        layer.backward_layer.set_weights(layer.forward_layer.get_weights())
        np.testing.assert_allclose(
            layer(X)[1].numpy(), layer.forward_layer(X[:, ::-1]).numpy(), rtol=1e-6
        )

    def test_states(self) -> None:
        layer = Bidirectional(LSTM(4, return_state=True))
        out, *states = layer(X)
        assert out.shape == (2, 8)
        assert [s.shape for s in states] == [(2, 4)] * 4
        np.testing.assert_array_equal(
            out.numpy(), np.concatenate([states[0].numpy(), states[2].numpy()], -1)
        )
        again = layer(X, initial_state=states)[0].numpy()
        assert (again != out.numpy()).any()
        with pytest.raises(ValueError, match="as many states backward as forward, not 3"):
            layer(X, initial_state=states[:3])

    def test_masked_steps_are_zero(self) -> None:
        layer = Bidirectional(LSTM(4, return_sequences=True))
        out = layer(X, mask=MASK)
        np.testing.assert_array_equal(out.numpy()[~MASK], 0)
        assert (out.numpy()[MASK] != 0).all()
        np.testing.assert_array_equal(np.asarray(out._keras_mask), MASK)

    def test_a_mask_reaches_both_directions(self) -> None:
        layer = Bidirectional(GRU(4))
        short = np.ones((2, 5), bool)
        short[:, 3:] = False
        np.testing.assert_allclose(
            layer(X, mask=short).numpy(), layer(X[:, :3]).numpy(), rtol=1e-5, atol=1e-6
        )
        assert layer(X, mask=short)._keras_mask is None

    def test_a_backward_layer_of_its_own(self) -> None:
        layer = Bidirectional(
            LSTM(4, return_sequences=True),
            backward_layer=GRU(6, return_sequences=True, go_backwards=True, name="mine"),
        )
        assert layer(X).shape == (2, 5, 10)
        again = Bidirectional.from_config(layer.get_config())
        assert isinstance(again.backward_layer, GRU)
        assert again(X).shape == (2, 5, 10)

    def test_names_and_weights(self) -> None:
        layer = Bidirectional(LSTM(4, name="words"), name="both")
        layer.build(X.shape)
        assert layer.forward_layer.name == "forward_words"
        assert layer.backward_layer.name == "backward_words"
        assert not layer.forward_layer.go_backwards
        assert layer.backward_layer.go_backwards
        assert len(layer.weights) == 6
        assert layer.weights[0] is layer.forward_layer.cell.kernel
        assert layer.weights[3] is layer.backward_layer.cell.kernel

    def test_stateful(self) -> None:
        layer = Bidirectional(GRU(4, stateful=True))
        first = layer(X).numpy()
        assert (layer(X).numpy() != first).any()
        layer.reset_states()
        np.testing.assert_array_equal(layer(X).numpy(), first)

    def test_gradients_reach_both(self) -> None:
        layer = Bidirectional(LSTM(4))
        with GradientTape() as tape:
            loss = ops.sum(layer(X))
        gradients = tape.gradient(loss, layer.trainable_weights)
        assert all(np.abs(np.asarray(g)).max() > 0 for g in gradients)

    def test_dropout_in_training_only(self) -> None:
        layer = Bidirectional(LSTM(4, dropout=0.5, recurrent_dropout=0.5, seed=1))
        still = layer(X).numpy()
        np.testing.assert_array_equal(layer(X).numpy(), still)
        assert (layer(X, training=True).numpy() != still).any()

    def test_a_recurrent_layer_somebody_wrote(self) -> None:
        class Last(Layer):
            """The last step in its direction; takes neither a mask nor an initial state."""

            return_sequences = return_state = False

            def __init__(self, go_backwards: bool = False, **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.go_backwards = go_backwards

            def call(self, inputs: Any) -> Any:
                return inputs[:, 0 if self.go_backwards else -1]

            def get_config(self) -> dict[str, Any]:
                return {**super().get_config(), "go_backwards": self.go_backwards}

        out = Bidirectional(Last())(X)
        np.testing.assert_array_equal(out.numpy(), np.concatenate([X[:, -1], X[:, 0]], -1))

    @pytest.mark.parametrize(
        ("make", "sentence"),
        [
            (lambda: Bidirectional(3), "layer must be a Layer, not 3"),
            (
                lambda: Bidirectional(Dense(2)),
                "^layer must be a recurrent layer, such as LSTM, .* not Dense, which has no",
            ),
            (
                lambda: Bidirectional(LSTM(2), backward_layer=Dense(2)),
                "^backward_layer must be a recurrent layer, .* not Dense",
            ),
            (
                lambda: Bidirectional(LSTM(2))(X, initial_state=[X[:, 0, :2]] * 2),
                r"must hold 2 state\(s\) forward and then 2 backward, not 2 in all",
            ),
            (lambda: Bidirectional(LSTM(2), merge_mode="max"), "merge_mode must be one of"),
            (
                lambda: Bidirectional(LSTM(2), backward_layer=LSTM(2)),
                "backward_layer must have another go_backwards",
            ),
            (
                lambda: Bidirectional(
                    LSTM(2), backward_layer=LSTM(2, go_backwards=True, return_sequences=True)
                ),
                "the same return_sequences as layer, False, not True",
            ),
        ],
    )
    def test_refused(self, make: Any, sentence: str) -> None:
        with pytest.raises(ValueError, match=sentence):
            make()

    def test_states_that_are_no_list(self) -> None:
        with pytest.raises(TypeError, match=r"initial_state of both must be a list .*, not str"):
            Bidirectional(LSTM(2), name="both")(X, initial_state="zeros")

"""LSTMCell, GRUCell and SimpleRNNCell called one step at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import GradientTape, ops
from gatework.layers import GRU, LSTM, GRUCell, LSTMCell, SimpleRNN, SimpleRNNCell

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4)).astype(np.float32)
PAIRS = [(LSTMCell, LSTM), (GRUCell, GRU), (SimpleRNNCell, SimpleRNN)]


@pytest.mark.parametrize(("kind", "layer"), PAIRS)
def test_steps_are_those_of_the_layer(kind: Any, layer: Any) -> None:
    whole = layer(6, return_sequences=True)
    expected = whole(X).numpy()
    states = whole.cell.get_initial_state(batch_size=3)
    for t in range(5):
        output, states = whole.cell(X[:, t], states)
        np.testing.assert_allclose(output.numpy(), expected[:, t], rtol=1e-6, atol=1e-7)
    assert len(states) == len(kind(6).get_initial_state(2))


@pytest.mark.parametrize("kind", [GRUCell, SimpleRNNCell])
def test_a_single_state_comes_back_as_it_was_given(kind: Any) -> None:
    cell = kind(6)
    h = np.ones((3, 6), np.float32)
    output, bare = cell(X[:, 0], h)
    _, (listed,) = cell(X[:, 0], [h])
    np.testing.assert_array_equal(bare.numpy(), listed.numpy())
    np.testing.assert_array_equal(output.numpy(), bare.numpy())


def test_gradients_pass_through_steps() -> None:
    cell = LSTMCell(6)
    states: Any = cell.get_initial_state(3)
    with GradientTape() as tape:
        for t in range(5):
            output, states = cell(X[:, t], states)
        loss = ops.sum(output)
    whole = LSTM(6)
    whole.build(X.shape)
    whole.set_weights(cell.get_weights())
    with GradientTape() as other:
        expected = ops.sum(whole(X))
    pairs = zip(
        tape.gradient(loss, cell.trainable_weights),
        other.gradient(expected, whole.trainable_weights),
        strict=True,
    )
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


class TestDropout:
    def outputs(self, cell: Any, training: bool = True) -> np.ndarray:
        return cell(np.ones((3, 40), np.float32), [np.ones((3, 6), np.float32)], training=training)[
            0
        ].numpy()

    def test_one_mask_until_it_is_reset(self) -> None:
        cell = SimpleRNNCell(6, dropout=0.5, recurrent_dropout=0.5, seed=1)
        first = self.outputs(cell)
        np.testing.assert_array_equal(self.outputs(cell), first)
        cell.reset_dropout_mask()
        second = self.outputs(cell)
        assert (second != first).any()
        cell.reset_recurrent_dropout_mask()
        assert (self.outputs(cell) != second).any()

    def test_masks_are_factors(self) -> None:
        cell = GRUCell(6, dropout=0.25)
        mask = np.asarray(cell.get_dropout_mask(np.ones((200, 50), np.float32)))
        assert set(np.unique(mask)) == {0, np.float32(1 / 0.75)}
        assert abs((mask == 0).mean() - 0.25) < 0.02
        assert cell.get_recurrent_dropout_mask(np.ones((2, 6))) is None

    def test_none_outside_of_training(self) -> None:
        cell = SimpleRNNCell(6, dropout=0.5, recurrent_dropout=0.5)
        still = self.outputs(cell, training=False)
        plain = SimpleRNNCell(6)
        self.outputs(plain)
        plain.set_weights(cell.get_weights())
        np.testing.assert_array_equal(self.outputs(plain), still)


def test_configs_come_back() -> None:
    for kind, _ in PAIRS:
        cell = kind(6, activation="relu", dropout=0.1, kernel_regularizer="l2", name="mine")
        assert kind.from_config(cell.get_config()).get_config() == cell.get_config()


def test_sizes_are_told() -> None:
    assert LSTMCell(6).state_size == [6, 6]
    assert GRUCell(6).state_size == 6
    assert LSTMCell(6).output_size == 6
    assert [s.shape for s in LSTMCell(6).get_initial_state(batch_size=2)] == [(2, 6), (2, 6)]

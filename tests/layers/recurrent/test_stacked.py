"""StackedRNNCells: layers of cells as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import GradientTape, ops
from gatework.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
    StackedRNNCells,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4)).astype(np.float32)
MASK = np.array([[0, 1, 1, 0, 1], [1, 1, 1, 1, 1], [0, 0, 0, 1, 1]], bool)


class Own(GRUCell):
    """Computes its steps itself, so that a stack with it runs step by step."""

    def call(self, inputs: Any, states: Any, training: bool = False) -> Any:
        return super().call(inputs, states, training)


def stack(top: type = GRUCell, **flags: Any) -> RNN:
    return RNN([LSTMCell(6), top(7)], return_state=True, **flags)


def with_the_weights_of(layer: Any, other: Any) -> Any:
    layer.build(X.shape)
    layer.set_weights(other.get_weights())
    return layer


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("mask", [None, MASK])
def test_a_stack_is_layers_one_above_the_other(go_backwards: bool, mask: Any) -> None:
    layer = stack(go_backwards=go_backwards, return_sequences=True)
    out, lower, (upper,) = layer(X, mask=mask)
    first = LSTM(6, return_sequences=True, return_state=True, go_backwards=go_backwards)
    second = GRU(7, return_sequences=True, return_state=True)
    first.build(X.shape)
    second.build((3, 5, 6))
    first.set_weights(layer.get_weights()[:3])
    second.set_weights(layer.get_weights()[3:])
    between, h, c = first(X, mask=mask)
    flipped = mask[:, ::-1] if go_backwards and mask is not None else mask
    expected, top = second(between, mask=flipped)
    for a, b in zip((out, *lower, upper), (expected, h, c, top), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("zero_output_for_mask", [False, True])
@pytest.mark.parametrize("mask", [None, MASK])
def test_step_by_step_is_layer_by_layer(
    go_backwards: bool, zero_output_for_mask: bool, mask: Any
) -> None:
    flags = {"go_backwards": go_backwards, "zero_output_for_mask": zero_output_for_mask}
    compiled = stack(return_sequences=True, **flags)
    compiled.build(X.shape)
    own = with_the_weights_of(stack(Own, return_sequences=True, **flags), compiled)
    found = []
    for layer in (compiled, own):
        with GradientTape() as tape:
            out, (h, c), (top,) = layer(X, mask=mask)
            loss = ops.sum(out * out) + ops.sum(h * c) + ops.sum(top)
        found.append([out, h, c, top, *tape.gradient(loss, layer.trainable_weights)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-5)


def test_states_go_in_as_they_came_out_or_flat() -> None:
    layer = stack()
    _, lower, upper = layer(X)
    nested = layer(X, initial_state=[lower, upper])[0].numpy()
    flat = layer(X, initial_state=[*lower, *upper])[0].numpy()
    np.testing.assert_array_equal(nested, flat)
    assert (nested != layer(X)[0].numpy()).any()
    assert layer.state_size == [[6, 6], 7]
    assert layer.compute_output_shape((3, 5, 4)) == [(3, 7), [(3, 6), (3, 6)], [(3, 7)]]


def test_stateful() -> None:
    layer = stack(stateful=True)
    first, lower, upper = layer(X)
    second = layer(X)[0].numpy()
    layer.reset_states()
    np.testing.assert_array_equal(layer(X)[0].numpy(), first.numpy())
    layer.reset_states([lower, upper])
    np.testing.assert_array_equal(layer(X)[0].numpy(), second)


def test_one_step() -> None:
    cell = StackedRNNCells([LSTMCell(6), GRUCell(7)])
    states = cell.get_initial_state(batch_size=3)
    output, (lower, (upper,)) = cell(X[:, 0], states)
    assert output.shape == (3, 7)
    assert [s.shape for s in lower] == [(3, 6), (3, 6)]
    np.testing.assert_array_equal(upper.numpy(), output.numpy())
    layer = with_the_weights_of(RNN([LSTMCell(6), GRUCell(7)]), cell)
    np.testing.assert_allclose(layer(X[:, :1]).numpy(), output.numpy(), rtol=1e-6, atol=1e-7)


def test_dropout_masks_are_each_cells_own() -> None:
    layer = RNN([SimpleRNNCell(6, dropout=0.5, seed=1), SimpleRNNCell(7, dropout=0.5, seed=2)])
    still = layer(X).numpy()
    assert (layer(X, training=True).numpy() != still).any()


def test_both_directions_and_configuration() -> None:
    layer = Bidirectional(RNN([LSTMCell(6), GRUCell(7)], return_sequences=True))
    assert layer(X, mask=MASK).shape == (3, 5, 14)
    again = Bidirectional.from_config(layer.get_config())
    with_the_weights_of(again, layer)
    np.testing.assert_array_equal(again(X, mask=MASK).numpy(), layer(X, mask=MASK).numpy())
    assert again.forward_layer.get_config() == layer.forward_layer.get_config()

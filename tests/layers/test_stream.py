"""Recurrent layers one step at a time, and weights that are packed once between changes."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from gatework.layers import GRU, LSTM, SimpleRNN


def built(kind: Any, **options: Any) -> Any:
    layer = kind(6, return_sequences=True, **options)
    layer.build((None, None, 3))
    return layer


@pytest.mark.parametrize("kind", [LSTM, GRU, SimpleRNN])
def test_steps_give_the_outputs_of_the_whole_sequence(kind: Any) -> None:
    layer = built(kind)
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    expected = layer(x).numpy()
    stream = layer.stream(batch_size=2)
    for t in range(5):
        np.testing.assert_allclose(stream.step(x[:, t]), expected[:, t], rtol=1e-6, atol=1e-7)
    stream.reset()
    out = np.empty((2, 6), np.float32)
    assert stream.step(x[:, 0].tolist(), out) is out
    np.testing.assert_allclose(out, expected[:, 0], rtol=1e-6, atol=1e-7)


def test_states_can_be_kept_and_restored() -> None:
    layer = built(LSTM)
    stream = layer.stream()
    x = np.ones((1, 3), np.float32)
    stream.step(x)
    kept = stream.states
    second = stream.step(x)
    stream.states = kept
    np.testing.assert_array_equal(stream.step(x), second)


def test_what_cannot_be_streamed_is_refused() -> None:
    with pytest.raises(ValueError, match="goes backwards"):
        built(LSTM, go_backwards=True).stream()
    with pytest.raises(ValueError, match="has no weights yet"):
        LSTM(4).stream()
    with pytest.raises(ValueError, match="batch_size must be a positive integer, not 0"):
        built(GRU).stream(0)


@pytest.mark.parametrize("kind", [LSTM, GRU, SimpleRNN])
def test_new_weights_are_used_at_once(kind: Any) -> None:
    """Every way of writing to a weight makes the packed ones stale."""
    layer = built(kind)
    x = np.ones((1, 4, 3), np.float32)
    for change in (
        lambda: layer.set_weights([w * 0.5 for w in layer.get_weights()]),
        lambda: layer.cell.kernel.assign_add(np.ones_like(layer.cell.kernel.numpy())),
        lambda: layer.cell.bias.assign(np.ones_like(layer.cell.bias.numpy())),
    ):
        before = layer(x).numpy()
        change()
        after = layer(x).numpy()
        assert not np.allclose(before, after)
        fresh = built(kind)
        fresh.set_weights(layer.get_weights())
        np.testing.assert_array_equal(after, fresh(x).numpy())


def test_copies_and_pickles_pack_for_themselves() -> None:
    layer = built(LSTM)
    x = np.ones((1, 4, 3), np.float32)
    expected = layer(x).numpy()
    for other in (copy.deepcopy(layer.cell.packed), pickle.loads(pickle.dumps(layer.cell.packed))):
        assert other is not layer.cell.packed
        assert other._kept is None
    np.testing.assert_array_equal(layer(x).numpy(), expected)

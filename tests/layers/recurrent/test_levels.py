"""num_layers: several layers as one, alone and in both directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import GradientTape, ops
from gatework.layers import GRU, LSTM, Bidirectional, SimpleRNN

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4)).astype(np.float32)
MASK = np.array([[0, 1, 1, 0, 1], [1, 1, 1, 1, 1], [0, 0, 0, 1, 1]], bool)
KINDS = [LSTM, GRU, SimpleRNN]


def close(own: Any, theirs: Any) -> None:
    np.testing.assert_allclose(np.asarray(own), np.asarray(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("mask", [None, MASK])
@pytest.mark.parametrize("kind", KINDS)
def test_layers_one_above_the_other(kind: Any, mask: Any) -> None:
    """Outputs, all states in order, and gradients, are those of single layers."""
    flags = {"return_sequences": True, "return_state": True}
    layer = kind(6, num_layers=3, **flags)
    layer.build(X.shape)
    singles = [kind(6, **flags) for _ in range(3)]
    values = layer.get_weights()
    for i, single in enumerate(singles):
        single.build((3, 5, 6 if i else 4))
        single.set_weights(values[3 * i : 3 * i + 3])
    with GradientTape() as tape:
        out, *states = layer(X, mask=mask)
        loss = ops.sum(out * out) + sum(ops.sum(s) for s in states)
    with GradientTape() as other:
        sequences, expected = X, []
        for single in singles:
            sequences, *final = single(sequences, mask=mask)
            expected += final
        wanted = ops.sum(sequences * sequences) + sum(ops.sum(s) for s in expected)
    for a, b in zip((out, *states), (sequences, *expected), strict=True):
        close(a, b)
    weights = [w for single in singles for w in single.trainable_weights]
    found = tape.gradient(loss, layer.trainable_weights)
    for a, b in zip(found, other.gradient(wanted, weights), strict=True):
        close(a, b)
    close(layer(X, mask=mask, initial_state=states)[0][:, -1] * 0 + 1, np.ones((3, 6)))
    assert layer.state_size == [6] * len(states)
    assert layer.compute_output_shape((3, 5, 4)) == [(3, 5, 6)] + [(3, 6)] * len(states)


@pytest.mark.parametrize("merge_mode", ["concat", "sum"])
@pytest.mark.parametrize("kind", KINDS)
def test_both_directions_are_joined_after_every_layer(kind: Any, merge_mode: str) -> None:
    layer = Bidirectional(kind(6, num_layers=2, return_state=True), merge_mode=merge_mode)
    out, *states = layer(X, mask=MASK)
    lower = Bidirectional(kind(6, return_sequences=True, return_state=True), merge_mode=merge_mode)
    upper = Bidirectional(kind(6, return_state=True), merge_mode=merge_mode)
    lower.build(X.shape)
    upper.build((3, 5, 12 if merge_mode == "concat" else 6))
    values = layer.get_weights()
    lower.set_weights([*values[0:3], *values[6:9]])
    upper.set_weights([*values[3:6], *values[9:12]])
    between, *first = lower(X, mask=MASK)
    expected, *second = upper(between, mask=MASK)
    close(out, expected)
    each = len(first) // 2
    order = [*first[:each], *second[:each], *first[each:], *second[each:]]
    for a, b in zip(states, order, strict=True):
        close(a, b)
    again = layer(X, mask=MASK, initial_state=states)[0]
    assert (again.numpy() != out.numpy()).any()


def test_dropout_between_layers_only() -> None:
    """A constant sequence through cells that pass it on: the mask is one for every step."""
    options = {"activation": "linear", "kernel_initializer": "ones", "return_sequences": True}
    layer = SimpleRNN(
        1, num_layers=2, layer_dropout=0.5, recurrent_initializer="zeros", seed=1, **options
    )
    x = np.ones((20, 30, 1), np.float32)
    out = layer(x, training=True).numpy()
    assert set(np.unique(out)) == {0.0, 2.0}
    assert abs((out == 0).mean() - 0.5) < 0.1
    np.testing.assert_array_equal(layer(x).numpy(), x)
    both = Bidirectional(layer)
    assert set(np.unique(both(x, training=True).numpy())) == {0.0, 2.0, 4.0}


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_steps_all_layers(kind: Any) -> None:
    layer = kind(6, num_layers=3, return_sequences=True)
    expected = layer(X).numpy()
    stream = layer.stream(batch_size=3)
    for t in range(5):
        close(stream.step(X[:, t]), expected[:, t])
    kept = stream.states
    assert len(kept) == len(layer.state_size)
    one = stream.step(X[:, 0])
    stream.states = kept
    np.testing.assert_array_equal(stream.step(X[:, 0]), one)
    stream.reset()
    close(stream.step(X[:, 0]), expected[:, 0])
    with pytest.raises(ValueError, match=f"states must be {len(kept)} arrays, not 1"):
        stream.states = kept[:1]


def test_stateful() -> None:
    for layer in (
        GRU(6, num_layers=2, stateful=True),
        Bidirectional(LSTM(6, num_layers=2, stateful=True)),
    ):
        first = layer(X).numpy()
        assert (layer(X).numpy() != first).any()
        layer.reset_states()
        np.testing.assert_array_equal(layer(X).numpy(), first)


def test_configuration() -> None:
    layer = LSTM(6, num_layers=2, layer_dropout=0.1, dropout=0.2, seed=3, name="deep")
    config = layer.get_config()
    assert config["num_layers"] == 2
    again = LSTM.from_config(config)
    assert again.get_config() == config
    assert [w.shape for w in _built(again).weights] == [w.shape for w in _built(layer).weights]
    plain = LSTM(6).get_config()
    assert "num_layers" not in plain
    assert "layer_dropout" not in plain


def _built(layer: Any) -> Any:
    layer.build(X.shape)
    return layer


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: LSTM(2, num_layers=0), "num_layers must be a positive integer, not 0"),
        (lambda: LSTM(2, num_layers=True), "num_layers must be a positive integer, not True"),
        (
            lambda: LSTM(2, num_layers=2, layer_dropout=1.0),
            r"layer_dropout must be in \[0, 1\), not 1.0",
        ),
        (
            lambda: Bidirectional(LSTM(2, num_layers=2), backward_layer=LSTM(2, go_backwards=True)),
            "the same num_layers as layer, 2, not 1",
        ),
        (
            lambda: Bidirectional(LSTM(2, num_layers=2, go_backwards=True)),
            "layer of several layers must go forwards",
        ),
        (
            lambda: LSTM(2, num_layers=2)(X, initial_state=[X[:, 0, :2]]),
            "must be 4 tensor",
        ),
    ],
)
def test_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()

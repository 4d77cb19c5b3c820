"""MultiHeadAttention and GroupedQueryAttention: formula, masks, gradients, shapes, errors.

Keras' numbers are in tests/peers.
"""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import Input, Model, layers
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.layers.slopes import check_slopes

RNG = np.random.default_rng(0)
QUERY = RNG.normal(size=(2, 5, 6)).astype(np.float32)
VALUE = RNG.normal(size=(2, 4, 6)).astype(np.float32)
KEY = RNG.normal(size=(2, 4, 6)).astype(np.float32)
VALUE_MASK = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)
QUERY_MASK = np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], bool)
PAIRS = RNG.random((2, 5, 4)) < 0.7

KINDS = {
    "heads": lambda **more: layers.MultiHeadAttention(2, 4, value_dim=3, **more),
    "groups": lambda **more: layers.GroupedQueryAttention(4, 4, 2, **more),
}
every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
CALLS: dict[str, dict[str, Any]] = {
    "plain": {},
    "key": {"key": KEY},
    "causal": {"use_causal_mask": True},
    "masks": {"query_mask": QUERY_MASK, "value_mask": VALUE_MASK, "attention_mask": PAIRS},
    "scores": {"return_attention_scores": True, "value_mask": VALUE_MASK},
}


def randomized(layer: Any, *inputs: Any) -> Any:
    """A layer built by a call, all its weights random: biases begin as zeros."""
    layer(*inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    return layer


def masked(x: np.ndarray, mask: np.ndarray) -> Any:
    tensor = gatework.Tensor(x)
    tensor._keras_mask = gatework.Tensor(mask)
    return tensor


def test_one_head_is_the_formula() -> None:
    layer = randomized(layers.MultiHeadAttention(1, 4, value_dim=3), QUERY, VALUE)
    q, k, v = (
        np.einsum("btf,fnd->btnd", x, part.kernel.numpy())[:, :, 0] + part.bias.numpy()[0]
        for x, part in (
            (QUERY, layer.query_dense), (VALUE, layer.key_dense), (VALUE, layer.value_dense),
        )
    )  # fmt: skip
    logits = q @ k.swapaxes(1, 2) / 2
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    last = layer.output_dense
    expected = weights @ v @ last.kernel.numpy()[0] + last.bias.numpy()
    found, scores = layer(QUERY, VALUE, return_attention_scores=True)
    np.testing.assert_allclose(scores.numpy()[:, 0], weights, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5)


@every_kind
@pytest.mark.parametrize("call", CALLS)
def test_scores_do_not_change_the_outputs(make: Any, call: str) -> None:
    """The two ways to compute are the same function, with a window and dropout too."""
    arguments = {**CALLS[call], "return_attention_scores": False}
    for options in ({}, {"sliding_window": 2}, {"dropout": 0.5, "seed": 1, "use_gate": True}):
        layer = randomized(make(**options), QUERY, VALUE)
        plain = layer(QUERY, VALUE, **arguments)
        found, scores = layer(QUERY, VALUE, **{**arguments, "return_attention_scores": True})
        np.testing.assert_allclose(found.numpy(), plain.numpy(), rtol=1e-4, atol=1e-5)
        sums = scores.numpy().sum(-1)
        assert scores.shape == (2, scores.shape[1], 5, 4)
        assert (np.isclose(sums, 1, atol=1e-5) | (sums == 0)).all()


@every_kind
@pytest.mark.parametrize("call", CALLS)
def test_gradients_are_slopes(make: Any, call: str) -> None:
    arguments = {name: value for name, value in CALLS[call].items() if name != "key"}
    inputs = [QUERY, VALUE, KEY] if call == "key" else [QUERY, VALUE]
    check_slopes(make(use_gate=call == "plain"), inputs, **arguments)


@every_kind
def test_gradients_are_slopes_under_dropout(make: Any) -> None:
    check_slopes(make(dropout=0.4), [QUERY, VALUE], training=True, return_attention_scores=True)


@every_kind
@settings(max_examples=10)
@given(data=st.data())
def test_padding_never_changes_a_result(make: Any, data: Any) -> None:
    """Steps added behind, whatever they hold, change nothing before them."""
    layer = randomized(make(), QUERY, VALUE)
    more = data.draw(st.integers(1, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    junk = rng.normal(0, 30, (2, more, 6)).astype(np.float32)
    mask = np.arange(4 + more) < 4
    mask = np.broadcast_to(mask, (2, 4 + more))
    padded = layer(QUERY, masked(np.concatenate([VALUE, junk], axis=1), mask))
    np.testing.assert_allclose(padded.numpy(), layer(QUERY, VALUE).numpy(), rtol=1e-5, atol=1e-5)


@every_kind
@pytest.mark.parametrize("scores", [False, True])
def test_causality(make: Any, scores: bool) -> None:
    """What comes later is changed: nothing before moves by a bit."""
    layer = randomized(make(), QUERY, QUERY)
    arguments = {"use_causal_mask": True, "return_attention_scores": scores}
    before = layer(QUERY, QUERY, **arguments)
    for step in range(1, 5):
        other = QUERY.copy()
        other[:, step:] = 9.0
        after = layer(other, other, **arguments)
        a, b = (x[0].numpy() if scores else x.numpy() for x in (before, after))
        np.testing.assert_array_equal(a[:, :step], b[:, :step])
        assert (a[:, step:] != b[:, step:]).any()


@every_kind
@pytest.mark.parametrize("scores", [False, True])
def test_a_query_with_nothing_to_attend_to_finds_zeros(make: Any, scores: bool) -> None:
    layer = randomized(make(), QUERY, VALUE)
    nothing = np.ones((2, 5, 4), bool)
    nothing[0, 2] = nothing[1] = False
    outputs = layer(QUERY, VALUE, attention_mask=nothing, return_attention_scores=scores)
    found = outputs[0] if scores else outputs
    last = layer._output_dense.bias.numpy()
    np.testing.assert_array_equal(found.numpy()[0, 2], last)
    np.testing.assert_array_equal(found.numpy()[1], np.broadcast_to(last, (5, 6)))
    assert np.isfinite(found.numpy()).all()
    if scores:
        assert (outputs[1].numpy()[1] == 0).all()


@every_kind
def test_one_step(make: Any) -> None:
    """With one key its weight is one: the value goes through."""
    layer = randomized(make(), QUERY, VALUE)
    found, scores = layer(QUERY[:, :1], VALUE[:, :1], return_attention_scores=True)
    assert (scores.numpy() == 1).all()
    plain = layer(QUERY[:, :1], VALUE[:, :1], use_causal_mask=True)
    np.testing.assert_allclose(found.numpy(), plain.numpy(), rtol=1e-5, atol=1e-6)


@every_kind
def test_masks_of_the_inputs_are_used_and_that_of_the_query_goes_on(make: Any) -> None:
    layer = randomized(make(), QUERY, VALUE)
    found = layer(masked(QUERY, QUERY_MASK), masked(VALUE, VALUE_MASK))
    given = layer(QUERY, VALUE, query_mask=QUERY_MASK, value_mask=VALUE_MASK)
    np.testing.assert_array_equal(found.numpy(), given.numpy())
    for outputs in (found, given):
        np.testing.assert_array_equal(np.asarray(outputs._keras_mask), QUERY_MASK)
    assert layer(QUERY, masked(VALUE, VALUE_MASK))._keras_mask is None
    with_key = layer(QUERY, VALUE, key=masked(KEY, VALUE_MASK))
    same = layer(QUERY, VALUE, key=KEY, key_mask=VALUE_MASK)
    np.testing.assert_array_equal(with_key.numpy(), same.numpy())


@every_kind
def test_a_window(make: Any) -> None:
    """A band written as a mask is the same; a wide window is none."""
    layer, plain = (randomized(make(**o), QUERY, QUERY) for o in ({"sliding_window": 2}, {}))
    band = np.abs(np.arange(5) - np.arange(5)[:, None]) < 2
    np.testing.assert_allclose(
        layer(QUERY, QUERY).numpy(),
        plain(QUERY, QUERY, attention_mask=band).numpy(),
        rtol=1e-5,
        atol=1e-6,
    )
    wide = randomized(make(sliding_window=5), QUERY, QUERY)
    np.testing.assert_array_equal(wide(QUERY, QUERY).numpy(), plain(QUERY, QUERY).numpy())


@every_kind
def test_dropout_is_for_training_and_follows_the_seed(make: Any) -> None:
    layer, again = (randomized(make(dropout=0.5, seed=3), QUERY, VALUE) for _ in range(2))
    still = layer(QUERY, VALUE).numpy()
    np.testing.assert_array_equal(layer(QUERY, VALUE).numpy(), still)
    first = layer(QUERY, VALUE, training=True).numpy()
    assert (first != still).any()
    np.testing.assert_array_equal(again(QUERY, VALUE, training=True).numpy(), first)
    assert (layer(QUERY, VALUE, training=True).numpy() != first).any()
    bias = layer._output_dense.bias.numpy()
    whole = make(dropout=1.0)
    whole(QUERY, VALUE)
    whole.set_weights(layer.get_weights())
    for scores in (False, True):
        found = whole(QUERY, VALUE, training=True, return_attention_scores=scores)
        found = found[0] if scores else found
        np.testing.assert_array_equal(found.numpy(), np.broadcast_to(bias, (2, 5, 6)))


@every_kind
def test_in_a_functional_model(make: Any) -> None:
    q, v = Input((None, 6)), Input((4, 6))
    layer = make()
    outputs, scores = layer(q, v, return_attention_scores=True)
    assert outputs.shape == (None, None, 6)
    assert scores.shape[0] is None
    assert scores.shape[2:] == (None, 4)
    model = Model([q, v], [outputs, scores])
    expected = layer(QUERY, VALUE, return_attention_scores=True)
    for found, wanted in zip(model.predict([QUERY, VALUE], verbose=0), expected, strict=True):
        np.testing.assert_array_equal(found, wanted.numpy())


X4 = RNG.normal(size=(2, 3, 4, 5)).astype(np.float32)


@pytest.mark.parametrize("axis", [1, 2])
def test_attention_along_one_of_two_axes(axis: int) -> None:
    """Each row along the other axis attends by itself."""
    layer = layers.MultiHeadAttention(2, 3, attention_axes=axis)
    layer(X4, X4)
    found, scores = layer(X4, X4, return_attention_scores=True)
    flat = layers.MultiHeadAttention(2, 3)
    rows = X4.swapaxes(1, 2) if axis == 1 else X4
    flat(rows[:, 0], rows[:, 0])
    flat.set_weights(layer.get_weights())
    for i in range(rows.shape[1]):
        one, one_scores = flat(rows[:, i], rows[:, i], return_attention_scores=True)
        own = found.numpy().swapaxes(1, 2)[:, i] if axis == 1 else found.numpy()[:, i]
        np.testing.assert_allclose(own, one.numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(scores.numpy()[:, i], one_scores.numpy(), atol=1e-6)


def test_attention_over_two_axes_at_once() -> None:
    """All 12 places are one sequence; masks of places and of pairs fit it."""
    layer = randomized(layers.MultiHeadAttention(2, 3, output_shape=(2, 3)), X4, X4)
    flat = layers.MultiHeadAttention(2, 3, output_shape=(2, 3))
    x = X4.reshape(2, 12, 5)
    flat(x, x)
    flat.set_weights(layer.get_weights())
    places, pairs = RNG.random((2, 3, 4)) < 0.7, RNG.random((2, 3, 4, 3, 4)) < 0.7
    found, scores = layer(
        X4, X4, query_mask=places, value_mask=places, attention_mask=pairs,
        return_attention_scores=True,
    )  # fmt: skip
    places, pairs = places.reshape(2, 12), pairs.reshape(2, 12, 12)
    expected, weights = flat(
        x, x, query_mask=places, value_mask=places, attention_mask=pairs,
        return_attention_scores=True,
    )  # fmt: skip
    np.testing.assert_array_equal(found.numpy().reshape(2, 12, 2, 3), expected.numpy())
    np.testing.assert_array_equal(scores.numpy().reshape(2, 2, 12, 12), weights.numpy())
    assert scores.shape == (2, 2, 3, 4, 3, 4)
    assert layer.compute_output_shape((None, 3, 4, 5), X4.shape) == (None, 3, 4, 2, 3)
    check_slopes(layers.MultiHeadAttention(2, 3, attention_axes=-1 - 1), [X4, X4])


def test_config_round_trip() -> None:
    layer = layers.MultiHeadAttention(
        2, 3, 4, 0.1, False, (2, 3), (1,), 3, kernel_regularizer="l2", activity_regularizer="l1",
        bias_constraint="non_neg", use_gate=True, seed=4, name="a",
    )  # fmt: skip
    again = layers.MultiHeadAttention.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    layer(X4, X4)
    assert len(layer.losses) == 5 + 5  # kernels, and the activities of every projection
    groups = KINDS["groups"](sliding_window=2, name="b")
    again = type(groups).from_config(groups.get_config())
    assert again.get_config() == groups.get_config()
    assert layers.GroupQueryAttention is layers.GroupedQueryAttention


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_heads": 0}, "num_heads must be a positive integer, not 0"),
        ({"key_dim": 2.5}, "key_dim must be a positive integer, not 2.5"),
        ({"value_dim": -1}, "value_dim must be a positive integer, not -1"),
        ({"dropout": 1.5}, r"dropout must be in \[0, 1\], not 1.5"),
        ({"sliding_window": 0}, "sliding_window must be a positive integer, not 0"),
        ({"output_shape": (2, 0)}, "output_shape must be 2 integers of at least 1, not"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layers.MultiHeadAttention(**{"num_heads": 2, "key_dim": 3, **arguments})


def test_wrong_calls() -> None:
    layer = layers.MultiHeadAttention(2, 3)
    layer(QUERY, VALUE)
    with pytest.raises(ValueError, match=r"value_mask must have shape \(2, 4\), not \(2, 5\)"):
        layer(QUERY, VALUE, value_mask=QUERY_MASK)
    with pytest.raises(ValueError, match="attention_mask must broadcast to the scores' shape"):
        layer(QUERY, VALUE, attention_mask=PAIRS[:, :3])
    with pytest.raises(ValueError, match=r"key of .* must have the axes of value but the last"):
        layers.MultiHeadAttention(2, 3)(QUERY, VALUE, key=KEY[:, :2])
    with pytest.raises(ValueError, match="attention_axes must be different axes between"):
        layers.MultiHeadAttention(2, 3, attention_axes=2)(QUERY, VALUE)
    with pytest.raises(ValueError, match="return_attention_scores must be False with flash"):
        layers.MultiHeadAttention(2, 3, flash_attention=True)(
            QUERY, VALUE, return_attention_scores=True
        )
    with pytest.raises(ValueError, match="num_key_value_heads must divide num_query_heads, 4"):
        layers.GroupedQueryAttention(3, 4, 3)
    with pytest.raises(ValueError, match=r"query of .* must have shape \(batch, time, features\)"):
        layers.GroupedQueryAttention(3, 4, 2)(X4, X4)
    grid = layers.MultiHeadAttention(2, 3, attention_axes=2)
    with pytest.raises(ValueError, match="must have the sizes of query along the axes that are"):
        grid(X4, X4[:, :2])

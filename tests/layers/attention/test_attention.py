"""Attention and AdditiveAttention: formula, masks, gradients, shapes, errors."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import Input, Model, layers

from tests.layers.slopes import check_slopes

RNG = np.random.default_rng(0)
QUERY = RNG.normal(size=(2, 5, 3)).astype(np.float32)
VALUE = RNG.normal(size=(2, 4, 6)).astype(np.float32)
KEY = RNG.normal(size=(2, 4, 3)).astype(np.float32)
INPUTS = [QUERY, VALUE, KEY]
VALUE_MASK = np.array([[1, 1, 1, 0], [0, 0, 0, 0]], bool)
QUERY_MASK = np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], bool)
SUM = np.tanh(QUERY[:, :, None] + KEY[:, None])

LOGITS = {
    "dot": (layers.Attention, {}, np.einsum("btf,bsf->bts", QUERY, KEY)),
    "concat": (layers.Attention, {"score_mode": "concat"}, SUM.sum(-1)),
    "sum": (layers.AdditiveAttention, {"use_scale": False}, SUM.sum(-1)),
}
every_kind = pytest.mark.parametrize("kind", LOGITS)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@every_kind
@pytest.mark.parametrize("causal", [False, True])
def test_formula(kind: str, causal: bool) -> None:
    cls, options, logits = LOGITS[kind]
    layer = cls(**options)
    if causal:
        logits = np.where(np.tri(5, 4, dtype=bool), logits, -np.inf)
    expected = softmax(logits)
    found, scores = layer(INPUTS, return_attention_scores=True, use_causal_mask=causal)
    np.testing.assert_allclose(scores.numpy(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.numpy(), expected @ VALUE, rtol=1e-5, atol=1e-6)
    plain = layer(INPUTS, use_causal_mask=causal)
    np.testing.assert_allclose(plain.numpy(), found.numpy(), rtol=1e-5, atol=1e-6)


@every_kind
@pytest.mark.parametrize("scores", [False, True])
def test_masks(kind: str, scores: bool) -> None:
    """Masked values do not count, masked queries and those without values give zeros."""
    cls, options, _ = LOGITS[kind]
    layer = cls(**options)

    def call(inputs: Any, **given: Any) -> Any:
        outputs = layer(inputs, return_attention_scores=scores, **given)
        return outputs[0] if scores else outputs

    found = call(INPUTS, mask=[QUERY_MASK, VALUE_MASK])
    short = call([QUERY[:1], VALUE[:1, :3], KEY[:1, :3]]).numpy()[0]
    np.testing.assert_allclose(found.numpy()[0, :4], short[:4], rtol=1e-5, atol=1e-6)
    assert (found.numpy()[0, 4] == 0).all()
    assert (found.numpy()[1] == 0).all()
    np.testing.assert_array_equal(np.asarray(found._keras_mask), QUERY_MASK)
    tensors = [gatework.Tensor(x) for x in INPUTS]
    tensors[0]._keras_mask = gatework.Tensor(QUERY_MASK)
    tensors[1]._keras_mask = gatework.Tensor(VALUE_MASK)
    np.testing.assert_array_equal(call(tensors).numpy(), found.numpy())
    assert call(INPUTS)._keras_mask is None


GRADIENTS: dict[str, tuple[Any, dict[str, Any]]] = {
    "scaled": (layers.Attention(use_scale=True), {}),
    "concat scaled": (layers.Attention(use_scale=True, score_mode="concat"), {}),
    "additive": (layers.AdditiveAttention(), {}),
    "masks": (layers.Attention(use_scale=True), {"mask": [QUERY_MASK, VALUE_MASK]}),
    "causal": (layers.AdditiveAttention(), {"use_causal_mask": True}),
    "scores": (layers.Attention(), {"return_attention_scores": True}),
    "dropout": (layers.Attention(dropout=0.4), {"training": True}),
    "additive dropout": (layers.AdditiveAttention(dropout=0.4), {"training": True}),
}


@pytest.mark.parametrize("case", GRADIENTS)
def test_gradients_are_slopes(case: str) -> None:
    layer, given = GRADIENTS[case]
    check_slopes(layer, INPUTS, listed=True, **given)


@every_kind
def test_dropout(kind: str) -> None:
    cls, options, _ = LOGITS[kind]
    layer, again = (cls(**options, dropout=0.5, seed=2) for _ in range(2))
    still = layer(INPUTS).numpy()
    first = layer(INPUTS, training=True).numpy()
    assert (first != still).any()
    np.testing.assert_array_equal(again(INPUTS, training=True).numpy(), first)
    everything = cls(**options, dropout=1.0)(INPUTS, training=True)
    assert (everything.numpy() == 0).all()


@every_kind
def test_in_a_functional_model(kind: str) -> None:
    cls, options, _ = LOGITS[kind]
    symbols = [Input(x.shape[1:]) for x in INPUTS]
    layer = cls(**options)
    outputs, scores = layer(symbols, return_attention_scores=True)
    assert (outputs.shape, scores.shape) == ((None, 5, 6), (None, 5, 4))
    found = Model(symbols, [outputs, scores]).predict(INPUTS, verbose=0)
    expected = layer(INPUTS, return_attention_scores=True)
    for own, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(own, wanted.numpy(), rtol=1e-6, atol=1e-6)
    assert layer.compute_output_shape([(None, 5, 3), (None, 4, 6)]) == (None, 5, 6)


def test_more_axes_before_time() -> None:
    inputs = [np.stack([x, x[::-1]]) for x in INPUTS]
    found = layers.Attention()(inputs).numpy()
    np.testing.assert_allclose(found[0], layers.Attention()(INPUTS).numpy(), rtol=1e-5, atol=1e-6)


def test_config_round_trip() -> None:
    for layer in (
        layers.Attention(True, "concat", 0.1, 3, name="a"),
        layers.AdditiveAttention(False, 0.1, seed=3, name="b"),
    ):
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
    assert "score_mode" not in layer.get_config()


def test_errors() -> None:
    with pytest.raises(ValueError, match="score_mode must be 'dot' or 'concat', not 'sum'"):
        layers.Attention(score_mode="sum")
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\], not -1"):
        layers.AdditiveAttention(dropout=-1)
    with pytest.raises(ValueError, match="must be a list of at least 2 tensors, not one alone"):
        layers.Attention()(QUERY)
    with pytest.raises(ValueError, match=r"mask\[1\] must have shape \(2, 4\), not \(2, 5\)"):
        layers.Attention()(INPUTS, mask=[None, QUERY_MASK])
    with pytest.raises(ValueError, match="must be a list of 2 or 3, not 1"):
        layers.Attention()(INPUTS, mask=[QUERY_MASK])

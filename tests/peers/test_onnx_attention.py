"""Exported attention and Transformer layers compute in ONNX Runtime what they compute here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import Input, Model, layers
from gatework.interop.onnx import export_model

from tests.peers.onnx_side import exported, randomize

pytest.importorskip("onnx", reason="writes ONNX files with the onnx package, not installed")
pytest.importorskip("onnxruntime", reason="compares with ONNX Runtime, which is not installed")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 8)).astype(np.float32)
SEEN = RNG.normal(size=(3, 4, 8)).astype(np.float32)
# Padding behind, everywhere.
SEEN[1, 2:] = SEEN[2] = 0
IDS = np.array([[1, 2, 3, 0, 0], [8, 7, 5, 6, 1], [0, 0, 0, 0, 0]])


def check(model: Any, *inputs: np.ndarray) -> None:
    randomize(model)
    exported(model, *inputs, back=False)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.MultiHeadAttention(2, 4),
        lambda: layers.MultiHeadAttention(2, 4, 3, use_gate=True, sliding_window=2),
        lambda: layers.MultiHeadAttention(2, 4, use_bias=False, output_shape=(2, 3)),
        lambda: layers.GroupedQueryAttention(4, 6, 2),
    ],
)
def test_heads(make: Any, causal: bool) -> None:
    a, b = Input((None, 8)), Input((None, 8))
    check(Model([a, b], make()(a, layers.Masking()(b), use_causal_mask=causal)), X, SEEN)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Attention(use_scale=True),
        lambda: layers.Attention(use_scale=True, score_mode="concat"),
        lambda: layers.AdditiveAttention(),
        lambda: layers.AdditiveAttention(use_scale=False),
    ],
)
def test_without_projections(make: Any, causal: bool) -> None:
    a, b = Input((None, 8)), Input((None, 8))
    pair = [layers.Masking()(a), layers.Masking()(b)]
    x = X.copy()
    x[0, 3:] = 0
    check(Model([a, b], make()(pair, use_causal_mask=causal)), x, SEEN)


@pytest.mark.parametrize("first", [False, True])
def test_a_language_model(first: bool) -> None:
    ids = Input((None,), dtype="int32")
    embedding = layers.TokenAndPositionEmbedding(9, 7, 8, mask_zero=True)
    options: dict[str, Any] = {"normalize_first": first, "activation": "gelu"}
    hidden = layers.TransformerEncoder(12, 2, **options)(embedding(ids))
    hidden = layers.TransformerDecoder(12, 2, feedforward_gate=True, **options)(hidden)
    check(Model(ids, embedding.token_embedding(hidden, reverse=True)), IDS)


def test_an_encoder_decoder() -> None:
    a, b = Input((5, 8)), Input((None, 8))
    places = layers.PositionEmbedding(9)(a), layers.SinePositionEncoding(50)(a)
    seen = layers.TransformerEncoder(12, 2)(layers.Masking()(b))
    decoded = layers.TransformerDecoder(12, 2)(layers.Add()([a, *places]), seen)
    check(Model([a, b], decoded), X, SEEN)


def test_what_has_no_form_is_refused_by_name() -> None:
    a = Input((5, 8))
    rotary = Model(a, layers.RotaryEmbedding(name="turn")(a))
    with pytest.raises(ValueError, match="without an ONNX form: RotaryEmbedding 'turn'"):
        export_model(rotary)
    scores = layers.MultiHeadAttention(2, 4, name="heads")(a, a, return_attention_scores=True)
    with pytest.raises(ValueError, match="'heads' has no ONNX form: return_attention_scores must"):
        export_model(Model(a, scores))
    grid = Input((3, 5, 8))
    with pytest.raises(ValueError, match="has no ONNX form: query must have 3 axes, not 4"):
        export_model(Model(grid, layers.MultiHeadAttention(2, 4)(grid, grid)))

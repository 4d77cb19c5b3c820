"""Attention and Transformer blocks in programs: the layers' own numbers, or a reason."""

from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.inference import compile, load

from tests.inference.models import shaken
from tests.inference.test_lowering import check


def of_floats(*inner: Any) -> Any:
    return shaken(gatework.Sequential([layers.Input((None, 12)), *inner]), 3)


X = np.random.default_rng(0).normal(size=(2, 7, 12)).astype("float32")


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(
    "options",
    [{}, {"value_dim": 5, "use_bias": False}, {"sliding_window": 3}, {"output_shape": 9}],
)
def test_attention(options: dict[str, Any], causal: bool) -> None:
    x, y = layers.Input((None, 12)), layers.Input((None, 12))
    layer = layers.MultiHeadAttention(3, 4, **options)
    model = gatework.Model([x, y], layer(x, y, use_causal_mask=causal))
    shaken(model, 4)
    other = np.random.default_rng(1).normal(size=(2, 9, 12)).astype("float32")
    for values in ([X, other], [X[:1, :3], other[:1]]):
        np.testing.assert_array_equal(compile(model)(values), model(values).numpy())


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("cls", [layers.TransformerEncoder, layers.TransformerDecoder])
def test_blocks(cls: Any, first: bool) -> None:
    model = of_floats(
        cls(20, 3, activation="gelu", normalize_first=first, dropout=0.1),
        layers.PositionEmbedding(16),
        cls(8, 2, normalize_first=first, activation="silu", feedforward_gate=True),
        layers.Dense(3),
    )
    check(model, X)
    np.testing.assert_array_equal(model.predict(X, verbose=0), model(X, training=False).numpy())


def test_a_decoder_that_reads_an_encoder() -> None:
    x, y = layers.Input((None, 12)), layers.Input((None, 12))
    encoded = layers.TransformerEncoder(16, 2)(y)
    model = gatework.Model([x, y], layers.TransformerDecoder(16, 2)(x, encoded))
    shaken(model, 5)
    np.testing.assert_array_equal(compile(model)([X, X[:, :4]]), model([X, X[:, :4]]).numpy())


def test_a_language_model(tmp_path: Path) -> None:
    ids = np.random.default_rng(0).integers(0, 30, (3, 6))
    words = layers.Input((None,), dtype="int32")
    x = layers.TokenAndPositionEmbedding(30, 8, 12)(words)
    x = layers.TransformerDecoder(24, 3)(x)
    model = shaken(gatework.Model(words, layers.Dense(30, "softmax")(x)), 6)
    program = compile(model)
    np.testing.assert_array_equal(program(ids), model(ids).numpy())
    program.save(tmp_path / "lm.gwp")
    np.testing.assert_array_equal(load(tmp_path / "lm.gwp", verify=True)(ids), program(ids))
    # Few queries are computed by other tiles than many, with roundings of their own.
    np.testing.assert_allclose(program(ids[:, :2]), program(ids)[:, :2], rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="at most 8 steps"):
        program(np.zeros((1, 9), int))
    session = program.session(3)
    session.run(ids)
    session.run(ids[:, :2])
    with pytest.raises(ValueError, match="must be at most 8 in all, as there are positions, not 9"):
        session.step(ids[:, 0])


@pytest.mark.parametrize(
    "inner",
    [
        lambda x: layers.MultiHeadAttention(2, 4)(x, x),
        lambda x: layers.MultiHeadAttention(2, 4, use_gate=True)(x, x, use_causal_mask=True),
        lambda x: layers.GroupedQueryAttention(4, 6, 2)(x, x, x),
        lambda x: layers.Attention(use_scale=True)([x, x]),
        lambda x: layers.TransformerEncoder(8, 2)(x),
        lambda x: layers.TransformerEncoder(8, 2, normalize_first=True)(x),
        lambda x: layers.TransformerDecoder(8, 2)(x),
        lambda x: layers.TransformerDecoder(8, 2)(x, layers.LSTM(6, return_sequences=True)(x)),
        lambda x: layers.LSTM(5)(layers.TransformerEncoder(8, 2)(x)),
    ],
)
def test_masks_of_padding(inner: Any) -> None:
    x = layers.Input((None, 12))
    model = shaken(gatework.Model(x, inner(layers.Masking()(x))), 3)
    values = X.copy()
    values[0, 4:] = values[1, :2] = 0
    check(model, values)
    values[0] = 0
    check(model, values)


def test_weights_of_another_shape_are_kept_too() -> None:
    model = of_floats(layers.TransformerEncoder(8, 2), layers.DepthwiseConv1D(3))
    program = compile(model)
    before = program(X)
    for weight in model.weights:
        weight._value *= 2  # in place, as optimizers write
        weight.touch()
    np.testing.assert_array_equal(program(X), before)

"""Encoder and decoder blocks: gradients, masks, causality, caches, files, errors.

KerasHub's numbers are in tests/peers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import GradientTape, Input, Model, Tensor, Variable, layers
from gatework.losses import SparseCategoricalCrossentropy
from gatework.models import clone_model, load_model
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.layers.slopes import check_slopes

RNG = np.random.default_rng(0)
BATCH, TIME, SIZE, HEADS = 2, 5, 8, 2
X = RNG.normal(size=(BATCH, TIME, SIZE)).astype(np.float32)
ENCODED = RNG.normal(size=(BATCH, 4, 6)).astype(np.float32)
STEPS = np.array([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]], bool)
ENCODED_STEPS = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)
NORMALIZE = pytest.mark.parametrize("first", [False, True])


def randomized(layer: Any, *inputs: Any) -> Any:
    layer(*inputs)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.normal(0, 0.6, w.shape) for w in layer.get_weights()])
    return layer


def encoder(first: bool = False, **more: Any) -> Any:
    return randomized(layers.TransformerEncoder(12, HEADS, normalize_first=first, **more), X)


def decoder(first: bool = False, crosses: bool = False, **more: Any) -> Any:
    inputs = (X, ENCODED) if crosses else (X,)
    layer = layers.TransformerDecoder(12, HEADS, normalize_first=first, **more)
    return randomized(layer, *inputs)


def masked(x: np.ndarray, mask: np.ndarray) -> Any:
    tensor = Tensor(x)
    tensor._keras_mask = Tensor(mask)
    return tensor


def caches(length: int, batch: int = BATCH) -> np.ndarray:
    return np.zeros((batch, 2, length, HEADS, SIZE // HEADS), np.float32)


@NORMALIZE
def test_gradients_are_slopes(first: bool) -> None:
    options: dict[str, Any] = {"normalize_first": first, "activation": "gelu"}
    check_slopes(layers.TransformerEncoder(12, HEADS, **options), [X], padding_mask=STEPS)
    check_slopes(layers.TransformerDecoder(12, HEADS, **options), [X])
    check_slopes(
        layers.TransformerDecoder(12, HEADS, **options), [X, ENCODED],
        encoder_padding_mask=ENCODED_STEPS, decoder_padding_mask=STEPS,
    )  # fmt: skip
    check_slopes(layers.TransformerEncoder(12, HEADS, dropout=0.3, **options), [X], training=True)
    check_slopes(layers.TransformerDecoder(12, HEADS, feedforward_gate=True, **options), [X])


@NORMALIZE
def test_a_gate_of_the_feedforward_network(first: bool) -> None:
    layer = encoder(first, activation="silu", feedforward_gate=True)
    ungated = encoder(first, activation="silu")
    names = [w.path for w in layer.weights]
    assert len(names) == len(ungated.weights) + 2
    # By hand, with what the layer's own attention gives: SwiGLU(x) = (silu(xG) * xU)D.
    up, gate, down = (
        getattr(layer, f"_feedforward_{part}_dense") for part in ("intermediate", "gate", "output")
    )
    seen: dict[str, np.ndarray] = {}
    call = type(down).call

    def spy(self: Any, inputs: Any) -> Any:
        seen[self.name] = np.asarray(inputs)
        return call(self, inputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(down), "call", spy)
        layer(X)
    inner = seen["feedforward_gate_dense"].astype(np.float64)
    np.testing.assert_array_equal(inner, seen["feedforward_intermediate_dense"])
    product = inner @ gate.kernel.numpy() + gate.bias.numpy()
    hidden = product / (1 + np.exp(-product)) * (inner @ up.kernel.numpy() + up.bias.numpy())
    np.testing.assert_allclose(seen["feedforward_output_dense"], hidden, rtol=1e-4, atol=1e-5)
    again = type(layer).from_config(layer.get_config())
    again(X)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(X).numpy(), layer(X).numpy())
    assert "feedforward_gate" not in ungated.get_config()


@settings(max_examples=10)
@given(data=st.data())
def test_padding_never_changes_a_result(data: Any) -> None:
    more = data.draw(st.integers(1, 30))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    longer = np.concatenate([X, rng.normal(0, 9, (BATCH, more, SIZE))], axis=1).astype(np.float32)
    mask = np.broadcast_to(np.arange(TIME + more) < TIME, longer.shape[:2])
    layer = encoder()
    plain = layer(X).numpy()
    for found in (layer(masked(longer, mask)), layer(longer, padding_mask=mask)):
        np.testing.assert_allclose(found.numpy()[:, :TIME], plain, rtol=1e-4, atol=1e-5)
    crossing = decoder(crosses=True)
    seen = np.concatenate([ENCODED, rng.normal(0, 9, (BATCH, more, 6))], 1).astype(np.float32)
    mask = np.broadcast_to(np.arange(4 + more) < 4, seen.shape[:2])
    plain = crossing(X, ENCODED).numpy()
    for found in (crossing(X, masked(seen, mask)), crossing(X, seen, encoder_padding_mask=mask)):
        np.testing.assert_allclose(found.numpy(), plain, rtol=1e-4, atol=1e-5)


@NORMALIZE
def test_causality(first: bool) -> None:
    """What comes later is changed: nothing before moves by a bit."""
    layer = decoder(first)
    before = layer(X).numpy()
    for step in range(1, TIME):
        other = X.copy()
        other[:, step:] = RNG.normal(0, 5, other[:, step:].shape)
        after = layer(other).numpy()
        np.testing.assert_array_equal(after[:, :step], before[:, :step])
        assert (after[:, step:] != before[:, step:]).any()
        assert (layer(other, use_causal_mask=False).numpy()[:, 0] != before[:, 0]).any()


def test_masks_go_on_and_that_of_an_argument_comes_first() -> None:
    layer = encoder()
    found = layer(masked(X, STEPS))
    np.testing.assert_array_equal(np.asarray(found._keras_mask), STEPS)
    pairs = np.broadcast_to(STEPS[:, None, :], (BATCH, TIME, TIME))
    for same in (layer(X, padding_mask=STEPS), layer(X, attention_mask=pairs)):
        np.testing.assert_allclose(same.numpy()[STEPS], found.numpy()[STEPS], rtol=1e-4, atol=1e-5)
    all_steps = np.ones_like(STEPS)
    np.testing.assert_array_equal(
        decoder()(masked(X, STEPS), decoder_padding_mask=all_steps).numpy(), decoder()(X).numpy()
    )


def test_scores_of_the_encoder() -> None:
    layer = encoder()
    outputs, scores = layer(X, return_attention_scores=True, padding_mask=STEPS)
    np.testing.assert_allclose(outputs.numpy(), layer(X, padding_mask=STEPS).numpy(), atol=1e-5)
    np.testing.assert_allclose(scores.numpy().sum(-1), 1, rtol=1e-5)
    assert (scores.numpy()[1, :, :, 2:] == 0).all()
    symbols = layer(Input((None, SIZE)), return_attention_scores=True)
    assert [s.shape for s in symbols] == [(None, None, SIZE), (None, HEADS, None, None)]


@NORMALIZE
@pytest.mark.parametrize("crosses", [False, True])
@pytest.mark.parametrize("kind", ["array", "variable", "rows"])
def test_steps_with_a_cache_are_the_whole_sequence(first: bool, crosses: bool, kind: str) -> None:
    """Two steps, then one after the other, with room left over at the end of the cache."""
    layer = decoder(first, crosses, activation="gelu")
    seen = (ENCODED,) if crosses else ()
    whole = layer(X, *seen).numpy()
    own: Any = caches(7)
    cross: Any = caches(4)
    if kind == "variable":
        own, cross = Variable(own), Variable(cross)
    for start, stop in ((0, 2), (2, 3), (3, 4), (4, 5)):
        given: dict[str, Any] = {"self_attention_cache": own}
        index = np.full(BATCH, start) if kind == "rows" else start
        given["self_attention_cache_update_index"] = index
        if crosses:
            given["cross_attention_cache"] = cross
            given["cross_attention_cache_update_index"] = 0 if start == 0 else None
        outputs, *after = layer(X[:, start:stop], *seen, **given)
        np.testing.assert_allclose(outputs.numpy(), whole[:, start:stop], rtol=1e-4, atol=1e-5)
        if kind == "variable":
            assert after[0] is own
        own, cross = after if crosses else (after[0], cross)
    assert (own.numpy()[:, :, :5] != 0).any()
    assert (own.numpy()[:, :, 5:] == 0).all()


def test_a_cache_is_left_as_it_is_unless_it_is_a_variable() -> None:
    cache = caches(6)
    _, after = decoder()(X, self_attention_cache=cache, self_attention_cache_update_index=0)
    assert (cache == 0).all()
    assert (after.numpy()[:, :, :TIME] != 0).all()


def test_rows_of_unequal_length_in_one_cache() -> None:
    """Each row goes on where its own prompt ended; what is padding is written over."""
    layer = decoder()
    _, cache = layer(X[:, :3], self_attention_cache=caches(6), self_attention_cache_update_index=0)
    lengths = np.array([3, 1])
    now = np.stack([X[0, 3:4], X[1, 1:2]])
    found, _ = layer(now, self_attention_cache=cache, self_attention_cache_update_index=lengths)
    whole = layer(X).numpy()
    np.testing.assert_allclose(found.numpy()[0, 0], whole[0, 3], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.numpy()[1, 0], whole[1, 1], rtol=1e-4, atol=1e-5)


def test_a_padding_mask_of_the_cache() -> None:
    """Steps of the cache that are masked are as if they had not been."""
    layer = decoder()
    mask = np.array([[1, 1, 1, 1, 1, 0], [0, 0, 1, 1, 1, 0]], bool)
    found, _ = layer(
        X, self_attention_cache=caches(6), self_attention_cache_update_index=0,
        decoder_padding_mask=mask,
    )  # fmt: skip
    np.testing.assert_allclose(found.numpy()[0], layer(X).numpy()[0], rtol=1e-4, atol=1e-5)
    short = layer(X[:, 2:]).numpy()[1]
    np.testing.assert_allclose(found.numpy()[1, 2:], short, rtol=1e-4, atol=1e-5)


def test_gradients_go_through_a_cache() -> None:
    layer = randomized(layers.CachedMultiHeadAttention(HEADS, 3), X, X)
    cache = Tensor(RNG.normal(size=(BATCH, 2, 6, HEADS, 3)))

    def value(held: Any) -> Any:
        outputs, after = layer(X[:, :2], X[:, :2], cache=held, cache_update_index=3)
        return outputs.numpy().sum(dtype=np.float64) + after.numpy().sum(dtype=np.float64)

    with GradientTape() as tape:
        tape.watch(cache)
        outputs, after = layer(X[:, :2], X[:, :2], cache=cache, cache_update_index=3)
    ones = [Tensor(np.ones(y.shape, np.float32)) for y in (outputs, after)]
    (gradient,) = tape.gradient([outputs, after], [cache], output_gradients=ones)
    assert (gradient.numpy()[:, :, 3:5] == 0).all()
    direction = RNG.normal(size=cache.shape).astype(np.float32)
    sides = [value(Tensor(cache.numpy() + sign * 1e-2 * direction)) for sign in (1, -1)]
    expected = float(np.sum(gradient.numpy() * direction))
    assert abs((sides[0] - sides[1]) / 2e-2 - expected) < 1e-2 * max(abs(expected), 1)


def test_cached_attention_returns_what_is_asked_for() -> None:
    layer = randomized(layers.CachedMultiHeadAttention(HEADS, 4), X, X)
    plain = layer(X, X).numpy()
    outputs, scores, cache = layer(
        X, X, cache=caches(TIME), cache_update_index=0, return_attention_scores=True
    )
    np.testing.assert_allclose(outputs.numpy(), plain, rtol=1e-5, atol=1e-6)
    assert scores.shape == (BATCH, HEADS, TIME, TIME)
    again, same = layer(X, X * 0, cache=cache)  # nothing is computed of keys and values
    np.testing.assert_array_equal(again.numpy(), layer(X, X, cache=cache)[0].numpy())
    np.testing.assert_allclose(again.numpy(), plain, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(same.numpy(), cache.numpy())
    x, held = Input((3, SIZE)), Input((2, 7, HEADS, 4))
    found = layer(x, x, cache=held, cache_update_index=1, return_attention_scores=True)
    shapes = [(None, 3, SIZE), (None, HEADS, 3, 7), (None, 2, 7, HEADS, 4)]
    assert [one.shape for one in found] == shapes


def test_one_step() -> None:
    for layer in (encoder(), decoder()):
        assert np.isfinite(layer(X[:, :1]).numpy()).all()
    np.testing.assert_array_equal(
        decoder()(X[:, :1]).numpy(), decoder()(X[:, :1], use_causal_mask=False).numpy()
    )


def language_model(**more: Any) -> Model:
    """A model as GPT is built: the table of tokens is used both ways."""
    tokens = Input((None,), dtype="int32")
    embedding = layers.TokenAndPositionEmbedding(11, 8, 16, **more)
    hidden = embedding(tokens)
    for _ in range(2):
        hidden = layers.TransformerDecoder(32, 2, normalize_first=True)(hidden)
    hidden = layers.LayerNormalization()(hidden)
    return Model(tokens, embedding.token_embedding(hidden, reverse=True))


def test_a_language_model_learns() -> None:
    """Rows repeat their first three tokens: what comes next stands three steps back."""
    gatework.utils.set_random_seed(0)
    rows = np.tile(np.random.default_rng(0).integers(0, 11, (256, 3)), (1, 3))
    model = language_model()
    model.compile(gatework.optimizers.Adam(0.01), SparseCategoricalCrossentropy(from_logits=True))
    model.fit(rows[:, :-1], rows[:, 1:], batch_size=16, epochs=6, verbose=0)
    found = model.predict(rows[:50, :-1], verbose=0)
    assert (found.argmax(-1)[:, 2:] == rows[:50, 3:]).mean() > 0.98


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_language_model_in_a_file_has_one_table(tmp_path: Path, ending: str) -> None:
    model = language_model(mask_zero=True)
    ids = RNG.integers(1, 11, (3, 8))
    model.save(tmp_path / f"m.{ending}")
    for other in (load_model(tmp_path / f"m.{ending}"), clone_model(model)):
        other.set_weights(model.get_weights())
        np.testing.assert_array_equal(other.predict(ids, verbose=0), model.predict(ids, verbose=0))
        assert other.layers[-1] is other.layers[1].token_embedding
        assert other.count_params() == model.count_params()
    model.save_weights(tmp_path / "m.weights.h5")
    other = language_model(mask_zero=True)
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(other.predict(ids, verbose=0), model.predict(ids, verbose=0))


def test_a_file_that_leads_nowhere_is_refused() -> None:
    config = language_model().get_config()
    for path in (["nobody", "x"], [7], ["input_layer", "__class__"], "x"):
        config["layers"][-1]["shared_from"] = path
        with pytest.raises(ValueError, match="shared_from of 'token_embedding' must lead to"):
            Model.from_config(config)


def test_an_encoder_decoder_in_a_file(tmp_path: Path) -> None:
    a, b = Input((None, SIZE)), Input((None, SIZE))
    made = layers.TransformerEncoder(12, HEADS, dropout=0.1, activation="gelu")(a)
    model = Model([a, b], layers.TransformerDecoder(12, HEADS)(b, made))
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    for own, theirs in zip(again.layers, model.layers, strict=True):
        assert own.get_config() == theirs.get_config()
    inputs = [X, X[:, ::-1].copy()]
    np.testing.assert_array_equal(
        again.predict(inputs, verbose=0), model.predict(inputs, verbose=0)
    )


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="intermediate_dim must be a positive integer, not 0"):
        layers.TransformerEncoder(0, 2)
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\], not 2"):
        layers.TransformerDecoder(4, 2, dropout=2)
    with pytest.raises(ValueError, match="layer_norm_epsilon must be a number that is not neg"):
        layers.TransformerEncoder(4, 2, layer_norm_epsilon=-1)
    with pytest.raises(ValueError, match="num_heads must be at most the features of the inputs, 8"):
        layers.TransformerEncoder(4, 9)(X)
    with pytest.raises(ValueError, match=r"must have shape \(batch, time, features\) with known"):
        layers.TransformerDecoder(4, 2)(X[0])


def test_wrong_calls() -> None:
    alone, crossing = decoder(), decoder(crosses=True)
    with pytest.raises(ValueError, match=r"encoder_sequence of .* must be left out"):
        alone(X, ENCODED)
    with pytest.raises(ValueError, match=r"encoder_sequence of .* must be given"):
        crossing(X)
    with pytest.raises(ValueError, match="must both be given or both be None"):
        crossing(X, ENCODED, self_attention_cache=caches(6))
    with pytest.raises(ValueError, match="cross_attention_cache must be None"):
        alone(X, cross_attention_cache=caches(6))
    with pytest.raises(ValueError, match=r"cache must have shape \(2, 2, keys, 2, 4\), not"):
        alone(X, self_attention_cache=caches(6)[..., :3])
    for index in (2, -1, np.array([0, 2])):
        with pytest.raises(ValueError, match=r"cache_update_index must be in \[0, 1\] for 5 more"):
            alone(X, self_attention_cache=caches(6), self_attention_cache_update_index=index)
    with pytest.raises(ValueError, match="cache_update_index must be an integer or"):
        alone(X, self_attention_cache=caches(6), self_attention_cache_update_index=0.5)
    with pytest.raises(ValueError, match="cache_update_index must be None without a cache, not 1"):
        alone(X, self_attention_cache_update_index=1)
    with pytest.raises(ValueError, match="must have the length of self_attention_cache, 6, not 5"):
        alone(masked(X, STEPS), self_attention_cache=caches(6), self_attention_cache_update_index=0)
    with pytest.raises(ValueError, match=r"decoder_padding_mask must have shape \(batch, keys\)"):
        alone(X, decoder_padding_mask=STEPS[0])
    with pytest.raises(ValueError, match=r"attention_mask must have shape \(batch, queries, keys"):
        encoder()(X, attention_mask=STEPS)
    with pytest.raises(ValueError, match="value_dim must be key_dim, 4, where there is a cache"):
        layers.CachedMultiHeadAttention(HEADS, 4, 3)(X, X, cache=caches(6))


def test_the_dtype_policy_reaches_every_layer_inside() -> None:
    made = (
        layers.TransformerEncoder(12, HEADS, dtype="mixed_bfloat16"),
        layers.TransformerDecoder(12, HEADS, dtype="mixed_bfloat16"),
    )
    for layer in made:
        layer(X)
        inside = [one for one in layer._flatten_layers() if hasattr(one, "kernel")]
        assert len(inside) == 6
        assert {one.compute_dtype for one in inside} == {"bfloat16"}
    plain = layers.TransformerEncoder(12, HEADS)
    plain(X)
    plain.set_weights(made[0].get_weights())
    close = np.abs(made[0](X).numpy() - plain(X).numpy()).max()
    assert 0 < close < 0.1

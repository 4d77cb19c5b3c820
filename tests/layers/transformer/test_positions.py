"""Layers that tell positions: formulas, start_index and positions, gradients, errors.

KerasHub's numbers are in tests/peers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import layers, ops

from tests.layers.slopes import check_slopes

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 6)).astype(np.float32)
IDS = np.array([[1, 2, 3, 0, 0], [9, 8, 5, 6, 1]])
PLACES = np.array([[4, 2, 0, 1, 3], [7, 1, 1, 5, 0]])
KINDS: dict[str, Any] = {
    "learned": lambda: layers.PositionEmbedding(9),
    "sine": lambda: layers.SinePositionEncoding(50),
    "rotary": lambda: layers.RotaryEmbedding(50, scaling_factor=2.0),
    "rotary heads": lambda: layers.RotaryEmbedding(sequence_axis=2),
    "yarn": lambda: layers.RotaryEmbedding(
        scaling_factor=4.0, rope_type="yarn", original_max_position_embeddings=32
    ),
    "tokens": lambda: layers.TokenAndPositionEmbedding(10, 9, 4),
}


def inputs_of(kind: str) -> Any:
    """(inputs, the axis of time of the outputs)"""
    if kind == "tokens":
        return IDS, 1
    if kind == "rotary heads":
        return RNG.normal(size=(2, 3, 5, 4)).astype(np.float32), 2
    return X, 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_and_positions(kind: str) -> None:
    """Steps from a start on are those of the longer sequence; positions may be any."""
    layer = KINDS[kind]()
    x, axis = inputs_of(kind)
    whole = layer(x).numpy()

    def steps(values: np.ndarray, start: int, stop: int) -> np.ndarray:
        return np.take(values, np.arange(start, stop), axis)

    part = steps(x, 2, 5)
    same = (2, np.array([2, 2])), (np.arange(2, 5), np.tile(np.arange(2, 5), (2, 1)))
    for start in same[0]:
        found = layer(part, start_index=start).numpy()
        np.testing.assert_allclose(found, steps(whole, 2, 5), rtol=1e-5, atol=1e-6)
    for positions in same[1]:
        found = layer(part, positions=positions, start_index=1).numpy()
        np.testing.assert_allclose(found, steps(whole, 2, 5), rtol=1e-5, atol=1e-6)
    rows = layer(part, start_index=np.array([0, 4])).numpy()
    for row, start in enumerate((0, 4)):
        alone = layer(part[row : row + 1], start_index=start).numpy()[0]
        np.testing.assert_allclose(rows[row], alone, rtol=1e-5, atol=1e-6)
    mixed = layer(x, positions=PLACES).numpy()
    for row, places in enumerate(PLACES):
        alone = layer(x[row : row + 1], positions=places).numpy()[0]
        np.testing.assert_allclose(mixed[row], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["learned", "rotary", "rotary heads", "yarn"])
@pytest.mark.parametrize("given", [{}, {"start_index": 3}, {"positions": PLACES}])
def test_gradients_are_slopes(kind: str, given: dict[str, Any]) -> None:
    check_slopes(KINDS[kind](), [inputs_of(kind)[0]], **given)


def test_waves() -> None:
    """The formula, position by position and feature by feature."""
    found = layers.SinePositionEncoding(100)(X).numpy()
    for position in range(5):
        for i in range(6):
            angle = position / 100 ** (i // 2 * 2 / 6)
            expected = np.sin(angle) if i % 2 == 0 else np.cos(angle)
            assert abs(found[1, position, i] - expected) < 1e-6


def test_rotation() -> None:
    """Each pair is a complex number times e^(i · angle); products know distances alone."""
    found = layers.RotaryEmbedding(100)(X).numpy()
    angle = np.arange(5)[:, None] / 100.0 ** (np.arange(3) / 3)
    turned = (X[..., :3] + 1j * X[..., 3:]) * np.exp(1j * angle)
    np.testing.assert_allclose(found[..., :3], turned.real, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[..., 3:], turned.imag, rtol=1e-5, atol=1e-6)
    layer = layers.RotaryEmbedding()
    query, key = (X[:1, :1, :].repeat(5, 1), X[1:, :1, :].repeat(5, 1))
    products = [
        np.einsum("btf,bsf->ts", layer(query, start_index=s).numpy(), layer(key, start_index=s))
        for s in (0, 1000)
    ]
    np.testing.assert_allclose(products[0], products[1], rtol=1e-4, atol=1e-5)


def test_tokens_and_positions_are_summed() -> None:
    layer = layers.TokenAndPositionEmbedding(10, 7, 4, mask_zero=True)
    found = layer(IDS)
    tokens, positions = (w.numpy() for w in layer.weights)
    np.testing.assert_array_equal(found.numpy(), tokens[IDS] + positions[:5])
    np.testing.assert_array_equal(np.asarray(found._keras_mask), IDS != 0)
    back = layer.token_embedding(found, reverse=True)
    np.testing.assert_allclose(back.numpy(), found.numpy() @ tokens.T, rtol=1e-4, atol=1e-6)
    assert layers.TokenAndPositionEmbedding(10, 7, 4)(IDS)._keras_mask is None
    loose = layers.TokenAndPositionEmbedding(10, 7, 4, tie_weights=False)
    loose(IDS)
    assert [w.shape for w in loose.weights] == [(10, 4), (4, 10), (7, 4)]


def test_a_mask_that_ids_carry_goes_on() -> None:
    ids = ops.convert_to_tensor(IDS)
    ids._keras_mask = ops.convert_to_tensor(IDS > 2)
    found = layers.TokenAndPositionEmbedding(10, 7, 4)(ids)
    np.testing.assert_array_equal(np.asarray(found._keras_mask), IDS > 2)


@pytest.mark.parametrize("kind", KINDS)
def test_config_round_trip(kind: str) -> None:
    layer = KINDS[kind]()
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize("heads", [1, 2, 3, 6, 8])
def test_slopes_of_scores(heads: int) -> None:
    """Attention by hand with these scores is fused attention with the same slopes."""
    layer = layers.AlibiBias(4, name="a")
    q, k, v = (RNG.normal(size=(2, n, heads, 4)).astype(np.float32) for n in (3, 5, 5))
    logits = np.einsum("bthd,bshd->bhts", q, k) / 2
    weights = ops.softmax(layer(logits)).numpy()
    slopes = (layer(np.zeros((1, heads, 1, 2))).numpy()[0, :, 0, 0]) * -1
    found = ops.dot_product_attention(q, k, v, alibi_slopes=slopes, query_offset=4).numpy()
    expected = np.einsum("bhts,bshd->bthd", weights, v)
    np.testing.assert_allclose(found[:, :1], expected[:, :1], rtol=1e-4, atol=1e-5)
    assert slopes[0] == np.float32(2.0 ** (-4 / 2 ** int(np.log2(heads))))
    assert len(set(slopes.tolist())) == heads
    assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()
    check_slopes(layers.AlibiBias(), [logits])


def test_errors() -> None:
    with pytest.raises(ValueError, match="alibi_bias_max must be a positive number, not 0"):
        layers.AlibiBias(0)
    with pytest.raises(ValueError, match=r"must have shape \(batch, heads, time, keys\), not"):
        layers.AlibiBias()(X)
    with pytest.raises(ValueError, match="sequence_length must be a positive integer, not None"):
        layers.PositionEmbedding(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must end within 4 positions, not begin at 0 and have 5"):
        layers.PositionEmbedding(4)(X)
    with pytest.raises(ValueError, match="must end within 6 positions, not begin at 2 and have 5"):
        layers.PositionEmbedding(6)(X, start_index=2)
    with pytest.raises(ValueError, match=r"embedding ids must be in \[0, 6\), not 7"):
        layers.PositionEmbedding(6)(X, positions=PLACES)
    with pytest.raises(ValueError, match="max_wavelength must be a positive number, not 0"):
        layers.SinePositionEncoding(0)
    with pytest.raises(ValueError, match=r"rope_type must be one of .*, not 'cubic'"):
        layers.RotaryEmbedding(rope_type="cubic")
    with pytest.raises(ValueError, match="must have an even number of features, not 5"):
        layers.RotaryEmbedding()(X[..., :5])
    with pytest.raises(ValueError, match="must have axes for batch, time and features"):
        layers.RotaryEmbedding(sequence_axis=-1)(X)
    with pytest.raises(ValueError, match="vocabulary_size must be a positive integer, not -1"):
        layers.TokenAndPositionEmbedding(-1, 2, 3)

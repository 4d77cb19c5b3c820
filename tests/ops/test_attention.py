"""The operations of attention against their formulas, with gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import ops, reference
from gatework.autograd import GradientTape, Tensor

from tests.ops.numeric import check, values

Q, K, V = values(2, 3, 4, 6), values(2, 5, 2, 6, seed=1), values(2, 5, 2, 3, seed=2)
BIAS = values(4, 1, 5, seed=3)
MASK = np.random.default_rng(0).random((2, 1, 3, 5)) < 0.6
MASK[1, 0, 1] = False

CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "causal": {"is_causal": True},
    "mask": {"mask": MASK, "scale": 0.3},
    "cap": {"attn_logits_soft_cap": 2.0},
    "window": {"window": 1, "is_causal": True, "query_offset": np.array([2, 0])},
    "alibi": {"alibi_slopes": np.array([0.5, 0.25, 0.125, 0.0])},
    "dropout": {"dropout": 0.3, "seed": 5},
}


def formula(options: dict[str, Any]) -> Any:
    offset = np.broadcast_to(options.get("query_offset", 0), (2,))

    def attend(q: Any, k: Any, v: Any, bias: Any) -> Any:
        return reference.attention_forward(
            q,
            k,
            v,
            bias,
            options.get("mask"),
            options.get("alibi_slopes"),
            offset,
            options.get("scale", 6**-0.5),
            options.get("is_causal", False),
            options.get("window"),
            options.get("attn_logits_soft_cap"),
            options.get("dropout", 0.0),
            options.get("seed", 0),
        )[0]

    return attend


@pytest.mark.parametrize("name", CASES)
def test_attention(name: str) -> None:
    options = CASES[name]
    check(
        lambda q, k, v, b: ops.dot_product_attention(q, k, v, b, **options),
        formula(options),
        Q,
        K,
        V,
        BIAS,
        atol=1e-4,
    )


def test_a_query_with_nothing_to_attend_to_gives_zeros() -> None:
    q, k, v = Tensor(Q), Tensor(K), Tensor(V)
    with GradientTape() as tape:
        tape.watch([q, k, v])
        y = ops.dot_product_attention(q, k, v, mask=MASK)
    np.testing.assert_array_equal(y.numpy()[1, 1], 0)
    assert np.isfinite(y.numpy()).all()
    for gradient in tape.gradient(y, [q, k, v]):
        assert np.isfinite(gradient.numpy()).all()
    nothing = ops.dot_product_attention(Q, K, V, bias=np.full((1, 1, 1, 5), -np.inf))
    np.testing.assert_array_equal(nothing.numpy(), 0)


def test_positional_arguments_are_those_of_keras() -> None:
    y = ops.dot_product_attention(Q, K, V, None, MASK, 0.3, False, True, None)
    again = ops.dot_product_attention(Q, K, V, mask=MASK, scale=0.3)
    np.testing.assert_array_equal(y.numpy(), again.numpy())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": Q[0]}, r"query must have shape \(batch, time, heads, dim\), not \(3, 4, 6\)"),
        ({"key": K[..., :5]}, r"key must have shape \(2, keys, heads, 6\)"),
        ({"value": V[:, :4]}, r"value must have shape \(2, 5, 2\) and dim, not \(2, 4, 2, 3\)"),
        ({"query": Q[:, :, :3]}, "key must have a number of heads that divides 3, not 2"),
        ({"bias": np.zeros(4)}, r"bias must broadcast to shape \(2, 4, 3, 5\), not \(4,\)"),
        ({"mask": np.ones((2, 5))}, r"mask must broadcast to shape \(2, 4, 3, 5\), not \(2, 5\)"),
        ({"alibi_slopes": np.ones(2)}, r"alibi_slopes must have shape \(4,\), not \(2,\)"),
        ({"window": -1}, "window must be a whole number of steps or None, not -1"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), not 1.0"),
        ({"attn_logits_soft_cap": 0.0}, "attn_logits_soft_cap must be positive or None, not 0.0"),
        ({"query_offset": np.ones(3, int)}, r"query_offset must be an integer or \(2,\) integers"),
    ],
)
def test_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ops.dot_product_attention(**{"query": Q, "key": K, "value": V, **change})


@pytest.mark.parametrize("shape", [(2, 3, 6), (2, 3, 2, 4)])
@pytest.mark.parametrize(
    "place",
    [
        {},
        {"start_index": np.array([3, 0])},
        {"positions": np.array([4, 0, 9])},
        {"max_wavelength": 50.0, "scaling_factor": 2.0},
    ],
)
def test_rotary_embedding(shape: tuple[int, ...], place: dict[str, Any]) -> None:
    positions = np.atleast_2d(
        place.get("positions", np.atleast_1d(place.get("start_index", 0))[:, None] + np.arange(3))
    )

    def formula(x: Any) -> Any:
        """As KerasHub writes it: x cos + (-second half, first half) sin."""
        rate = np.arange(0, shape[-1], 2) / shape[-1]
        angles = positions[..., None] / place.get("scaling_factor", 1.0)
        angles = angles * place.get("max_wavelength", 1e4) ** -rate
        angles = np.concatenate([angles, angles], axis=-1)
        if len(shape) == 4:
            angles = angles[:, :, None]
        half = shape[-1] // 2
        turned = np.concatenate([-x[..., half:], x[..., :half]], axis=-1)
        return x * np.cos(angles) + turned * np.sin(angles)

    check(lambda x: ops.rotary_embedding(x, **place), formula, values(*shape))


def test_rotary_embedding_refuses() -> None:
    with pytest.raises(ValueError, match=r"with an even dim, not \(2, 3, 5\)"):
        ops.rotary_embedding(np.zeros((2, 3, 5)))
    with pytest.raises(ValueError, match=r"positions must have shape \(2, 3\), not \(2,\)"):
        ops.rotary_embedding(np.zeros((2, 3, 4)), positions=np.zeros(2))
    with pytest.raises(ValueError, match=r"start_index must be a number or \(2,\), not \(3,\)"):
        ops.rotary_embedding(np.zeros((2, 3, 4)), np.zeros(3))
    with pytest.raises(ValueError, match="max_wavelength must be positive, not 0"):
        ops.rotary_embedding(np.zeros((2, 3, 4)), max_wavelength=0)

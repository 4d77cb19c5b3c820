"""Attention against PyTorch and Keras, live: outputs and gradients, over shapes and masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import ops
from gatework.autograd import GradientTape, Tensor

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")


def drawn(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def inputs(batch: int, time: int, keys: int, heads: int, groups: int, size: int) -> list[Any]:
    return [
        drawn((batch, time, heads, size), 0),
        drawn((batch, keys, groups, size), 1),
        drawn((batch, keys, groups, size), 2),
    ]


def solve(arrays: list[Any], bias: Any, dy: Any, **options: Any) -> list[np.ndarray]:
    tensors = [Tensor(a) for a in arrays if a is not None]
    added = None if bias is None else Tensor(bias)
    watched = tensors if added is None else [*tensors, added]
    with GradientTape() as tape:
        tape.watch(watched)
        y = ops.dot_product_attention(*tensors, bias=added, **options)
    return [y.numpy(), *(g.numpy() for g in tape.gradient(y, watched, output_gradients=dy))]


def solve_by_torch(
    arrays: list[Any], bias: Any, dy: Any, mask: Any = None, is_causal: bool = False
) -> list[np.ndarray]:
    """In float64, so that the differences are ours alone."""
    watched = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays]
    added = None if bias is None else torch.tensor(bias, dtype=torch.float64, requires_grad=True)
    kept = added
    if mask is not None:
        kept = torch.tensor(mask)
        if added is not None:
            kept = torch.where(kept, added, -torch.inf)
    q, k, v = (x.transpose(1, 2) for x in watched)
    y = torch.nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=kept, is_causal=is_causal, enable_gqa=True
    ).transpose(1, 2)
    sources = watched if added is None else [*watched, added]
    gradients = torch.autograd.grad(y, sources, torch.tensor(dy, dtype=torch.float64))
    return [x.detach().numpy() for x in (y, *gradients)]


CASES = {
    "plain": ((2, 70, 130, 4, 4, 24), {}),
    "one step": ((1, 1, 1, 1, 1, 8), {}),
    "one query": ((3, 1, 300, 4, 2, 64), {}),
    "causal": ((2, 131, 131, 2, 2, 20), {"is_causal": True}),
    "causal, more keys": ((2, 40, 131, 2, 1, 20), {"is_causal": True}),
    "causal, more queries": ((2, 131, 40, 2, 2, 20), {"is_causal": True}),
    "masked": ((2, 70, 75, 4, 2, 16), {"mask": (2, 1, 70, 75)}),
    "padded": ((3, 70, 75, 4, 2, 16), {"mask": (3, 1, 1, 75)}),
    "biased": ((2, 70, 75, 4, 4, 16), {"bias": (1, 4, 70, 75)}),
    "biased and masked": ((2, 30, 75, 4, 4, 16), {"bias": (2, 1, 30, 75), "mask": (2, 1, 1, 75)}),
}


@pytest.mark.parametrize("name", CASES)
def test_pytorch(name: str) -> None:
    shape, options = CASES[name]
    arrays = inputs(*shape)
    options = dict(options)
    bias = drawn(options.pop("bias"), 3) if "bias" in options else None
    if "mask" in options:
        options["mask"] = np.random.default_rng(4).random(options["mask"]) < 0.7
        options["mask"][..., 0] = True  # PyTorch has no answer for a query without keys
    dy = drawn((*arrays[0].shape[:3], shape[-1]), 5)
    found = solve(arrays, bias, dy, **options)
    expected = solve_by_torch(arrays, bias, dy, **options)
    for ours, theirs in zip(found, expected, strict=True):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=max(2e-5 * scale, 1e-6))


@pytest.mark.parametrize("groups", [4, 2, 1])
@pytest.mark.parametrize(  # Keras on PyTorch takes no bias beside is_causal
    ("causal", "added"), [(False, ""), (True, ""), (False, "mask"), (True, "mask"), (False, "bias")]
)
def test_keras(groups: int, causal: bool, added: str) -> None:
    keras = pytest.importorskip("keras", reason="compares with Keras, which is not installed")
    q, k, v = inputs(2, 9, 9, 4, groups, 8)
    options: dict[str, Any] = {"is_causal": causal, "scale": 0.3}
    if added == "mask":
        options["mask"] = np.random.default_rng(4).random((2, 1, 9, 9)) < 0.7
        options["mask"][..., 0] = True
    elif added == "bias":
        options["bias"] = drawn((1, 4, 9, 9), 3)
    theirs = keras.ops.dot_product_attention(q, k, v, **options)
    ours = ops.dot_product_attention(q, k, v, **options)
    expected = keras.ops.convert_to_numpy(theirs)
    np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-5, atol=2e-6)

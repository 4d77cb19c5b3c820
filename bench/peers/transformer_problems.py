"""Inputs and weights of Transformer workloads, the same in every worker. Plain NumPy."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.peers.problems import Array, normal
from bench.transformers import Attention, Gpt, Layer


def layer(w: Layer) -> tuple[Array, Array, list[Array]]:
    """x and dy (B, T, D), and weights in the order of Keras' layers.

    Kernels and biases of query, key and value, (D, H, size) and (H, size), and of the output; in a
    block then gamma and beta of both normalizations, kernels and biases of the network.
    """
    rng = np.random.default_rng(5)
    x, dy = (normal(rng, w.batch, w.time, w.width) for _ in range(2))
    return x, dy, block(rng, w.width, w.heads, w.hidden)


def block(rng: np.random.Generator, width: int, heads: int, hidden: int) -> list[Array]:
    size, scale = width // heads, width**-0.5
    weights = []
    for _ in range(3):
        weights += [normal(rng, width, heads, size, scale=scale), normal(rng, heads, size)]
    weights += [normal(rng, heads, size, width, scale=scale), normal(rng, width)]
    if hidden:
        weights += [1 + normal(rng, width, scale=0.1), normal(rng, width)] * 2
        weights += [normal(rng, width, hidden, scale=scale), normal(rng, hidden)]
        weights += [normal(rng, hidden, width, scale=hidden**-0.5), normal(rng, width)]
    return weights


def answer(y: Any, dx: Any, dweights: Sequence[Any]) -> list[Array]:
    """Of a layer in training. Left out is the gradient of the key's bias: scores of one query move
    together with it, so that it is zero but for roundings.
    """
    key_bias = 3
    kept = [d for i, d in enumerate(dweights) if i != key_bias]
    return [np.asarray(a) for a in (y, dx, *kept)]


def attention(w: Attention) -> list[Array]:
    """query, key, value and the gradient of the result, (B, T, H, size)."""
    rng = np.random.default_rng(6)
    return [normal(rng, w.batch, w.time, w.heads, w.size) for _ in range(4)]


def batches(w: Gpt) -> list[tuple[Any, Any]]:
    """Ids (B, T) of every step, and those that follow."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(w.steps):
        ids = rng.integers(0, w.words, (w.batch, w.time + 1)).astype(np.int32)
        found.append((np.ascontiguousarray(ids[:, :-1]), np.ascontiguousarray(ids[:, 1:])))
    return found

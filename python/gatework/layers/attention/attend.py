"""Attention of projected queries to keys, with or without the scores as a result."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ... import ops
from ...autograd import Array, Tensor
from .masks import both, causal_mask, windowed_mask

__all__ = ["Attended", "attend", "masked_softmax"]

_MASKED = -1e9  # e to it is zero


class Attended(NamedTuple):
    """What attention comes to.

    Attributes:
        outputs: (batch, time, heads, value dim).
        scores: (batch, heads, time, keys), before dropout; None unless asked for.
    """

    outputs: Tensor
    scores: Tensor | None


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Array | None = None,
    query_mask: Array | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    window: int | None = None,
    dropout: float = 0.0,
    seed: int | None = None,
    query_offset: Any = 0,
    with_scores: bool = False,
) -> Attended:
    """softmax(scale * query·keyᵀ)·value over the keys each query may attend to.

    Args:
        query: (batch, time, heads, dim).
        key, value: (batch, keys, key heads, dim), the key heads a divisor of the heads.
        mask: broadcast to (batch, heads, time, keys).
        query_mask: (batch, time): where it is false, outputs and scores are zeros.
        scale: 1 / sqrt(dim) by default.
        is_causal: keys after the query are masked.
        window: keys this many steps away, or more, are masked.
        dropout: the share of scores dropped.
        seed: decides which.
        query_offset: the position of the first query among the keys.
        with_scores: scores are computed and kept, which takes memory for all pairs.
    """
    if dropout == 1:  # which no scaling makes up for
        value, dropout = ops.multiply(value, 0.0), 0.0
    if with_scores:
        scaled = ops.multiply(query, 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale)
        return _with_scores(
            scaled, key, value, mask, query_mask, is_causal, window, dropout, seed, query_offset
        )
    outputs = ops.dot_product_attention(
        query,
        key,
        value,
        mask=mask,
        scale=scale,
        is_causal=is_causal,
        dropout=dropout,
        seed=seed,
        window=None if window is None else window - 1,
        query_offset=query_offset,
    )
    if query_mask is not None:
        outputs = ops.where(query_mask[:, :, None, None], outputs, 0.0)
    return Attended(outputs, None)


def _with_scores(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Array | None,
    query_mask: Array | None,
    is_causal: bool,
    window: int | None,
    dropout: float,
    seed: int | None,
    query_offset: Any,
) -> Attended:
    shared = query.shape[2] // key.shape[2]
    if shared > 1:
        key, value = ops.repeat(key, shared, axis=2), ops.repeat(value, shared, axis=2)
    if query_mask is not None:
        mask = both(mask, query_mask[:, None, :, None])
    if is_causal:
        mask = both(mask, causal_mask(query.shape[1], key.shape[1], query_offset))
    if window is not None:
        mask = both(mask, windowed_mask(query.shape[1], key.shape[1], window))
    logits = ops.matmul(ops.transpose(query, (0, 2, 1, 3)), ops.transpose(key, (0, 2, 3, 1)))
    scores = masked_softmax(logits, mask)
    kept = scores if dropout == 0 else ops.dropout(scores, dropout, seed=seed)
    outputs = ops.matmul(kept, ops.transpose(value, (0, 2, 1, 3)))
    return Attended(ops.transpose(outputs, (0, 2, 1, 3)), scores)


def masked_softmax(logits: Tensor, mask: Array | None) -> Tensor:
    """The softmax over the last axis of what a mask leaves: zeros elsewhere, and if it leaves
    nothing."""
    if mask is None:
        return ops.softmax(logits)
    weights = ops.softmax(ops.where(mask, logits, _MASKED))
    return ops.where(mask, weights, 0.0)  # type: ignore[no-any-return]

"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _core
from ..autograd import (
    Array,
    Tensor,
    as_array,
    as_tensor,
    is_recording,
    needs_gradient,
    record,
)
from .broadcast import sum_to
from .precision import precision

__all__ = ["dot_product_attention"]


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
    *,
    dropout: float = 0.0,
    seed: int | None = None,
    window: int | None = None,
    alibi_slopes: Any = None,
    query_offset: Any = 0,
) -> Tensor:
    """softmax(scale * query·keyᵀ + bias)·value over the keys each query may attend to (Vaswani et
    al. 2017).

    Query i of a row stands at position ``query_offset + i``, key j at position j. What is masked
    has weight zero. A query with nothing to attend to gives zeros.

    Args:
        query: (batch, time, heads, dim).
        key: (batch, keys, key heads, dim). With fewer heads than the queries, a divisor of theirs,
            neighbouring query heads share one (Ainslie et al. 2023).
        value: (batch, keys, key heads, value dim).
        bias: added to the logits, broadcast to (batch, heads, time, keys); -inf masks. Its gradient
            takes memory for all logits; without it memory is linear in time and keys.
        mask: true where a query attends to a key, broadcast to (batch, heads, time, keys).
        scale: of the logits; 1 / sqrt(dim) by default.
        is_causal: keys after the position of a query are masked.
        flash_attention: accepted for Keras' sake; there is but one way to compute it here.
        attn_logits_soft_cap: logits x become cap * tanh(x / cap), before the bias is added.
        dropout: the share of weights dropped, in [0, 1).
        seed: integer that decides what is dropped; the next of the global stream by default.
        window: keys more than this many steps before the position of a query are masked, and
            without ``is_causal`` those as far behind it (Beltagy et al. 2020).
        alibi_slopes: (heads,); slope * distance is taken from each logit (Press et al. 2022).
        query_offset: the position of the first query, a number or (batch,): how many keys of a
            cache came before.

    Returns:
        (batch, time, heads, value dim) float32.

    Raises:
        ValueError: if a shape does not fit or a number is out of range; the message names the
            argument.
    """
    q, k, v = (as_tensor(x, "float32") for x in (query, key, value))
    full = _check_shapes(q, k, v)
    b = None if bias is None else as_tensor(bias, "float32")
    _check_numbers(window, attn_logits_soft_cap, dropout)
    if dropout > 0 and seed is None:
        from ..random import next_seed

        seed = next_seed()
    arguments: tuple[Any, ...] = (
        *(_with_features_in_one_piece(x._value) for x in (q, k, v)),
        None if b is None else _broadcast("bias", b._value, full),
        None if mask is None else _broadcast("mask", as_array(mask).astype(bool, copy=False), full),
        _slopes(alibi_slopes, full[1]),
        _offsets(query_offset, full[0]),
        1 / math.sqrt(max(q.shape[-1], 1)) if scale is None else float(scale),
    )
    options: dict[str, Any] = {
        "causal": bool(is_causal),
        "window": window,
        "soft_cap": attn_logits_soft_cap,
        "rate": dropout,
        "seed": seed or 0,
        # Where nothing is recorded, steps from a cache give what the whole sequence gives.
        "bf16": precision.bf16 and is_recording(q, k, v),
    }
    y, lse = _core.attention_forward(*arguments, **options)

    def vjp(dy: Array) -> list[Array | None]:
        wanted = b is not None and needs_gradient(b)
        slope = _with_features_in_one_piece(dy)
        given: tuple[Any, ...] = (*arguments, y, lse, slope)
        more = {**options, "need_logits": wanted}
        *found, dlogits = _core.attention_backward(*given, **more)
        gradients: list[Array | None] = [*found]
        if b is not None:
            gradients.append(None if dlogits is None else sum_to(dlogits, b.shape))
        return gradients

    return record(y, [q, k, v] if b is None else [q, k, v, b], vjp)


def _check_shapes(q: Tensor, k: Tensor, v: Tensor) -> tuple[int, int, int, int]:
    """The shape of the logits (batch, heads, time, keys)."""
    for name, x in (("query", q), ("key", k), ("value", v)):
        if x.ndim != 4:
            raise ValueError(f"{name} must have shape (batch, time, heads, dim), not {x.shape}")
    batch, time, heads, dim = q.shape
    keys, groups = k.shape[1:3]
    if k.shape != (batch, keys, groups, dim):
        raise ValueError(
            f"key must have shape ({batch}, keys, heads, {dim}) for a query of shape {q.shape}, "
            f"not {k.shape}"
        )
    if v.shape[:3] != k.shape[:3]:
        raise ValueError(f"value must have shape {k.shape[:3]} and dim, not {v.shape}")
    if heads and (groups == 0 or heads % groups):
        raise ValueError(f"key must have a number of heads that divides {heads}, not {groups}")
    return batch, heads, time, keys


def _check_numbers(window: Any, soft_cap: float | None, dropout: float) -> None:
    if window is not None and (not isinstance(window, int) or window < 0):
        raise ValueError(f"window must be a whole number of steps or None, not {window!r}")
    if soft_cap is not None and not soft_cap > 0:
        raise ValueError(f"attn_logits_soft_cap must be positive or None, not {soft_cap}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), not {dropout}")


def _with_features_in_one_piece(x: Array) -> Array:
    """A view where it can be: kernels take any strides but that of the last axis."""
    x = x if x.dtype == np.float32 else x.astype(np.float32)
    whole = x.strides[-1] == x.itemsize or x.shape[-1] == 1
    return x if whole else np.ascontiguousarray(x)


def _broadcast(name: str, x: Array, shape: tuple[int, ...]) -> Array:
    """A view of that shape, whose strides are zero where it repeats."""
    if x.ndim and x.strides[-1] != x.itemsize:
        x = np.ascontiguousarray(x)
    try:
        return np.broadcast_to(x, shape)
    except ValueError:
        raise ValueError(f"{name} must broadcast to shape {shape}, not {x.shape}") from None


def _slopes(slopes: Any, heads: int) -> Array | None:
    if slopes is None:
        return None
    array = np.ascontiguousarray(as_array(slopes), np.float32)
    if array.shape != (heads,):
        raise ValueError(f"alibi_slopes must have shape ({heads},), not {array.shape}")
    return array


def _offsets(offset: Any, batch: int) -> Array:
    if type(offset) is int:
        return np.full(batch, offset, np.int64)
    array = as_array(offset)
    if array.dtype.kind not in "iu" or array.shape not in ((), (batch,)):
        found = f"{array.dtype} of shape {array.shape}"
        raise ValueError(f"query_offset must be an integer or ({batch},) integers, not {found}")
    return np.ascontiguousarray(np.broadcast_to(array, (batch,)), np.int64)

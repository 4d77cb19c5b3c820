"""Scaled dot-product attention (Vaswani et al. 2017), with all its weights before one's eyes.

B batch, T queries, S keys, N query heads, K key/value heads (N a multiple of K: Ainslie et al.
2023, "GQA"), D features of a query or key, E features of a value. Query head n reads key/value
head n // (N / K). Masked means weight zero; a query all of whose keys are masked gives zero.
"""

import numpy as np

from .array import Array, Booleans, Integers
from .dropout import random_words


def visible(time: int, keys: int, causal: bool, window: int | None, offset: Integers) -> Booleans:
    """Which keys a query may look at (B or 1, T, S). Query i stands at position p = offset + i.

    causal: no key after p. window: no key more than ``window`` steps from p.
    """
    p = offset[:, np.newaxis, np.newaxis] + np.arange(time)[:, np.newaxis]
    j = np.arange(keys)
    seen = np.ones((len(offset), time, keys), bool)
    if causal:
        seen &= j <= p
    if window is not None:
        seen &= np.abs(p - j) <= window
    return seen


def attention_dropout_mask(shape: tuple[int, int, int, int], rate: float, seed: int) -> Array:
    """Factors (B, N, T, S), 0 or 1 / (1 - rate): every row begins with a block of the generator."""
    *rows, keys = shape
    words = random_words(int(np.prod(rows)) * ((keys + 3) // 4 * 4), seed)
    kept = words.reshape(*rows, -1)[..., :keys] >= np.uint32(int(rate * 2.0**32))
    return np.where(kept, np.float32(1 / (1 - rate)), np.float32(0))


def _heads(x: Array, count: int) -> Array:
    """x (B, S, K, D) as (B, N, S, D), each head as often as queries read it."""
    return np.repeat(x, count // x.shape[2], axis=2).swapaxes(1, 2)


def _of_groups(x: Array, count: int) -> Array:
    """The gradient of ``_heads``: (B, N, S, D) summed to (B, S, K, D)."""
    batch, heads, keys, features = x.shape
    grouped = x.reshape(batch, count, heads // count, keys, features)
    summed: Array = grouped.sum(axis=2)
    return summed.swapaxes(1, 2)


def _weights(
    q: Array,
    k: Array,
    bias: Array | None,
    mask: Booleans | None,
    slopes: Array | None,
    offset: Integers,
    scale: float,
    causal: bool,
    window: int | None,
    soft_cap: float | None,
) -> tuple[Array, Array, Array]:
    """P (B, N, T, S), the log of the sums it was divided by, and d(capped logit)/d(logit)."""
    time, keys, heads = q.shape[1], k.shape[1], q.shape[2]
    logits = scale * (q.swapaxes(1, 2) @ _heads(k, heads).swapaxes(2, 3))
    slope = np.ones_like(logits)
    if soft_cap is not None:  # Bello et al. 2016; Gemma 2
        capped = np.tanh(logits / soft_cap)
        logits, slope = soft_cap * capped, 1 - capped * capped
    if bias is not None:
        logits = logits + bias
    if slopes is not None:  # ALiBi: Press et al. 2022
        p = offset[:, np.newaxis, np.newaxis, np.newaxis] + np.arange(time)[:, np.newaxis]
        logits = logits - slopes[:, np.newaxis, np.newaxis] * np.abs(p - np.arange(keys))
    kept = visible(time, keys, causal, window, offset)[:, np.newaxis]
    if mask is not None:
        kept = kept & mask
    logits = np.where(kept, logits, -np.inf)
    top = logits.max(axis=-1, keepdims=True, initial=-np.inf)
    e = np.exp(logits - np.where(top == -np.inf, 0, top))
    total = e.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore"):
        lse = np.log(total) + top
    return e / np.where(total == 0, 1, total), lse[..., 0], slope


def attention_forward(
    q: Array,
    k: Array,
    v: Array,
    bias: Array | None,
    mask: Booleans | None,
    slopes: Array | None,
    offset: Integers,
    scale: float,
    causal: bool = False,
    window: int | None = None,
    soft_cap: float | None = None,
    rate: float = 0.0,
    seed: int = 0,
) -> tuple[Array, Array]:
    """y = softmax(cap(scale q kᵀ) + bias - slopes |p - j|) v, and the log-sum-exp of each row.

    q (B, T, N, D), k (B, S, K, D), v (B, S, K, E); bias and mask broadcast to (B, N, T, S);
    slopes (N,); offset (B or 1,): the position of query 0. cap(x) = soft_cap tanh(x / soft_cap).

    Returns:
        y (B, T, N, E) and lse (B, N, T), -inf for a query with nothing to attend to.
    """
    p, lse, _ = _weights(q, k, bias, mask, slopes, offset, scale, causal, window, soft_cap)
    if rate > 0:
        p = p * attention_dropout_mask(p.shape, rate, seed)
    return (p @ _heads(v, q.shape[2])).swapaxes(1, 2).astype(q.dtype), lse


def attention_backward(
    q: Array,
    k: Array,
    v: Array,
    bias: Array | None,
    mask: Booleans | None,
    slopes: Array | None,
    offset: Integers,
    scale: float,
    dy: Array,
    causal: bool = False,
    window: int | None = None,
    soft_cap: float | None = None,
    rate: float = 0.0,
    seed: int = 0,
) -> tuple[Array, Array, Array, Array]:
    """The gradients of q, k, v, and of the biased logits (B, N, T, S), from which a bias' follows.

    With P the weights, M the mask of dropout: dV = (P⊙M)ᵀ dY; dP = (dY Vᵀ)⊙M;
    dS = P⊙(dP - Σ_s P dP); dQ = scale dS K; dK = scale dSᵀ Q.
    """
    p, _, slope = _weights(q, k, bias, mask, slopes, offset, scale, causal, window, soft_cap)
    heads, groups = q.shape[2], k.shape[2]
    factor = attention_dropout_mask(p.shape, rate, seed) if rate > 0 else 1
    dy = dy.swapaxes(1, 2)
    dv = (p * factor).swapaxes(2, 3) @ dy
    dp = (dy @ _heads(v, heads).swapaxes(2, 3)) * factor
    dlogits = p * (dp - (p * dp).sum(axis=-1, keepdims=True))
    ds = scale * slope * dlogits
    dq = (ds @ _heads(k, heads)).swapaxes(1, 2)
    dk = ds.swapaxes(2, 3) @ q.swapaxes(1, 2)
    return dq, _of_groups(dk, groups), _of_groups(dv, groups), dlogits

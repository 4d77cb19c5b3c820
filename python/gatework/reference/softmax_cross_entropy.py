"""Softmax over rows, and the cross-entropy of its logits. N samples, V classes."""

import numpy as np

from .array import Array, Integers
from .embedding import check_ids


def log_sum_exp(x: Array) -> Array:
    """log Σ_v e^x[n, v] (N,), with the row's maximum taken out so that nothing overflows."""
    top: Array = x.max(axis=1, keepdims=True)
    total: Array = np.exp(x - top).sum(axis=1)
    return np.log(total) + top[:, 0]


def softmax_forward(x: Array) -> Array:
    """y[n, v] = e^x[n, v] / Σ_w e^x[n, w], x (N, V)."""
    top: Array = x.max(axis=1, keepdims=True)
    e = np.exp(x - top)
    total: Array = e.sum(axis=1, keepdims=True)
    return e / total


def softmax_backward(y: Array, dy: Array) -> Array:
    """dx = y ⊙ (dy - Σ_v y dy) for y = softmax_forward(x)."""
    mean: Array = (y * dy).sum(axis=1, keepdims=True)
    return y * (dy - mean)


def softmax_cross_entropy_forward(logits: Array, labels: Integers) -> tuple[Array, Array]:
    """loss[n] = lse[n] - logits[n, labels[n]] and lse = log_sum_exp(logits); both (N,).

    Raises:
        ValueError: a label is not in [0, V).
    """
    check_ids(labels, logits.shape[1], "labels")
    lse = log_sum_exp(logits)
    return lse - logits[np.arange(len(labels)), labels], lse


def softmax_cross_entropy_backward(
    logits: Array, labels: Integers, lse: Array, dloss: Array
) -> Array:
    """dlogits[n, v] = dloss[n] (softmax[n, v] - [v = labels[n]])."""
    dlogits = np.exp(logits - lse[:, np.newaxis])
    dlogits[np.arange(len(labels)), labels] -= 1
    return dloss[:, np.newaxis] * dlogits

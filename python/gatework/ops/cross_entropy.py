"""Cross-entropies. From logits where they are known, which no probability near 0 or 1 can upset."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from ..autograd import Tensor, as_array, as_tensor, record
from .math import clip, divide, log, multiply, negative, subtract
from .nn import log_softmax
from .reduce import sum

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
]

EPSILON = 1e-7  # probabilities without logits are kept this far from 0 and 1, as Keras does


def _logits_of(output: Tensor, from_logits: bool) -> Tensor | None:
    return output if from_logits else output._logits


def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-log of the probability of the target class.

    Args:
        target: (...) class indices in [0, classes).
        output: (..., classes) probabilities, or logits with ``from_logits``.

    Returns:
        (...) losses.

    Raises:
        ValueError: shapes do not fit, or a target is out of range; the message tells where.
    """
    output = as_tensor(output, "float32")
    labels = as_array(target)
    if labels.shape != output.shape[:-1]:
        raise ValueError(
            f"target must have shape {output.shape[:-1]} for an output of shape {output.shape}, "
            f"not {labels.shape}"
        )
    if labels.dtype.kind == "f":
        if not np.all(labels == np.floor(labels)):
            raise ValueError("target must hold whole class indices, not fractions or NaN")
        labels = labels.astype(np.int64)
    elif labels.dtype not in (np.int32, np.int64):
        labels = labels.astype(np.int64)
    flat_labels = np.ascontiguousarray(labels).reshape(-1)
    classes = output.shape[-1]
    logits = _logits_of(output, from_logits)
    if logits is None:
        total = sum(output, axis=-1, keepdims=True)
        logits = log(clip(divide(output, total), EPSILON, 1.0 - EPSILON))
        return _picked(logits, flat_labels, labels.shape)
    rows = np.ascontiguousarray(logits._value).reshape(-1, classes)
    loss, lse = _core.softmax_cross_entropy_forward(rows, flat_labels)

    def vjp(dy: np.ndarray) -> tuple[np.ndarray]:
        dloss = np.ascontiguousarray(dy, np.float32).reshape(-1)
        grad = _core.softmax_cross_entropy_backward(rows, flat_labels, lse, dloss)
        return (grad.reshape(logits.shape),)

    return record(loss.reshape(labels.shape), (logits,), vjp)


def _picked(log_probability: Tensor, labels: np.ndarray, shape: tuple[int, ...]) -> Tensor:
    classes = log_probability.shape[-1]
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        at = int(np.argmax(outside))
        raise ValueError(f"labels must be in [0, {classes}), not {labels[at]} at position {at}")
    flat = log_probability.reshape(-1, classes)
    return negative(flat[np.arange(len(labels)), labels]).reshape(shape)


def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-sum(target * log(output)) over the last axis.

    Args:
        target: (..., classes) probabilities, one-hot rows for instance.
        output: (..., classes) probabilities, or logits with ``from_logits``.

    Returns:
        (...) losses.
    """
    target, output = as_tensor(target, "float32"), as_tensor(output, "float32")
    if target.shape != output.shape:
        raise ValueError(f"target must have the output's shape {output.shape}, not {target.shape}")
    logits = _logits_of(output, from_logits)
    if logits is not None:
        log_probability = log_softmax(logits)
    else:
        total = sum(output, axis=-1, keepdims=True)
        log_probability = log(clip(divide(output, total), EPSILON, 1.0 - EPSILON))
    return negative(sum(multiply(target, log_probability), axis=-1))


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-target * log(output) - (1 - target) * log(1 - output), elementwise.

    Args:
        target: probabilities, zeros and ones for instance.
        output: probabilities of the same shape, or logits with ``from_logits``.
    """
    target, output = as_tensor(target, "float32"), as_tensor(output, "float32")
    if target.shape != output.shape:
        raise ValueError(f"target must have the output's shape {output.shape}, not {target.shape}")
    logits = _logits_of(output, from_logits)
    if logits is None:
        p = clip(output, EPSILON, 1.0 - EPSILON)
        return negative(
            multiply(target, log(p)) + multiply(subtract(1.0, target), log(subtract(1.0, p)))
        )
    x = np.ascontiguousarray(logits._value)
    t = np.ascontiguousarray(target._value)

    def vjp(dy: np.ndarray) -> tuple[np.ndarray]:
        dloss = np.ascontiguousarray(dy, np.float32)
        return (_core.binary_cross_entropy_backward(x, t, dloss).reshape(logits.shape),)

    return record(_core.binary_cross_entropy_forward(x, t).reshape(logits.shape), (logits,), vjp)

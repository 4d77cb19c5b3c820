"""Cross-entropies. From logits where they are known, which no probability near 0 or 1 can upset.

The result of a softmax or sigmoid remembers its logits. A loss of it is computed from those, and
its gradient then goes to the logits directly, not by way of the probabilities.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from ..autograd import Array, Tensor, as_array, as_tensor, needs_gradient, record
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
    if from_logits:
        return output
    if output._node is None and needs_gradient(output):
        return None  # the probabilities themselves are being watched
    return output._logits


def _log_probability(output: Tensor) -> Tensor:
    """The logarithm of probabilities scaled to a sum of 1 over the last axis."""
    total = sum(output, axis=-1, keepdims=True)
    return log(clip(divide(output, total), EPSILON, 1.0 - EPSILON))


def _classes(target: Any) -> Array:
    """A copy of the labels, as int32 or int64."""
    labels = as_array(target)
    if labels.dtype.kind == "f":
        broken = ~np.isfinite(labels) | (labels != np.floor(labels))
        if broken.any():
            at = int(np.argmax(broken))
            raise ValueError(
                f"target must hold whole class indices, not {labels.reshape(-1)[at]} "
                f"at position {at}"
            )
    dtype = labels.dtype if labels.dtype in (np.int32, np.int64) else np.int64
    return np.array(labels, dtype, order="C")


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
    labels = _classes(target)
    if output.ndim == 0:
        raise ValueError("output must have an axis of classes, not be a number")
    if labels.shape != output.shape[:-1]:
        raise ValueError(
            f"target must have shape {output.shape[:-1]} for an output of shape {output.shape}, "
            f"not {labels.shape}"
        )
    flat_labels = labels.reshape(-1)
    classes = output.shape[-1]
    logits = _logits_of(output, from_logits)
    if logits is None:
        return _picked(_log_probability(output), flat_labels, labels.shape)
    shape = logits.shape
    rows = np.ascontiguousarray(logits._value).reshape(labels.size, classes)
    loss, lse = _core.softmax_cross_entropy_forward(rows, flat_labels)

    def vjp(dy: Array) -> tuple[Array]:
        dloss = np.ascontiguousarray(dy, np.float32).reshape(-1)
        grad = _core.softmax_cross_entropy_backward(rows, flat_labels, lse, dloss)
        return (grad.reshape(shape),)

    return record(loss.reshape(labels.shape), (logits,), vjp)


def _picked(log_probability: Tensor, labels: Array, shape: tuple[int, ...]) -> Tensor:
    classes = log_probability.shape[-1]
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        at = int(np.argmax(outside))
        raise ValueError(f"labels must be in [0, {classes}), not {labels[at]} at position {at}")
    flat = log_probability.reshape(labels.size, classes)
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
        log_probability = _log_probability(output)
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
    shape = logits.shape
    x = np.ascontiguousarray(logits._value)
    t = np.ascontiguousarray(target._value)
    learned = needs_gradient(target)  # labels may be computed by another network

    def vjp(dy: Array) -> tuple[Array, Array | None]:
        dloss = np.ascontiguousarray(dy, np.float32).reshape(x.shape)
        dx = _core.binary_cross_entropy_backward(x, t, dloss).reshape(shape)
        return dx, (-dloss * x).reshape(shape) if learned else None

    loss = _core.binary_cross_entropy_forward(x, t)
    return record(loss.reshape(shape), (logits, target), vjp)

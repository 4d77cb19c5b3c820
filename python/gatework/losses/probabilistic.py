"""Losses between distributions: the cross-entropies and their relatives.

The cross-entropies go through one fused operation of `ops`. Predictions that come from a softmax or
a sigmoid carry their logits, and the loss is computed from those: the same number without the
clipping, and a gradient that does not vanish when a probability rounds to 0 or 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor, as_array, as_tensor
from .regression import EPSILON, float_pair


def _check_smoothing(label_smoothing: float) -> None:
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label_smoothing must be in [0, 1], not {label_smoothing!r}")


def _class_axis_last(x: Tensor, axis: int) -> Tensor:
    """Moves the class axis to the end; `x` itself (with its logits) when it is there already."""
    rank = len(x.shape)
    if axis in (-1, rank - 1):
        return x
    axis %= rank
    return ops.transpose(x, [i for i in range(rank) if i != axis] + [axis])


def class_indices(y_true: Any) -> Tensor:
    """Returns labels as an integer tensor.

    Raises:
        ValueError: when floating-point labels are not whole numbers (NaN included).
    """
    labels = as_array(y_true)
    if labels.dtype.kind == "f":
        whole = np.equal(labels, np.rint(labels))
        if not whole.all():
            bad = labels[~whole].flat[0]
            raise ValueError(
                f"y must hold whole class indices, not {bad}; for one-hot labels "
                "use 'categorical_crossentropy'"
            )
    if labels.dtype.kind != "i" or labels.dtype.itemsize < 4:
        labels = labels.astype(np.int64 if labels.dtype.itemsize > 4 else np.int32)
    return as_tensor(labels)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """-log(y_pred[y_true]) for integer labels.

    Args:
        y_true: class indices, shape `(batch, ...)` or `(batch, ..., 1)`.
        y_pred: probabilities, or logits with `from_logits`, shape `(batch, ..., classes)`.
        ignore_class: label whose entries count for nothing, for example a padding id.
        axis: the class axis of `y_pred`.

    Returns:
        Losses, shape `(batch, ...)`, 0 where ignored.

    Raises:
        ValueError: for a label outside `[0, classes)` or not a whole number.
    """
    y_pred = _class_axis_last(as_tensor(y_pred), axis)
    labels = class_indices(y_true)
    losses: Tensor
    if len(labels.shape) == len(y_pred.shape) and labels.shape[-1] == 1:
        labels = as_tensor(labels.numpy().reshape(labels.shape[:-1]))
    if ignore_class is None:
        losses = ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=from_logits)
        return losses
    kept = labels.numpy() != ignore_class
    labels = as_tensor(np.where(kept, labels.numpy(), 0))
    losses = ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=from_logits)
    losses = ops.where(kept, losses, 0.0)
    losses._keras_mask = kept
    return losses


sparse_categorical_crossentropy.integer_labels = True  # type: ignore[attr-defined]


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float = 0.5) -> Tensor:
    """(1 - p^q) / q, p the probability of the right class (Zhang and Sabuncu 2018).

    Between the cross-entropy (q near 0) and the absolute error (q near 1), which wrong labels upset
    less.

    Args:
        y_true: class indices, shape `(batch, ...)` or `(batch, ..., 1)`.
        y_pred: probabilities, shape `(batch, ..., classes)`.
        q: in (0, 1).

    Returns:
        Losses, shape `(batch, ...)`.

    Raises:
        ValueError: for a label outside `[0, classes)` or not a whole number.
    """
    y_pred = as_tensor(y_pred, "float32")
    labels = class_indices(y_true).numpy()
    classes = y_pred.shape[-1]
    if labels.ndim == y_pred.ndim and labels.shape[-1] == 1:
        labels = labels.reshape(labels.shape[:-1])
    outside = (labels < 0) | (labels >= classes)
    if outside.any():
        raise ValueError(f"y_true must be in [0, {classes}), not {labels[outside][0]}")
    p = ops.sum(y_pred * np.eye(classes, dtype=np.float32)[labels], axis=-1)
    return (1.0 - ops.power(p, q)) / q


categorical_generalized_cross_entropy.integer_labels = True  # type: ignore[attr-defined]


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-sum(y_true log(y_pred)) for one-hot labels or distributions.

    Args:
        y_true: shape of `y_pred`.
        y_pred: probabilities, or logits with `from_logits`, shape `(batch, ..., classes)`.
        label_smoothing: s in [0, 1]; labels become `y (1 - s) + s / classes`.
        axis: the class axis.

    Returns:
        Losses, shape `(batch, ...)`.
    """
    _check_smoothing(label_smoothing)
    y_pred = _class_axis_last(as_tensor(y_pred, "float32"), axis)
    y_true = _class_axis_last(as_tensor(y_true, "float32"), axis)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_pred.shape[-1]
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits)


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """mean(-y_true log(y_pred) - (1 - y_true) log(1 - y_pred)) over `axis`.

    Args:
        y_true: 0, 1 or a probability, shape of `y_pred`.
        y_pred: probabilities, or logits with `from_logits`.
        label_smoothing: s in [0, 1]; labels become `y (1 - s) + s / 2`.
        axis: the axis averaged over.
    """
    _check_smoothing(label_smoothing)
    y_true, y_pred = float_pair(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    losses = ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    return ops.mean(losses, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-sum(alpha (1 - p)^gamma y_true log(p)): easy examples weigh less (Lin et al. 2017)."""
    _check_smoothing(label_smoothing)
    y_true, y_pred = float_pair(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1]
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    p = ops.clip(p, EPSILON, 1.0 - EPSILON)
    return ops.sum(ops.power(1.0 - p, gamma) * (y_true * ops.log(p)) * -alpha, axis=axis)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """mean((1 - p_t)^gamma crossentropy), p_t the probability of the right class (Lin et al. 2017).

    With `apply_class_balancing` the classes 1 and 0 weigh `alpha` and `1 - alpha`.
    """
    _check_smoothing(label_smoothing)
    y_true, y_pred = float_pair(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    losses = ops.binary_crossentropy(y_true, y_pred, from_logits=False)
    p_right = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    losses = ops.power(1.0 - p_right, gamma) * losses
    if apply_class_balancing:
        losses = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * losses
    return ops.mean(losses, axis=axis)


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """sum(y_true log(y_true / y_pred)), both clipped to [1e-7, 1]"""
    y_true, y_pred = float_pair(y_true, y_pred)
    y_true = ops.clip(y_true, EPSILON, 1.0)
    y_pred = ops.clip(y_pred, EPSILON, 1.0)
    return ops.sum(y_true * (ops.log(y_true) - ops.log(y_pred)), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """mean(y_pred - y_true log(y_pred + 1e-7))"""
    y_true, y_pred = float_pair(y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + EPSILON), axis=-1)

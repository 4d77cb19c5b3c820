"""How often the prediction is right: the functions and their metrics.

Labels and predictions are arrays or tensors `(batch, ..., classes)`; the functions return 1.0 or
0.0 per prediction, shape `(batch, ...)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor, as_array, wrap
from ..losses.reduction import match_ranks
from .reduction import MeanMetricWrapper


def _hits(equal: npt.NDArray[np.bool_]) -> Tensor:
    return wrap(equal.astype(np.float32))


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where label and prediction are equal."""
    true, pred = match_ranks(as_array(y_true), as_array(y_pred))
    return _hits(true == pred)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where `y_pred > threshold` agrees with the 0/1 label."""
    true, pred = match_ranks(as_array(y_true), as_array(y_pred))
    return _hits((pred > threshold) == true)


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction is at the one of a one-hot label."""
    return _hits(as_array(y_true).argmax(axis=-1) == as_array(y_pred).argmax(axis=-1))


def _class_labels(y_true: Any, rank: int) -> npt.NDArray[Any]:
    labels = as_array(y_true)
    if labels.ndim == rank and labels.shape[-1] == 1:
        labels = labels.reshape(labels.shape[:-1])
    return labels


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction is at the integer label."""
    pred = as_array(y_pred)
    labels = _class_labels(y_true, pred.ndim)
    return _hits(labels == pred.argmax(axis=-1))


def _in_top_k(labels: npt.NDArray[Any], pred: npt.NDArray[Any], k: int) -> npt.NDArray[np.bool_]:
    """True where fewer than `k` predictions are greater than that of the label."""
    index = labels.astype(np.int64)
    inside = (index >= 0) & (index < pred.shape[-1])
    chosen = np.take_along_axis(pred, np.where(inside, index, 0)[..., None], axis=-1)
    greater = np.count_nonzero(pred > chosen, axis=-1)
    hits: npt.NDArray[np.bool_] = inside & np.isfinite(chosen[..., 0]) & (greater < k)
    return hits


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where the one of a one-hot label is among the `k` largest predictions."""
    return _hits(_in_top_k(as_array(y_true).argmax(axis=-1), as_array(y_pred), k))


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """1 where the integer label is among the `k` largest predictions.

    With `from_sorted_ids`, `y_pred` holds class ids in order of preference instead.
    """
    pred = as_array(y_pred)
    labels = _class_labels(y_true, pred.ndim)
    if from_sorted_ids:
        return _hits((labels[..., None] == pred[..., :k]).any(axis=-1))
    return _hits(_in_top_k(labels, pred, k))


class Accuracy(MeanMetricWrapper):
    """How often labels and predictions are equal."""

    _direction = "up"
    _arguments = ()

    def __init__(self, name: str = "accuracy", dtype: str | None = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often `y_pred > threshold` agrees with 0/1 labels."""

    _direction = "up"
    _arguments = ("threshold",)

    def __init__(
        self, name: str = "binary_accuracy", dtype: str | None = None, threshold: float = 0.5
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is at the one of a one-hot label."""

    _direction = "up"
    _arguments = ()

    def __init__(self, name: str = "categorical_accuracy", dtype: str | None = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction is at the integer label."""

    _direction = "up"
    _arguments = ()

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: str | None = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the one of a one-hot label is among the `k` largest predictions."""

    _direction = "up"
    _arguments = ("k",)

    def __init__(
        self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: str | None = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the integer label is among the `k` largest predictions."""

    _direction = "up"
    _arguments = ("k", "from_sorted_ids")

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: str | None = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )

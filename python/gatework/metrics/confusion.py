"""Counts of right and wrong yes/no decisions, and precision and recall made from them.

A mask carried by the predictions leaves out what it masks, as for every other metric.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor, as_array, as_tensor
from ..losses.reduction import check_weight, fit_weight, match_ranks, merge_mask
from .base import Metric
from .reduction import add_to

FloatArray = npt.NDArray[np.float32]
Thresholds = float | Sequence[float] | None
Counts = dict[tuple[bool, bool], npt.NDArray[np.float64]]


def _check_thresholds(thresholds: Thresholds, default: float) -> list[float]:
    if thresholds is None:
        return [default]
    values = list(thresholds) if isinstance(thresholds, Sequence) else [thresholds]
    for value in values:
        if value is None or not 0 <= value <= 1:
            raise ValueError(f"thresholds must be in [0, 1], not {value!r}")
    return values


class Decisions:
    """A batch as decisions: which predictions exceed each threshold, which labels are 1."""

    def __init__(
        self,
        y_true: Any,
        y_pred: Any,
        thresholds: list[float],
        sample_weight: Any,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        true, pred = match_ranks(as_array(y_true, "float32"), as_array(y_pred, "float32"))
        weight = None if sample_weight is None else as_array(sample_weight, "float32")
        weight = merge_mask(weight, getattr(y_pred, "_keras_mask", None), "sum")
        if true.shape != pred.shape:
            raise ValueError(f"y_true must have the shape of y_pred {pred.shape}, not {true.shape}")
        if top_k is not None:
            pred = _keep_top_k(pred, top_k)
        if class_id is not None:
            if pred.ndim < 2:
                raise ValueError("y_pred must have a class axis when class_id is given, not rank 1")
            true, pred = true[..., class_id, None], pred[..., class_id, None]
        if weight is not None:
            weight = fit_weight(weight, pred.ndim)
            check_weight(weight, pred.shape)
            weight = np.broadcast_to(weight, pred.shape)
        self.counts = count_decisions(true.astype(bool), pred, weight, thresholds)

    def count(self, positive: bool, chosen: bool) -> npt.NDArray[np.float64]:
        """Returns, per threshold, the (weighted) number of such labels so decided."""
        return self.counts[positive, chosen]


def count_decisions(
    positive: npt.NDArray[np.bool_],
    pred: FloatArray,
    weight: FloatArray | None,
    thresholds: Sequence[float],
) -> Counts:
    """Counts labels and decisions at several thresholds in one pass over the predictions.

    Args:
        positive: whether the label is 1.
        pred: predictions, of the same shape.
        weight: what each counts for, of the same shape; 1 when None.
        thresholds: what a prediction must exceed to be chosen; in any order.

    Returns:
        By (label is 1, prediction is chosen): the count per threshold.
    """
    limits = np.asarray(thresholds, np.float32)
    order = np.argsort(limits, kind="stable")
    # How many of the limits a prediction exceeds; NaN exceeds none.
    exceeded = np.searchsorted(limits[order], np.where(np.isnan(pred), -np.inf, pred).reshape(-1))
    labels = positive.reshape(-1)
    weights = None if weight is None else weight.reshape(-1).astype(np.float64)
    counts: Counts = {}
    for label in (True, False):
        which = labels == label
        shares = None if weights is None else weights[which]
        histogram = np.bincount(exceeded[which], shares, minlength=len(limits) + 1)
        chosen = np.empty(len(limits))
        chosen[order] = histogram[::-1].cumsum()[::-1][1:]
        counts[label, True] = chosen
        counts[label, False] = histogram.sum() - chosen
    return counts


def _keep_top_k(pred: FloatArray, k: int) -> FloatArray:
    """Predictions outside the `k` largest of their row become minus infinity."""
    order = np.argsort(-pred, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(pred, -np.inf)
    np.put_along_axis(kept, order, np.take_along_axis(pred, order, axis=-1), axis=-1)
    return kept


class _Count(Metric):
    """The number of decisions of one kind."""

    _kind = (True, True)

    def __init__(
        self, thresholds: Thresholds = None, name: str | None = None, dtype: str | None = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = _check_thresholds(thresholds, 0.5)
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        decisions = Decisions(y_true, y_pred, self.thresholds, sample_weight)
        add_to(self.accumulator, decisions.count(*self._kind))

    def result(self) -> Tensor:
        return _unwrap(self.accumulator.numpy().copy())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


def _unwrap(values: FloatArray) -> Tensor:
    return as_tensor(values[0] if len(values) == 1 else values)


class TruePositives(_Count):
    """Labels 1 that were predicted to be 1."""

    _kind = (True, True)


class FalsePositives(_Count):
    """Labels 0 that were predicted to be 1."""

    _kind = (False, True)


class TrueNegatives(_Count):
    """Labels 0 that were predicted to be 0."""

    _kind = (False, False)


class FalseNegatives(_Count):
    """Labels 1 that were predicted to be 0."""

    _kind = (True, False)


class _Ratio(Metric):
    """true positives / (true positives + one kind of error); 0 when there are none of either."""

    _direction = "up"
    _error_name = ""
    _error_kind = (False, True)

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        # With top_k alone every one of the k largest counts as chosen.
        self.thresholds = _check_thresholds(thresholds, 0.5 if top_k is None else -1e10)
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self._errors = self.add_variable(shape, "zeros", name=self._error_name)
        setattr(self, self._error_name, self._errors)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        decisions = Decisions(
            y_true, y_pred, self.thresholds, sample_weight, self.top_k, self.class_id
        )
        add_to(self.true_positives, decisions.count(True, True))
        add_to(self._errors, decisions.count(*self._error_kind))

    def result(self) -> Tensor:
        right = self.true_positives.numpy()
        total = right + self._errors.numpy()
        return _unwrap(np.divide(right, total, out=np.zeros_like(right), where=total != 0))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(_Ratio):
    """Of what was predicted to be 1, the part that is.

    Args:
        thresholds: what a prediction must exceed, one number or several; 0.5 when None.
        top_k: only the `top_k` largest predictions of a row can be chosen.
        class_id: looks at this class alone.
    """

    _error_name = "false_positives"
    _error_kind = (False, True)


class Recall(_Ratio):
    """Of what is 1, the part that was predicted to be. Arguments as those of `Precision`."""

    _error_name = "false_negatives"
    _error_kind = (True, False)

"""How far predictions explain the labels: R squared and the two correlations."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor, as_array, as_tensor
from ..losses.reduction import check_weight, fit_weight, match_ranks, merge_mask
from ..losses.regression import EPSILON, float_pair
from .base import Metric
from .reduction import MeanMetricWrapper, add_to

AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """1 - sum((y_true - y_pred)^2) / sum((y_true - mean(y_true))^2), over everything seen.

    Args:
        class_aggregation: how the columns of `(batch, columns)` become one number:
            "uniform_average", "variance_weighted_average", or None for a number per column.
        num_regressors: for the adjusted score, how many inputs the model has.
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in AGGREGATIONS:
            raise ValueError(
                f"class_aggregation must be one of {AGGREGATIONS}, not {class_aggregation!r}"
            )
        if not num_regressors >= 0:
            raise ValueError(f"num_regressors must be >= 0, not {num_regressors!r}")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._counting = False

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true, pred = match_ranks(as_array(y_true, "float32"), as_array(y_pred, "float32"))
        if true.ndim < 2 or true.shape != pred.shape:
            raise ValueError(
                "y_true and y_pred must have one shape (batch, ..., columns), "
                f"not {true.shape} and {pred.shape}"
            )
        if not self._counting:
            columns = (pred.shape[-1],)
            self.squared_sum = self.add_variable(columns, "zeros", name="squared_sum")
            self.sum = self.add_variable(columns, "zeros", name="sum")
            self.total_mse = self.add_variable(columns, "zeros", name="residual")
            self.count = self.add_variable(columns, "zeros", name="count")
            self._counting = True
        weight = None if sample_weight is None else as_array(sample_weight, "float32")
        weight = merge_mask(weight, getattr(y_pred, "_keras_mask", None), "sum")
        weight = np.ones((), np.float32) if weight is None else fit_weight(weight, pred.ndim)
        check_weight(weight, pred.shape)
        weights = np.broadcast_to(weight, pred.shape).astype(np.float64)
        axes = tuple(range(pred.ndim - 1))
        add_to(self.sum, (weights * true).sum(axis=axes))
        add_to(self.squared_sum, (weights * true * true).sum(axis=axes))
        add_to(self.total_mse, (weights * (true - pred) ** 2).sum(axis=axes))
        add_to(self.count, weights.sum(axis=axes))
        add_to(self.num_samples, true.size)

    def result(self) -> Tensor:
        if not self._counting:
            return as_tensor(np.float32(0))
        with np.errstate(divide="ignore", invalid="ignore"):
            total = self.squared_sum.numpy() - self.sum.numpy() ** 2 / self.count.numpy()
            scores: Any = 1 - self.total_mse.numpy() / total
            scores = np.where(np.isinf(scores), np.float32(0), scores)
            if self.class_aggregation == "uniform_average":
                scores = np.mean(scores)
            elif self.class_aggregation is not None:
                scores = np.sum(total * scores) / np.sum(total)
        if self.num_regressors:
            scores = self._adjusted(scores)
        return as_tensor(np.asarray(scores, np.float32))

    def _adjusted(self, scores: Any) -> Any:
        samples = float(self.num_samples)
        if self.num_regressors >= samples - 1:
            warnings.warn(
                f"num_regressors must be below {samples - 1:g}, the number of samples less one, "
                f"for an adjusted score, not {self.num_regressors}: the plain score is returned",
                stacklevel=3,
            )
            return scores
        return 1 - (1 - scores) * (samples - 1) / (samples - self.num_regressors - 1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """mean(a b) / (std(a) std(b)) along `axis`; a, b are labels and predictions less their means.

    A row without any variation has no correlation: NaN.
    """
    true, pred = match_ranks(*float_pair(y_true, y_pred))
    a = true - ops.mean(true, axis=axis, keepdims=True)
    b = pred - ops.mean(pred, axis=axis, keepdims=True)
    deviations = ops.sqrt(ops.mean(ops.square(a), axis=axis) * ops.mean(ops.square(b), axis=axis))
    return ops.mean(a * b, axis=axis) / deviations


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """2 mean(a b) / (var(y_true) + var(y_pred) + (difference of the means)^2 + 1e-7) along `axis`.

    a and b are labels and predictions less their means (Lin 1989).
    """
    true, pred = match_ranks(*float_pair(y_true, y_pred))
    mean_true = ops.mean(true, axis=axis, keepdims=True)
    mean_pred = ops.mean(pred, axis=axis, keepdims=True)
    a, b = true - mean_true, pred - mean_pred
    norm = ops.mean(ops.square(a), axis=axis) + ops.mean(ops.square(b), axis=axis)
    apart = ops.mean(ops.square(mean_true - mean_pred), axis=axis)
    return 2.0 * ops.mean(a * b, axis=axis) / (norm + apart + EPSILON)


class PearsonCorrelation(MeanMetricWrapper):
    """The mean correlation of labels and predictions along `axis`."""

    _direction = "up"
    _arguments = ("axis",)

    def __init__(
        self, name: str = "pearson_correlation", dtype: str | None = None, axis: int = -1
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean concordance of labels and predictions along `axis`: 1 only where they are equal."""

    _direction = "up"
    _arguments = ("axis",)

    def __init__(
        self, name: str = "concordance_correlation", dtype: str | None = None, axis: int = -1
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)

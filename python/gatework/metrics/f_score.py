"""F scores: one number of precision and recall."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import Tensor, Variable, as_array, as_tensor
from ..losses.reduction import fit_weight, merge_mask
from ..losses.regression import EPSILON
from .base import Metric
from .reduction import add_to

AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall), per class or averaged.

    Predictions and labels are `(batch, classes)`, or `(batch, time, classes)` for one prediction
    per step.

    Args:
        average: None (a number per class), "micro" (all classes counted together), "macro" (mean of
            the classes) or "weighted" (mean weighted by how often the class is right).
        beta: how much more recall counts than precision.
        threshold: what a prediction must exceed to be chosen; the largest of a row when None.
    """

    _direction = "up"
    true_positives: Variable
    false_positives: Variable
    false_negatives: Variable
    intermediate_weights: Variable

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if average not in AVERAGES:
            raise ValueError(f"average must be one of {AVERAGES}, not {average!r}")
        if isinstance(beta, bool) or not isinstance(beta, float | int) or not beta > 0:
            raise ValueError(f"beta must be a float > 0, not {beta!r}")
        number = isinstance(threshold, float | int) and not isinstance(threshold, bool)
        if threshold is not None and not (number and 0 < threshold <= 1):
            raise ValueError(f"threshold must be in (0, 1], not {threshold!r}")
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self._counting = False

    def _count(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        names = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")
        for name in names:
            setattr(self, name, self.add_variable(shape, "zeros", name=name))
        self._counting = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true, pred = as_array(y_true, "float32"), as_array(y_pred, "float32")
        if true.shape != pred.shape or pred.ndim < 2:
            raise ValueError(
                "y_true and y_pred must have one shape (batch, ..., classes), "
                f"not {true.shape} and {pred.shape}"
            )
        classes = pred.shape[-1]
        if not self._counting:
            self._count(classes)
        if self.threshold is None:
            # A row of zeros chooses nothing.
            chosen = (pred >= pred.max(axis=-1, keepdims=True)) & (np.abs(pred) > 1e-9)
        else:
            chosen = pred > self.threshold
        weight = None if sample_weight is None else as_array(sample_weight, "float32")
        weight = merge_mask(weight, getattr(y_pred, "_keras_mask", None), "sum")
        weight = np.ones((), np.float32) if weight is None else fit_weight(weight, pred.ndim)
        weights = np.broadcast_to(weight, pred.shape).astype(np.float64)
        axes = None if self.average == "micro" else tuple(range(pred.ndim - 1))
        for variable, values in (
            (self.true_positives, chosen * true),
            (self.false_positives, chosen * (1 - true)),
            (self.false_negatives, ~chosen * true),
            (self.intermediate_weights, true),
        ):
            add_to(variable, (values * weights).sum(axis=axes))

    def result(self) -> Tensor:
        if not self._counting:
            return as_tensor(np.float32(0))
        right = self.true_positives.numpy()
        precision = right / (right + self.false_positives.numpy() + EPSILON)
        recall = right / (right + self.false_negatives.numpy() + EPSILON)
        square = self.beta**2
        score: Any = (1 + square) * precision * recall / (square * precision + recall + EPSILON)
        if self.average == "weighted":
            support = self.intermediate_weights.numpy()
            score = np.sum(score * support / (support.sum() + EPSILON))
        elif self.average is not None:
            score = np.mean(score)
        return as_tensor(np.asarray(score, np.float32))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """2 precision recall / (precision + recall): the harmonic mean. Arguments as `FBetaScore`."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config

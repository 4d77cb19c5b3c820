"""The area under a curve of two rates over all thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import ops
from ..autograd import Tensor, as_array, as_tensor, no_recording
from ..losses.reduction import check_weight, fit_weight, match_ranks, merge_mask
from .confusion import count_decisions
from .thresholds import ConfusionMetric, even_thresholds, share

CURVES = ("ROC", "PR", "PRGAIN")
SUMS = ("interpolation", "minoring", "majoring")
_OTHER_NAMES = {"careful_interpolation": "interpolation", "Interpolation": "interpolation"}

Counts = npt.NDArray[np.float32]


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    folded = str(value).lower()
    for choice in known:
        if choice.lower() == folded:
            return choice
    raise ValueError(f"{name} must be one of {known}, not {value!r}")


class AUC(ConfusionMetric):
    """The area under the receiver operating curve or the precision-recall curve.

    Args:
        num_thresholds: how many thresholds, evenly spread on [0, 1]; more are more exact.
        curve: "ROC" (recall over false positives), "PR" (precision over recall) or "PRGAIN"
            (Flach and Kull 2015).
        summation_method: "interpolation" (for "PR" that of Davis and Goadrich 2006), or rectangles
            below ("minoring") or above the curve ("majoring").
        thresholds: inner thresholds to use instead, in [0, 1].
        multi_label: averages the areas of the columns of `(batch, labels)` predictions.
        num_labels: the number of columns; that of the first batch when None.
        label_weights: what each column counts for.
        from_logits: whether predictions are logits.
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: str | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name, dtype)
        self.curve = _one_of("curve", curve, CURVES)
        method = _OTHER_NAMES.get(summation_method, summation_method)
        self.summation_method = _one_of("summation_method", method, SUMS)
        if thresholds is not None:
            inner = sorted(thresholds)
            if inner and not 0 <= inner[0] <= inner[-1] <= 1:
                raise ValueError(f"thresholds must be in [0, 1], not {list(thresholds)!r}")
        elif not num_thresholds > 1:
            raise ValueError(f"num_thresholds must be an integer > 1, not {num_thresholds!r}")
        else:
            inner = even_thresholds(num_thresholds)[1:-1]
        if num_labels and not multi_label:
            raise ValueError(f"num_labels must be None without multi_label, not {num_labels!r}")
        self._inner_given = thresholds is not None
        self.num_thresholds = len(inner) + 2
        self.thresholds = [-1e-7, *inner, 1.0 + 1e-7]
        # The ends decide alike for any prediction.
        self.limits = [-np.inf, *inner, np.inf]
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else list(label_weights)
        self.from_logits = from_logits
        self._counting = False
        if not multi_label:
            self._count(())
        elif num_labels:
            self._count((num_labels,))

    def _count(self, labels: tuple[int, ...]) -> None:
        self.add_counts((self.num_thresholds, *labels))
        self._counting = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        mask = getattr(y_pred, "_keras_mask", None)
        true, pred = match_ranks(as_array(y_true, "float32"), as_array(y_pred, "float32"))
        if true.shape != pred.shape:
            raise ValueError(f"y_true must have the shape of y_pred {pred.shape}, not {true.shape}")
        if self.from_logits:
            with no_recording():
                pred = ops.sigmoid(pred).numpy()
        weight = None if sample_weight is None else as_array(sample_weight, "float32")
        weight = merge_mask(weight, mask, "sum")
        if weight is not None:
            weight = fit_weight(weight, pred.ndim)
            check_weight(weight, pred.shape)
        if self.multi_label:
            if pred.ndim != 2:
                raise ValueError(f"y_pred must have shape (batch, labels), not {pred.shape}")
            if not self._counting:
                self._count((pred.shape[1],))
        elif self.label_weights is not None:
            columns = np.asarray(self.label_weights, np.float32)
            if columns.shape != pred.shape[-1:]:
                raise ValueError(
                    f"label_weights must be {pred.shape[-1]} numbers, not {len(columns)}"
                )
            weight = columns if weight is None else weight * columns
        if weight is not None:
            weight = np.broadcast_to(weight, pred.shape)
        positive = true.astype(bool)
        if not self.multi_label:
            self.add_decisions(count_decisions(positive, pred, weight, self.limits))
            return
        found = [
            count_decisions(
                positive[:, i], pred[:, i], None if weight is None else weight[:, i], self.limits
            )
            for i in range(pred.shape[1])
        ]
        self.add_decisions(
            {key: np.stack([counts[key] for counts in found], axis=1) for key in found[0]}
        )

    def result(self) -> Tensor:
        if not self._counting:
            return as_tensor(np.float32(0))
        counts = (self.true_positives, self.false_positives)
        right, wrong = (variable.numpy() for variable in counts)
        missed, spared = self.false_negatives.numpy(), self.true_negatives.numpy()
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = _interpolated_precision(right, wrong, missed)
        else:
            if self.curve == "ROC":
                x, y = share(wrong, spared), share(right, missed)
            elif self.curve == "PR":
                x, y = share(right, missed), share(right, wrong)
            else:
                x, y = _gains(right, wrong, missed, spared)
            mean = (y[:-1] + y[1:]) / 2
            heights = {
                "interpolation": mean,
                "minoring": np.minimum(y[:-1], y[1:]),
                "majoring": np.maximum(y[:-1], y[1:]),
            }
            areas = (x[:-1] - x[1:]) * heights[self.summation_method]
        by_label = areas.sum(axis=0)
        if not self.multi_label:
            return as_tensor(np.float32(by_label))
        weights = None
        if self.label_weights is not None and any(self.label_weights):
            weights = np.asarray(self.label_weights)
        return as_tensor(np.float32(np.average(by_label, weights=weights)))

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }
        if self._inner_given:
            config["thresholds"] = self.thresholds[1:-1]
        return config


def _quotient(a: Counts, b: Counts) -> Counts:
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def _gains(right: Counts, wrong: Counts, missed: Counts, spared: Counts) -> tuple[Counts, Counts]:
    """Recall gain and precision gain; where nothing is right they are 0 and 1."""
    scale = _quotient(right + missed, spared + wrong)
    recall = np.where(right == 0, np.float32(0), 1 - scale * _quotient(missed, right))
    precision = np.where(right == 0, np.float32(1), 1 - scale * _quotient(wrong, right))
    return np.maximum(recall, 0), precision


def _interpolated_precision(right: Counts, wrong: Counts, missed: Counts) -> Counts:
    """Areas between thresholds, right and wrong answers taken to grow in proportion there.

    With P = right + wrong, precision is (right_B + slope (P - P_B)) / P between A and B, and its
    integral over the recall slope (d right + (right_B - slope P_B) log(P_A / P_B)) / positives.
    """
    chosen = right + wrong
    gained = right[:-1] - right[1:]
    slope = _quotient(gained, np.maximum(chosen[:-1] - chosen[1:], 0))
    intercept = right[1:] - slope * chosen[1:]
    both = (chosen[:-1] > 0) & (chosen[1:] > 0)
    ratio = np.divide(chosen[:-1], chosen[1:], out=np.ones_like(gained), where=both)
    return _quotient(slope * (gained + intercept * np.log(ratio)), right[1:] + missed[1:])

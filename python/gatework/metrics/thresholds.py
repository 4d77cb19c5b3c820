"""The best of one rate where another is good enough, over thresholds evenly spread on [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor, Variable, as_tensor
from .base import Metric
from .confusion import Decisions
from .reduction import add_to

Rates = npt.NDArray[np.float32]


def share(part: Rates, rest: Rates) -> Rates:
    """part / (part + rest), 0 where both are 0."""
    whole = part + rest
    out: Rates = np.divide(part, whole, out=np.zeros_like(part), where=whole != 0)
    return out


class ConfusionMetric(Metric):
    """Keeps the four counts at several thresholds; `limits` are those that decide."""

    _direction = "up"
    true_positives: Variable
    false_positives: Variable
    true_negatives: Variable
    false_negatives: Variable

    def __init__(self, name: str | None, dtype: str | None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.limits: list[float] = []

    def add_counts(self, shape: tuple[int, ...]) -> None:
        """Adds the variables of the counts, in Keras' order."""
        for name in ("true_positives", "false_positives", "true_negatives", "false_negatives"):
            setattr(self, name, self.add_variable(shape, "zeros", name=name))

    def add_decisions(self, counts: dict[tuple[bool, bool], Any]) -> None:
        """Adds the counts of a batch."""
        add_to(self.true_positives, counts[True, True])
        add_to(self.false_positives, counts[False, True])
        add_to(self.true_negatives, counts[False, False])
        add_to(self.false_negatives, counts[True, False])

    def rates(self) -> dict[str, Rates]:
        """Recall, precision and specificity at every threshold."""
        right, wrong = self.true_positives.numpy(), self.false_positives.numpy()
        return {
            "recall": share(right, self.false_negatives.numpy()),
            "precision": share(right, wrong),
            "specificity": share(self.true_negatives.numpy(), wrong),
        }


def even_thresholds(count: int) -> list[float]:
    """`count` thresholds from 0 to 1, both among them."""
    return [i / (count - 1) for i in range(count)] if count > 1 else [0.5]


class _BestUnder(ConfusionMetric):
    """The largest value of one rate where another reaches `value`; 0 where it never does."""

    _wanted = ""
    _bounded = ""
    _argument = ""

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"{self._argument} must be in [0, 1], not {value!r}")
        if not num_thresholds > 0:
            raise ValueError(f"num_thresholds must be an integer > 0, not {num_thresholds!r}")
        super().__init__(name, dtype)
        setattr(self, self._argument, value)
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = even_thresholds(num_thresholds)
        # As in Keras the ends decide alike for any prediction: all are above 0, none is above 1.
        self.limits = self.thresholds
        if num_thresholds > 1:
            self.limits = [-np.inf, *self.thresholds[1:-1], np.inf]
        self.add_counts((len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        found = Decisions(y_true, y_pred, self.limits, sample_weight, class_id=self.class_id)
        self.add_decisions(found.counts)

    def result(self) -> Tensor:
        rates = self.rates()
        reached = rates[self._bounded] >= np.float32(getattr(self, self._argument))
        return as_tensor(np.where(reached, rates[self._wanted], np.float32(0)).max(initial=0))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            self._argument: getattr(self, self._argument),
            "num_thresholds": self.num_thresholds,
            "class_id": self.class_id,
        }


class SensitivityAtSpecificity(_BestUnder):
    """The best recall of the thresholds whose specificity is at least `specificity`.

    Args:
        specificity: in [0, 1]; specificity is the part of the labels 0 predicted to be 0.
        num_thresholds: how many thresholds, evenly spread on [0, 1].
        class_id: looks at this class alone.
    """

    _wanted, _bounded, _argument = "recall", "specificity", "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_BestUnder):
    """The best specificity of the thresholds whose recall is at least `sensitivity`.

    Args:
        sensitivity: in [0, 1].
        num_thresholds: how many thresholds, evenly spread on [0, 1].
        class_id: looks at this class alone.
    """

    _wanted, _bounded, _argument = "specificity", "recall", "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_BestUnder):
    """The best precision of the thresholds whose recall is at least `recall`.

    Args:
        recall: in [0, 1].
        num_thresholds: how many thresholds, evenly spread on [0, 1].
        class_id: looks at this class alone.
    """

    _wanted, _bounded, _argument = "precision", "recall", "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_BestUnder):
    """The best recall of the thresholds whose precision is at least `precision`.

    Args:
        precision: in [0, 1].
        num_thresholds: how many thresholds, evenly spread on [0, 1].
        class_id: looks at this class alone.
    """

    _wanted, _bounded, _argument = "recall", "precision", "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)

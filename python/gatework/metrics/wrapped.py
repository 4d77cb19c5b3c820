"""Metrics that average a loss function: regression, hinge and cross-entropies, and perplexity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd import Tensor, as_array, as_tensor
from ..losses import margin, probabilistic, regression
from ..losses.reduction import match_ranks, merge_mask
from .reduction import Mean, MeanMetricWrapper


class MeanSquaredError(MeanMetricWrapper):
    """mean((y_true - y_pred)^2)"""

    _direction = "down"
    _arguments = ()

    def __init__(self, name: str = "mean_squared_error", dtype: str | None = None) -> None:
        super().__init__(regression.mean_squared_error, name, dtype)


class RootMeanSquaredError(Mean):
    """The square root of the mean squared error over everything seen."""

    _direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def update_state(  # type: ignore[override]  # Keras' signature: labels and predictions
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        true, pred = match_ranks(as_array(y_true, "float32"), as_array(y_pred, "float32"))
        weight = None if sample_weight is None else as_array(sample_weight, "float32")
        weight = merge_mask(weight, getattr(y_pred, "_keras_mask", None), "sum")
        super().update_state(np.square(pred - true), weight)

    def result(self) -> Tensor:
        return as_tensor(np.float32(math.sqrt(self._mean())))


class MeanAbsoluteError(MeanMetricWrapper):
    """mean(|y_true - y_pred|)"""

    _direction = "down"
    _arguments = ()

    def __init__(self, name: str = "mean_absolute_error", dtype: str | None = None) -> None:
        super().__init__(regression.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """100 mean(|y_true - y_pred| / |y_true|)"""

    _direction = "down"
    _arguments = ()

    def __init__(
        self, name: str = "mean_absolute_percentage_error", dtype: str | None = None
    ) -> None:
        super().__init__(regression.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """mean((log(1 + y_true) - log(1 + y_pred))^2)"""

    _direction = "down"
    _arguments = ()

    def __init__(
        self, name: str = "mean_squared_logarithmic_error", dtype: str | None = None
    ) -> None:
        super().__init__(regression.mean_squared_logarithmic_error, name, dtype)


def _cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    return -regression.cosine_similarity(y_true, y_pred, axis)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between label and prediction (the loss is its negative)."""

    _direction = "up"
    _arguments = ("axis",)

    def __init__(
        self, name: str = "cosine_similarity", dtype: str | None = None, axis: int = -1
    ) -> None:
        super().__init__(_cosine, name, dtype, axis=axis)


class LogCoshError(MeanMetricWrapper):
    """mean(log(cosh(y_pred - y_true)))"""

    _direction = "down"
    _arguments = ()

    def __init__(self, name: str = "logcosh", dtype: str | None = None) -> None:
        super().__init__(regression.log_cosh, name, dtype)


class Hinge(MeanMetricWrapper):
    """mean(max(1 - y_true y_pred, 0))"""

    _direction = "down"
    _arguments = ()

    def __init__(self, name: str = "hinge", dtype: str | None = None) -> None:
        super().__init__(margin.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """mean(max(1 - y_true y_pred, 0)^2)"""

    _direction = "down"
    _arguments = ()

    def __init__(self, name: str = "squared_hinge", dtype: str | None = None) -> None:
        super().__init__(margin.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """max(1 + max((1 - y_true) y_pred) - sum(y_true y_pred), 0)"""

    _direction = "down"
    _arguments = ()

    def __init__(self, name: str = "categorical_hinge", dtype: str | None = None) -> None:
        super().__init__(margin.categorical_hinge, name, dtype)


class KLDivergence(MeanMetricWrapper):
    """sum(y_true log(y_true / y_pred))"""

    _direction = "down"
    _arguments = ()

    def __init__(self, name: str = "kl_divergence", dtype: str | None = None) -> None:
        super().__init__(probabilistic.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """mean(y_pred - y_true log(y_pred))"""

    _direction = "down"
    _arguments = ()

    def __init__(self, name: str = "poisson", dtype: str | None = None) -> None:
        super().__init__(probabilistic.poisson, name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """Cross-entropy of independent yes/no labels."""

    _direction = "down"
    _arguments = ("from_logits", "label_smoothing")

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            probabilistic.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """Cross-entropy of one-hot labels."""

    _direction = "down"
    _arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            probabilistic.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Cross-entropy of integer class labels."""

    _direction = "down"
    _arguments = ("from_logits", "ignore_class", "axis")

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: str | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            probabilistic.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class Perplexity(MeanMetricWrapper):
    """exp of the mean cross-entropy per token: how many next words the model hesitates between.

    Args:
        from_logits: whether predictions are logits.
        mask_token_id: label that counts for nothing, usually the padding id.
    """

    _direction = "down"

    def __init__(
        self,
        from_logits: bool = False,
        mask_token_id: int | None = None,
        dtype: str | None = None,
        name: str = "perplexity",
    ) -> None:
        super().__init__(
            probabilistic.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=mask_token_id,
        )
        self.from_logits = from_logits
        self.mask_token_id = mask_token_id

    def result(self) -> Tensor:
        mean = self._mean()
        # Beyond the largest float the honest answer is infinity, not an OverflowError.
        return as_tensor(np.float32(math.exp(mean) if mean < 88.0 else math.inf))

    def get_config(self) -> dict[str, Any]:
        return {
            "from_logits": self.from_logits,
            "mask_token_id": self.mask_token_id,
            "dtype": self.dtype,
            "name": self.name,
        }

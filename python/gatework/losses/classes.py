"""The losses as classes: a name, the options of the function, a reduction."""

from __future__ import annotations

from typing import Any

from . import margin, probabilistic, regression
from .base import LossFunctionWrapper

_MEAN = "sum_over_batch_size"


class MeanSquaredError(LossFunctionWrapper):
    """mean((y_true - y_pred)^2)"""

    _arguments = ()

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "mean_squared_error", dtype: Any = None
    ) -> None:
        super().__init__(regression.mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """mean(|y_true - y_pred|)"""

    _arguments = ()

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "mean_absolute_error", dtype: Any = None
    ) -> None:
        super().__init__(regression.mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """100 mean(|y_true - y_pred| / |y_true|)"""

    _arguments = ()

    def __init__(
        self,
        reduction: str | None = _MEAN,
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """mean((log(1 + y_true) - log(1 + y_pred))^2)"""

    _arguments = ()

    def __init__(
        self,
        reduction: str | None = _MEAN,
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(LossFunctionWrapper):
    """Quadratic up to an error of `delta`, linear beyond it."""

    _arguments = ("delta",)

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = _MEAN,
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """mean(log(cosh(y_pred - y_true)))"""

    _arguments = ()

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "log_cosh", dtype: Any = None
    ) -> None:
        super().__init__(regression.log_cosh, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine of the angle between label and prediction along `axis`."""

    _arguments = ("axis",)

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = _MEAN,
        name: str = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.cosine_similarity, reduction, name, dtype, axis=axis)


class Hinge(LossFunctionWrapper):
    """mean(max(1 - y_true y_pred, 0))"""

    _arguments = ()

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "hinge", dtype: Any = None
    ) -> None:
        super().__init__(margin.hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """mean(max(1 - y_true y_pred, 0)^2)"""

    _arguments = ()

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "squared_hinge", dtype: Any = None
    ) -> None:
        super().__init__(margin.squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """max(1 + max((1 - y_true) y_pred) - sum(y_true y_pred), 0)"""

    _arguments = ()

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "categorical_hinge", dtype: Any = None
    ) -> None:
        super().__init__(margin.categorical_hinge, reduction, name, dtype)


class KLDivergence(LossFunctionWrapper):
    """sum(y_true log(y_true / y_pred))"""

    _arguments = ()

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "kl_divergence", dtype: Any = None
    ) -> None:
        super().__init__(probabilistic.kl_divergence, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """mean(y_pred - y_true log(y_pred))"""

    _arguments = ()

    def __init__(
        self, reduction: str | None = _MEAN, name: str = "poisson", dtype: Any = None
    ) -> None:
        super().__init__(probabilistic.poisson, reduction, name, dtype)


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of independent yes/no labels."""

    _arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = _MEAN,
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            probabilistic.binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot labels or distributions over classes."""

    _arguments = ("from_logits", "label_smoothing", "axis")

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = _MEAN,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            probabilistic.categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of integer class labels; `ignore_class` entries count for nothing."""

    _arguments = ("from_logits", "ignore_class")

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = _MEAN,
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            probabilistic.sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Binary cross-entropy in which easy examples weigh less."""

    _arguments = (
        "from_logits",
        "label_smoothing",
        "axis",
        "apply_class_balancing",
        "alpha",
        "gamma",
    )

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = _MEAN,
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            probabilistic.binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Categorical cross-entropy in which easy examples weigh less."""

    _arguments = ("from_logits", "label_smoothing", "axis", "alpha", "gamma")

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = _MEAN,
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            probabilistic.categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """(1 - p^q) / q of integer labels, p the probability of the right class, q in (0, 1)."""

    _arguments = ("q",)

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = _MEAN,
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"q must be in (0, 1), not {q!r}")
        super().__init__(
            probabilistic.categorical_generalized_cross_entropy, reduction, name, dtype, q=q
        )

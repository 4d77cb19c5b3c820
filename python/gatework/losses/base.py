"""The Loss base class, and the wrapper that makes a Loss of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from .._suggest import NamedArguments
from ..autograd import Tensor, as_array, as_tensor
from ..tree import is_nested, map_structure
from .reduction import check_reduction, match_ranks, reduce_weighted

LossFunction = Callable[..., Any]


class Loss(NamedArguments):
    """Compares labels with predictions and returns one number to minimise.

    Subclasses write `call(y_true, y_pred)`, which returns one loss per sample (or per step); the
    base class applies masks and sample weights and reduces.

    Args:
        name: shown in logs; the class name in snake case when None.
        reduction: "sum_over_batch_size" or "mean" (mean over all unmasked entries), "sum",
            "mean_with_sample_weight" (divides by the sum of the weights), None or "none".
        dtype: dtype of the computation; only "float32" exists here.

    Raises:
        ValueError: for an unknown `reduction` or `dtype`.
    """

    # Whether `call` reads the mask of the predictions, which then is not that of the losses.
    _masks_itself = False

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: str | None = None,
    ) -> None:
        if name is None:
            from ..utils.naming import auto_name

            name = auto_name(type(self).__name__)
        if dtype not in (None, "float32"):
            raise ValueError(f"dtype must be 'float32', not {dtype!r}")
        self.name = name
        self.reduction = check_reduction(reduction)

    @property
    def dtype(self) -> str:
        return "float32"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        if is_nested(y_pred):
            mask = None
            y_pred = map_structure(as_tensor, y_pred)
        else:
            mask = None if self._masks_itself else getattr(y_pred, "_keras_mask", None)
            y_pred = as_tensor(y_pred)
        if isinstance(y_true, Tensor):
            y_true = self._convert_labels(y_true)
        else:
            y_true = map_structure(self._convert_labels, y_true)
        losses = self.call(y_true, y_pred)
        out_mask = getattr(losses, "_keras_mask", None)
        if out_mask is not None:
            # Both masks are per step; a mask from inside the loss (ignore_class) can only narrow.
            mask = as_array(out_mask) if mask is None else as_array(mask) & as_array(out_mask)
        return reduce_weighted(losses, sample_weight, mask, self.reduction)

    def _convert_labels(self, label: Any) -> Tensor:
        return as_tensor(label, "float32")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must implement call(y_true, y_pred)")

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)


class LossFunctionWrapper(Loss):
    """Makes a `Loss` of a function `fn(y_true, y_pred, **kwargs)` returning per-sample losses."""

    # The wrapper of a built-in class is rebuilt from that class' own arguments.
    _arguments: tuple[str, ...] | None = None

    def __init__(
        self,
        fn: LossFunction,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs
        self._integer_labels = getattr(fn, "integer_labels", False)
        self._masks_itself = getattr(fn, "masks_itself", False)

    def _convert_labels(self, label: Any) -> Tensor:
        if self._integer_labels:
            tensor = as_tensor(label)
            # A class index in floating point is exact; bool and the small integers are widened.
            if np.issubdtype(tensor.dtype, np.integer):
                return tensor
        return as_tensor(label, "float32")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if not is_nested(y_pred):
            y_true, y_pred = match_ranks(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self._arguments is not None:
            return {**config, **{name: self._fn_kwargs[name] for name in self._arguments}}
        from ..saving import serialize_keras_object

        return {**config, "fn": serialize_keras_object(self.fn), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        if "fn" in config:
            from ..saving import deserialize_keras_object

            config = {**config, "fn": deserialize_keras_object(config["fn"])}
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

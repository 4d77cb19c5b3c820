"""Sums and means over batches; everything that averages a function is built on `Mean`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor, Variable, as_array, as_tensor, no_recording, wrap
from ..losses.reduction import check_weight, fit_weight, merge_mask
from .base import Metric

FloatArray = npt.NDArray[np.float32]
Reduce = Callable[..., Any]


def add_to(variable: Variable, amount: Any) -> None:
    """Adds to a state variable in place: cheaper per batch than a new array."""
    variable._value[...] += amount
    variable.touch()


def per_sample(
    values: FloatArray, weight: FloatArray | None, reduce: Reduce
) -> tuple[FloatArray, FloatArray | None]:
    """Weights `values` and reduces both to one entry per sample.

    Axes of `values` that `weight` does not have are reduced first, so a weight per sample and a
    weight per step both mean what they say.
    """
    if weight is not None:
        if weight.ndim > values.ndim:
            weight = fit_weight(weight, values.ndim)
        rank = weight.ndim
        if values.ndim > rank:
            values = reduce(values, axis=tuple(range(rank, values.ndim)))
        check_weight(weight, values.shape)
        weight = np.broadcast_to(weight, values.shape)
        values = values * weight
        if rank > 1:
            weight = reduce(weight, axis=tuple(range(1, rank)))
    if values.ndim > 1:
        values = reduce(values, axis=tuple(range(1, values.ndim)))
    return values, weight


class Sum(Metric):
    """The (weighted) sum of all values seen."""

    def __init__(self, name: str | None = "sum", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        weight = None if sample_weight is None else as_array(sample_weight, "float32")
        array, _ = per_sample(as_array(values, "float32"), weight, np.sum)
        add_to(self.total, array.sum(dtype=np.float64))

    def result(self) -> Tensor:
        return as_tensor(self.total.numpy().copy())


class Mean(Metric):
    """The (weighted) mean of all values seen; 0 before any."""

    def __init__(self, name: str | None = "mean", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        array = as_array(values, "float32")
        if type(sample_weight) is int and array.ndim == 0:  # the loss of a batch: its commonest use
            self._add(array.item() * sample_weight, sample_weight)
            return
        mask = getattr(values, "_keras_mask", None)
        weight = None if sample_weight is None else as_array(sample_weight, "float32")
        if weight is not None and mask is not None:
            weight = merge_mask(weight, mask, "sum")
        self._accumulate(array, weight)

    def _accumulate(self, array: FloatArray, weight: FloatArray | None) -> None:
        total: Any
        count: Any
        if weight is None:
            count = array.shape[0] if array.ndim else 1
            total = array.sum(dtype=np.float64)
            if array.ndim > 1 and array.size:
                total = total * (count / array.size)
        elif weight.ndim == 0 and array.ndim == 0:
            count = weight.item()
            total = array.item() * count
        else:
            array, weight = per_sample(array, weight, np.mean)
            total = array.sum(dtype=np.float64)
            count = weight.sum(dtype=np.float64) if weight is not None else array.size
        self._add(total, count)

    def _add(self, total: float, count: float) -> None:
        for variable, amount in ((self.total, total), (self.count, count)):
            state = variable._value
            state[()] = state.item() + amount
            variable.touch()

    def _mean(self) -> float:
        count = float(self.count._value)
        return float(self.total._value) / count if count else 0.0

    def result(self) -> Any:
        return wrap(np.array(self._mean(), np.float32))


class MeanMetricWrapper(Mean):
    """The mean of a function `fn(y_true, y_pred, **kwargs)` over samples.

    A mask carried by the predictions joins the sample weights.
    """

    _arguments: tuple[str, ...] | None = None

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(  # type: ignore[override]  # Keras' signature: it averages a function of two
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        mask = getattr(y_pred, "_keras_mask", None)
        with no_recording():
            values = self._fn(y_true, y_pred, **self._fn_kwargs)
        weight = None if sample_weight is None else as_array(sample_weight, "float32")
        if mask is not None:
            weight = merge_mask(weight, mask, "sum")
        own_mask = getattr(values, "_keras_mask", None)
        if own_mask is not None:  # made by the function itself, such as that of ignore_class
            weight = merge_mask(weight, own_mask, "sum")
        self._accumulate(as_array(values, "float32"), weight)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self._arguments is not None:
            return {**config, **{name: self._fn_kwargs[name] for name in self._arguments}}
        from ..saving import serialize_keras_object

        return {**config, "fn": serialize_keras_object(self._fn), **self._fn_kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        if "fn" in config:
            from ..saving import deserialize_keras_object

            config = {**config, "fn": deserialize_keras_object(config["fn"])}
        return cls(**config)

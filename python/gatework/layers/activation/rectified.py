"""Activations that leave positive values as they are."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...autograd import Tensor
from ..arguments import not_negative
from ..base import Layer

__all__ = ["ELU", "LeakyReLU", "ReLU"]


class ReLU(Layer):
    """max(x, 0), or what the arguments make of it.

    Args:
        max_value: the largest value of the outputs; None for none.
        negative_slope: slope below the threshold.
        threshold: x from here on is left as it is; below it is negative_slope * (x - threshold).

    Raises:
        ValueError: if a number is negative.
    """

    acts_per_step = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else not_negative("max_value", max_value)
        self.negative_slope = not_negative("negative_slope", negative_slope)
        self.threshold = not_negative("threshold", threshold)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return ops.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(Layer):
    """x, times ``negative_slope`` below zero (Maas et al. 2013).

    Args:
        negative_slope: not negative; older programs call it ``alpha``.

    Raises:
        ValueError: if the slope is negative.
    """

    acts_per_step = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)
        self.negative_slope = not_negative("negative_slope", negative_slope)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return ops.leaky_relu(inputs, self.negative_slope)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}


class ELU(Layer):
    """x, alpha * (e^x - 1) below zero (Clevert et al. 2016).

    Args:
        alpha: what negative values approach, negated.
    """

    acts_per_step = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return ops.elu(inputs, self.alpha)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}

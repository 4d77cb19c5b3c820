"""A penalty on values on their way."""

from __future__ import annotations

from typing import Any

from ... import regularizers
from ..base import Layer

__all__ = ["ActivityRegularization"]


class ActivityRegularization(Layer):
    """Adds l1 * sum(|x|) + l2 * sum(x²), over the batch size, to the loss; x passes unchanged.

    Args:
        l1, l2: factors, not negative.

    Raises:
        ValueError: if a factor is negative or not finite.
    """

    acts_per_step = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        kwargs.pop("activity_regularizer", None)
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2
        self.built = True

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}

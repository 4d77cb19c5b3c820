"""Steps of one value as padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...autograd import Array, Tensor, as_array, as_tensor
from ..base import Layer

__all__ = ["Masking"]


class Masking(Layer):
    """Masks the steps at which every feature equals ``mask_value``, and sets them to zero.

    Args:
        mask_value: the value that marks padding.
    """

    acts_per_step = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value.item() if isinstance(mask_value, np.generic) else mask_value
        self.supports_masking = True
        self.built = True

    def _real(self, inputs: Any, keepdims: bool) -> Array:
        """Which steps are no padding; the value is compared as the inputs hold it, in float32."""
        differs = as_array(inputs) != np.float32(self.mask_value)
        found: Array = np.any(differs, axis=-1, keepdims=keepdims)
        return found

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return as_tensor(self._real(inputs, keepdims=False))

    def call(self, inputs: Any) -> Tensor:
        masked: Tensor = ops.where(self._real(inputs, keepdims=True), inputs, 0.0)
        return masked

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}

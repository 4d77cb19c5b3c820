"""The largest value, or the mean, over all steps that are not masked."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...autograd import Array, Tensor, as_array
from ..arguments import data_format_of
from ..base import InputSpec, Layer

__all__ = ["GlobalAveragePooling1D", "GlobalMaxPooling1D"]


class _GlobalPooling1D(Layer):
    """What both share: the axis of time, and the mask along it."""

    _mixing = "it pools over all steps"

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format)
        self.keepdims = bool(keepdims)
        self.input_spec = InputSpec(ndim=3)
        self.supports_masking = True
        self.built = True

    @property
    def _time_axis(self) -> int:
        return 1 if self.data_format == "channels_last" else 2

    def _real(self, inputs: Tensor, mask: Any) -> Array:
        """The mask with an axis of size one for the features."""
        kept: Array = as_array(mask).astype(bool)
        wanted = (inputs.shape[0], inputs.shape[self._time_axis])
        if kept.shape != wanted:
            raise ValueError(f"mask of {self.name} must have shape {wanted}, not {kept.shape}")
        return np.expand_dims(kept, 3 - self._time_axis)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        if self.keepdims:
            shape[self._time_axis] = 1
        else:
            del shape[self._time_axis]
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "data_format": self.data_format,
            "keepdims": self.keepdims,
        }


class GlobalAveragePooling1D(_GlobalPooling1D):
    """The mean over time: (batch, time, features) -> (batch, features).

    Masked steps do not count; of a row with no other the mean is zero.

    Args:
        data_format: "channels_last", or "channels_first" for (batch, features, time).
        keepdims: keep an axis of size one for the time.
    """

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        axis = self._time_axis
        if mask is None:
            return ops.mean(inputs, axis=axis, keepdims=self.keepdims)
        kept = self._real(inputs, mask)
        count = kept.sum(axis=axis, keepdims=self.keepdims).astype(np.float32)
        total = ops.sum(ops.where(kept, inputs, 0.0), axis=axis, keepdims=self.keepdims)
        return ops.divide(total, np.maximum(count, 1))


class GlobalMaxPooling1D(_GlobalPooling1D):
    """The largest value over time: (batch, time, features) -> (batch, features).

    Masked steps do not count, which Keras warns of but does not do; a row with no other gives zero.

    Args:
        data_format: "channels_last", or "channels_first" for (batch, features, time).
        keepdims: keep an axis of size one for the time.
    """

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        axis = self._time_axis
        if mask is None:
            return ops.max(inputs, axis=axis, keepdims=self.keepdims)
        kept = self._real(inputs, mask)
        largest = ops.max(ops.where(kept, inputs, -np.inf), axis=axis, keepdims=self.keepdims)
        found: Tensor = ops.where(kept.any(axis=axis, keepdims=self.keepdims), largest, 0.0)
        return found

"""All axes but the batch as one."""

from __future__ import annotations

import math
from typing import Any

from ... import ops
from ...autograd import Tensor
from ..arguments import data_format_of
from ..base import InputSpec, Layer

__all__ = ["Flatten"]


class Flatten(Layer):
    """All axes but the batch as one.

    Args:
        data_format: "channels_first" for inputs (batch, features, time ...), whose features are put
            last before; "channels_last" by default.
    """

    _mixing = "it joins all steps"

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(min_ndim=1)
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = ops.moveaxis(inputs, 1, -1)
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def mixes_steps(self, input_shape: Any) -> str | None:
        return None if len(input_shape) < 3 else self._mixing

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = tuple(input_shape)[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}

"""The values of each sample in another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ... import ops
from ...autograd import Tensor
from ..base import Layer

__all__ = ["Reshape"]


class Reshape(Layer):
    """The values of each sample in another shape.

    Args:
        target_shape: shape without the batch axis; one size may be -1.
    """

    _mixing = "it may move values from step to step"

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = tuple(target_shape)
        if sum(size == -1 for size in self.target_shape) > 1:
            raise ValueError(f"target_shape must have at most one -1, not {self.target_shape}")
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return ops.reshape(inputs, self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape: Any) -> Any:
        rest = tuple(input_shape)[1:]
        if None in rest:
            return (input_shape[0], *(None if s == -1 else s for s in self.target_shape))
        known = math.prod(s for s in self.target_shape if s != -1)
        free = math.prod(rest) // known if known else 0
        wanted = tuple(free if s == -1 else s for s in self.target_shape)
        if math.prod(wanted) != math.prod(rest):
            raise ValueError(
                f"target_shape of {self.name} must hold {math.prod(rest)} values, "
                f"not {self.target_shape}"
            )
        return (input_shape[0], *wanted)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": list(self.target_shape)}

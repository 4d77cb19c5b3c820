"""Axes in another order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops
from ...autograd import Tensor
from ..base import InputSpec, Layer

__all__ = ["Permute"]


class Permute(Layer):
    """The axes after the batch in another order: (2, 1) makes (batch, features, time).

    Args:
        dims: for each axis of the outputs the axis of the inputs, counted from 1.

    Raises:
        ValueError: if ``dims`` is not each of 1 ... len(dims) once.
    """

    _mixing = "it may move the axis of time"

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"dims must hold each of 1 ... {len(self.dims)} once, not {self.dims}")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}

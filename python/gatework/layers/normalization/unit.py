"""Vectors of length one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops
from ...autograd import Tensor
from ..arguments import axes_of
from ..base import Layer
from ..stepping import along_time
from .scaled import check_axes

__all__ = ["UnitNormalization"]


class UnitNormalization(Layer):
    """x over its Euclidean norm along an axis.

    Args:
        axis: the axis, or axes, whose values make a vector: the features by default.

    Raises:
        TypeError: if ``axis`` is no integer and no list of them.
        ValueError: for an axis that the inputs do not have.
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axes_of(axis)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return ops.normalize(inputs, self.axis, order=2, epsilon=1e-12)

    def mixes_steps(self, input_shape: Any) -> str | None:
        return along_time(self.axis, input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        check_axes(self.name, self.axis, len(input_shape))
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}

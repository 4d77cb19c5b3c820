"""Root mean square normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops
from ...autograd import Tensor, Variable
from ..arguments import axes_of
from ..base import Layer
from ..stepping import along_time
from .scaled import check_axes

__all__ = ["RMSNormalization"]


class RMSNormalization(Layer):
    """x / sqrt(mean(x²) + epsilon) * scale, for each sample (Zhang & Sennrich 2019).

    Args:
        axis: the axis, or axes, over which the mean is taken: the features by default.
        epsilon: added to the mean.

    Raises:
        TypeError: if ``axis`` is no integer and no list of them.
        ValueError: for an axis that the inputs do not have.
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.axis = axes_of(axis)
        self.epsilon = epsilon
        self.supports_masking = True
        self.scale: Variable | None = None

    def build(self, input_shape: Any) -> None:
        check_axes(self.name, self.axis, len(input_shape))
        self.axis = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        shape = [input_shape[axis] for axis in self.axis]
        if None in shape:
            raise ValueError(f"inputs of {self.name} must have a known size along its axis")
        self.scale = self.add_weight(shape=shape, name="scale", initializer="ones")
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return ops.rms_normalization(inputs, self.scale, self.axis, self.epsilon)

    def mixes_steps(self, input_shape: Any) -> str | None:
        return along_time(self.axis, input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}

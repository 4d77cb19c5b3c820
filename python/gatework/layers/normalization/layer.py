"""Layer normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops
from ...autograd import Tensor
from ..arguments import axes_of
from ..stepping import along_time
from .scaled import ScaledNormalization, check_axes

__all__ = ["LayerNormalization"]


class LayerNormalization(ScaledNormalization):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, for each sample (Ba et al. 2016).

    Args:
        axis: the axis, or axes, over which mean and variance are taken: the features by default.
        epsilon: added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer: of both, which have the sizes of the axes.
        beta_regularizer, gamma_regularizer: of both.
        beta_constraint, gamma_constraint: of both.
        rms_scaling: x / sqrt(variance + epsilon) * gamma, as old files have it; new programs take
            ``RMSNormalization``.

    Raises:
        TypeError: if ``axis`` is no integer and no list of them.
        ValueError: for an axis that the inputs do not have.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.axis = axes_of(axis)
        self.epsilon = epsilon
        self.rms_scaling = bool(rms_scaling)

    def build(self, input_shape: Any) -> None:
        check_axes(self.name, self.axis, len(input_shape))
        self.axis = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        self._add_scales([input_shape[axis] for axis in self.axis])
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        if not self.rms_scaling:
            return ops.layer_normalization(inputs, self.gamma, self.beta, self.axis, self.epsilon)
        deviation = ops.sqrt(ops.add(ops.var(inputs, self.axis, keepdims=True), self.epsilon))
        outputs = ops.divide(inputs, deviation)
        if self.gamma is None:
            return outputs
        sizes = [1] * inputs.ndim
        for axis in self.axis if isinstance(self.axis, list) else [self.axis]:
            sizes[axis] = inputs.shape[axis]
        return ops.multiply(outputs, ops.reshape(self.gamma, sizes))

    def _add_scales(self, shape: Sequence[int | None]) -> None:
        wanted = self.scale, self.center
        if self.rms_scaling:  # there is always a gamma then, and never a beta
            self.scale, self.center = True, False
        try:
            super()._add_scales(shape)
        finally:
            self.scale, self.center = wanted

    def mixes_steps(self, input_shape: Any) -> str | None:
        return along_time(self.axis, input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "rms_scaling": self.rms_scaling,
        }

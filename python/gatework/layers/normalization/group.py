"""Group normalization."""

from __future__ import annotations

import math
from typing import Any

from ... import ops
from ...autograd import Tensor
from ..base import InputSpec
from .scaled import ScaledNormalization, check_axes

__all__ = ["GroupNormalization"]


class GroupNormalization(ScaledNormalization):
    """Each sample's channels in groups, each normalized over its values (Wu & He 2018).

    Args:
        groups: how many groups; a divisor of the number of channels, or -1 for one per channel.
        axis: the axis of the channels.
        epsilon: added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer: of both, one value for each channel.
        beta_regularizer, gamma_regularizer: of both.
        beta_constraint, gamma_constraint: of both.

    Raises:
        ValueError: if ``groups`` does not divide the channels.
    """

    _mixing = "its mean and variance are over all steps"

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        if (
            not isinstance(groups, int)
            or isinstance(groups, bool)
            or (groups <= 0 and groups != -1)
        ):
            raise ValueError(f"groups must be a positive integer or -1, not {groups!r}")
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
        self.groups = int(groups)
        self.axis = int(axis)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        check_axes(self.name, self.axis, len(input_shape))
        channels = input_shape[self.axis]
        self._add_scales([channels])
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"groups of {self.name} must divide the {channels} channels, not be {self.groups}"
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        last = ops.moveaxis(inputs, self.axis, -1)
        batch, *between, channels = last.shape
        grouped = ops.reshape(
            last, (batch, math.prod(between), self.groups, channels // self.groups)
        )
        normal = ops.layer_normalization(grouped, axis=(1, 3), epsilon=self.epsilon)
        outputs = ops.reshape(normal, last.shape)
        if self.gamma is not None:
            outputs = ops.multiply(outputs, self.gamma)
        if self.beta is not None:
            outputs = ops.add(outputs, self.beta)
        return ops.moveaxis(outputs, -1, self.axis)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "groups": self.groups,
            "axis": self.axis,
            "epsilon": self.epsilon,
        }

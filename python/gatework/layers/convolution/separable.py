"""Convolution of each channel by itself, then a product over the channels."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...autograd import Tensor, Variable
from ..arguments import positive_int
from .base import Convolution

__all__ = ["SeparableConv1D"]


class SeparableConv1D(Convolution):
    """activation(pointwise(depthwise(x)) + bias) (Chollet 2017).

    Args:
        filters: channels of the outputs.
        kernel_size: steps in a window.
        strides: steps from one window to the next.
        padding: "valid" for whole windows only, "same" for one at every stride.
        data_format: "channels_last", or "channels_first" for (batch, channels, time).
        dilation_rate: steps from one tap of the window to the next.
        depth_multiplier: results of the depthwise part for each channel.
        activation: name or function; none by default.
        use_bias: whether there is a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: of the kernels
            (kernel_size, channels, depth_multiplier) and (1, channels * depth_multiplier,
            filters), and the bias (filters,).
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: of these.
        activity_regularizer: of the outputs.
        depthwise_constraint, pointwise_constraint, bias_constraint: of these.

    Raises:
        ValueError: if an argument is out of range, or there are too few steps for a window.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            bias_constraint,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.filters = positive_int("filters", filters)
        self.depth_multiplier = positive_int("depth_multiplier", depth_multiplier)
        self._read_kernel(
            "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )
        self._read_kernel(
            "pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint
        )
        self.depthwise_kernel: Variable | None = None
        self.pointwise_kernel: Variable | None = None

    def _features(self, channels: int) -> int:
        return self.filters

    def _add_kernels(self, channels: int) -> None:
        self.depthwise_kernel = self._add_kernel(
            "depthwise", "depthwise_kernel", (self.kernel_size, channels, self.depth_multiplier)
        )
        self.pointwise_kernel = self._add_kernel(
            "pointwise", "pointwise_kernel", (1, channels * self.depth_multiplier, self.filters)
        )

    def _convolve(self, inputs: Any) -> Tensor:
        return ops.separable_conv(
            inputs,
            self.depthwise_kernel,
            self.pointwise_kernel,
            self.strides,
            self.padding,
            self.data_format,
            self.dilation_rate,
            bias=self.bias,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "depth_multiplier": self.depth_multiplier,
        }

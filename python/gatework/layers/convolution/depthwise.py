"""Convolution of each channel by itself."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...autograd import Tensor, Variable
from ..arguments import positive_int
from .base import Convolution

__all__ = ["DepthwiseConv1D"]


class DepthwiseConv1D(Convolution):
    """activation(each channel of x convolved with kernels of its own + bias).

    Args:
        kernel_size: steps in a window.
        strides: steps from one window to the next.
        padding: "valid" for whole windows only, "same" for one at every stride.
        depth_multiplier: results for each channel.
        data_format: "channels_last", or "channels_first" for (batch, channels, time).
        dilation_rate: steps from one tap of the window to the next.
        activation: name or function; none by default.
        use_bias: whether there is a bias.
        depthwise_initializer, bias_initializer: of the kernel (kernel_size, channels,
            depth_multiplier) and the bias (channels * depth_multiplier,).
        depthwise_regularizer, bias_regularizer: of both.
        activity_regularizer: of the outputs.
        depthwise_constraint, bias_constraint: of both.

    Raises:
        ValueError: if an argument is out of range, or there are too few steps for a window.
    """

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
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
        self.depth_multiplier = positive_int("depth_multiplier", depth_multiplier)
        self._read_kernel(
            "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )
        self.kernel: Variable | None = None

    def _features(self, channels: int) -> int:
        return channels * self.depth_multiplier

    def _add_kernels(self, channels: int) -> None:
        self.kernel = self._add_kernel(
            "depthwise", "kernel", (self.kernel_size, channels, self.depth_multiplier)
        )

    def _convolve(self, inputs: Any) -> Tensor:
        outputs = ops.depthwise_conv(
            inputs, self.kernel, self.strides, self.padding, self.data_format, self.dilation_rate
        )
        return self._with_bias(outputs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
        }

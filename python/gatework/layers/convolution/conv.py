"""Convolution over time."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...autograd import Tensor, Variable
from ..arguments import positive_int
from .base import Convolution

__all__ = ["Conv1D"]


class Conv1D(Convolution):
    """activation(convolution of x with the kernel + bias): (batch, time, channels) -> (batch,
    windows, filters).

    Args:
        filters: channels of the outputs.
        kernel_size: steps in a window.
        strides: steps from one window to the next.
        padding: "valid" for whole windows only, "same" for one at every stride, "causal" for one
            that ends at every stride.
        data_format: "channels_last", or "channels_first" for (batch, channels, time).
        dilation_rate: steps from one tap of the window to the next; 1 with strides.
        groups: the channels in so many groups, each convolved with filters of its own.
        activation: name or function; none by default.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: of the kernel (kernel_size, channels / groups,
            filters) and the bias (filters,).
        kernel_regularizer, bias_regularizer: of both.
        activity_regularizer: of the outputs.
        kernel_constraint, bias_constraint: of both.

    Raises:
        ValueError: if an argument is out of range, the groups do not divide filters and channels,
            or there are too few steps for a window.
    """

    _causal = True

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
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
        self._refuse_both()
        self.filters = positive_int("filters", filters)
        self.groups = positive_int("groups", groups)
        if self.filters % self.groups:
            raise ValueError(f"groups must divide filters {self.filters}, not be {self.groups}")
        self._read_kernel("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.kernel: Variable | None = None

    def _features(self, channels: int) -> int:
        return self.filters

    def _add_kernels(self, channels: int) -> None:
        if channels % self.groups:
            raise ValueError(
                f"groups of {self.name} must divide the {channels} channels of the inputs, "
                f"not be {self.groups}"
            )
        self.kernel = self._add_kernel(
            "kernel", "kernel", (self.kernel_size, channels // self.groups, self.filters)
        )

    def _convolve(self, inputs: Any) -> Tensor:
        return ops.conv(
            inputs,
            self.kernel,
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
            "groups": self.groups,
        }

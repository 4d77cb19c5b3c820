"""The transpose of a convolution: longer sequences from shorter ones."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...autograd import Tensor, Variable
from ...ops.convolution import transposed_length
from ..arguments import positive_int, sizes_of
from .base import Convolution

__all__ = ["Conv1DTranspose"]


class Conv1DTranspose(Convolution):
    """activation(every step times the kernel, added up where windows overlap, + bias).

    Args:
        filters: channels of the outputs.
        kernel_size: steps in a window.
        strides: steps of the outputs from one window to the next.
        padding: "valid" for all steps that a window reaches, "same" for time * strides of them.
        output_padding: steps added at the end, less than ``strides``; None for those lengths.
        data_format: "channels_last", or "channels_first" for (batch, channels, time).
        dilation_rate: steps from one tap of the window to the next; 1 with strides.
        activation: name or function; none by default.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: of the kernel (kernel_size, filters, channels) and the
            bias (filters,).
        kernel_regularizer, bias_regularizer: of both.
        activity_regularizer: of the outputs.
        kernel_constraint, bias_constraint: of both.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        self.output_padding: int | None = None
        if output_padding is not None:
            self.output_padding = sizes_of("output_padding", output_padding, 1, least=0)[0]
            if self.output_padding >= self.strides:
                raise ValueError(
                    f"output_padding must be less than strides {self.strides}, "
                    f"not {self.output_padding}"
                )
        self._read_kernel("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.kernel: Variable | None = None

    def _features(self, channels: int) -> int:
        return self.filters

    def _length(self, time: int) -> int:
        return transposed_length(time, self._span, self.strides, self.padding, self.output_padding)[
            0
        ]

    def _add_kernels(self, channels: int) -> None:
        self.kernel = self._add_kernel(
            "kernel", "kernel", (self.kernel_size, self.filters, channels)
        )

    def _convolve(self, inputs: Any) -> Tensor:
        outputs = ops.conv_transpose(
            inputs,
            self.kernel,
            self.strides,
            self.padding,
            self.output_padding,
            self.data_format,
            self.dilation_rate,
        )
        return self._with_bias(outputs)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "output_padding": None if self.output_padding is None else (self.output_padding,),
        }

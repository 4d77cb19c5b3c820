"""The largest value, or the mean, of windows of a fixed size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ... import ops
from ...autograd import Tensor
from ...ops.windows import output_length
from ..arguments import data_format_of, padding_of, size_of
from ..base import InputSpec, Layer

__all__ = ["AveragePooling1D", "MaxPooling1D"]


class _Pooling1D(Layer):
    """What both share: where the windows lie."""

    _mixing = "it pools over several steps"
    _pool: ClassVar[Callable[..., Tensor]]

    def __init__(
        self, pool_size: Any, strides: Any, padding: str, data_format: str | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size = size_of("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else size_of("strides", strides)
        self.padding = padding_of(padding)
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(ndim=3)
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return type(self)._pool(
            inputs, self.pool_size, self.strides, self.padding, self.data_format
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        time = 1 if self.data_format == "channels_last" else 2
        if shape[time] is not None:
            shape[time] = output_length(shape[time], self.pool_size, self.strides, self.padding)
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": (self.pool_size,),
            "padding": self.padding,
            "strides": (self.strides,),
            "data_format": self.data_format,
        }


class MaxPooling1D(_Pooling1D):
    """The largest value of each window over time: (batch, time, features) -> (batch, windows, ...).

    Args:
        pool_size: steps in a window.
        strides: steps from one window to the next; ``pool_size`` by default.
        padding: "valid" for whole windows only, "same" for one at every stride.
        data_format: "channels_last", or "channels_first" for (batch, features, time).

    Raises:
        ValueError: if an argument is another, or when called with too few steps for a window.
    """

    _pool = staticmethod(ops.max_pool)

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)


class AveragePooling1D(_Pooling1D):
    """The mean of each window over time, over what of it lies within the sequence.

    Args:
        pool_size: steps in a window.
        strides: steps from one window to the next; ``pool_size`` by default.
        padding: "valid" for whole windows only, "same" for one at every stride.
        data_format: "channels_last", or "channels_first" for (batch, features, time).

    Raises:
        ValueError: if an argument is another, or when called with too few steps for a window.
    """

    _pool = staticmethod(ops.average_pool)

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)

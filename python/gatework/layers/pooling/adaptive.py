"""The largest value, or the mean, of so many windows that together cover a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ... import ops
from ...autograd import Tensor
from ..arguments import data_format_of, size_of
from ..base import InputSpec, Layer

__all__ = ["AdaptiveAveragePooling1D", "AdaptiveMaxPooling1D"]


class _AdaptivePooling1D(Layer):
    """What both share: how many windows there are."""

    _mixing = "it pools over several steps"
    _pool: ClassVar[Callable[..., Tensor]]

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = size_of("output_size", output_size)
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(ndim=3)
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return type(self)._pool(inputs, self.output_size, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        shape[1 if self.data_format == "channels_last" else 2] = self.output_size
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_size": (self.output_size,),
            "data_format": self.data_format,
        }


class AdaptiveMaxPooling1D(_AdaptivePooling1D):
    """The largest value of each of ``output_size`` windows: window i of a sequence of T steps is
    the steps from floor(i*T/n) to ceil((i+1)*T/n).

    Args:
        output_size: the number n of windows.
        data_format: "channels_last", or "channels_first" for (batch, features, time).
    """

    _pool = staticmethod(ops.adaptive_max_pool)


class AdaptiveAveragePooling1D(_AdaptivePooling1D):
    """The mean of each of ``output_size`` windows: window i of a sequence of T steps is the steps
    from floor(i*T/n) to ceil((i+1)*T/n).

    Args:
        output_size: the number n of windows.
        data_format: "channels_last", or "channels_first" for (batch, features, time).
    """

    _pool = staticmethod(ops.adaptive_average_pool)

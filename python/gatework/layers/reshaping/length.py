"""Longer and shorter sequences: (batch, time, features)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops
from ...autograd import Tensor
from ..arguments import data_format_of, positive_int, sizes_of
from ..base import InputSpec, Layer

__all__ = ["Cropping1D", "UpSampling1D", "ZeroPadding1D"]


class Cropping1D(Layer):
    """Leaves out steps at the beginning and the end.

    Args:
        cropping: how many at the beginning and at the end, or one number for both.

    Raises:
        ValueError: if nothing would be left.
    """

    _mixing = "it changes the number of steps"

    def __init__(self, cropping: int | Sequence[int] = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping = sizes_of("cropping", cropping, 2, least=0)
        self.input_spec = InputSpec(ndim=3)
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        first, _ = self.cropping
        length = self.compute_output_shape(inputs.shape)[1]
        return ops.getitem(inputs, (slice(None), slice(first, first + length)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, time, features = input_shape
        if time is not None and time <= sum(self.cropping):
            raise ValueError(
                f"cropping of {self.name} must be less than the length {time}, not {self.cropping}"
            )
        return (batch, None if time is None else time - sum(self.cropping), features)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping}


class ZeroPadding1D(Layer):
    """Adds steps of zeros at the beginning and the end.

    Args:
        padding: how many at the beginning and at the end, or one number for both.
        data_format: "channels_last" for (batch, time, features), the default, or
            "channels_first" for (batch, features, time).
    """

    _mixing = "it changes the number of steps"

    def __init__(
        self, padding: int | Sequence[int] = 1, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format)
        self.padding = sizes_of("padding", padding, 2, least=0)
        self.input_spec = InputSpec(ndim=3)
        self.built = True

    @property
    def _time_axis(self) -> int:
        return 1 if self.data_format == "channels_last" else 2

    def call(self, inputs: Any) -> Tensor:
        widths = [(0, 0)] * 3
        widths[self._time_axis] = (self.padding[0], self.padding[1])
        return ops.pad(inputs, widths)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shape = list(input_shape)
        if shape[self._time_axis] is not None:
            shape[self._time_axis] += sum(self.padding)
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "padding": self.padding,
            "data_format": self.data_format,
        }


class UpSampling1D(Layer):
    """Every step several times.

    Args:
        size: how often.

    Raises:
        ValueError: if ``size`` is no positive integer.
    """

    _mixing = "it changes the number of steps"

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = positive_int("size", size)
        self.input_spec = InputSpec(ndim=3)
        self.built = True

    def call(self, inputs: Any) -> Tensor:
        return ops.repeat(inputs, self.size, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, time, features = input_shape
        return (batch, None if time is None else time * self.size, features)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}

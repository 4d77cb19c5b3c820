"""The largest value, or the mean, of windows over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _core
from ..autograd import Array, Tensor, as_tensor, is_recording, record
from .shape import moveaxis
from .windows import output_length, padding_sizes

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]


def max_pool(
    inputs: Any,
    pool_size: int,
    strides: int | None = None,
    padding: str = "valid",
    data_format: str = "channels_last",
) -> Tensor:
    """The largest value of each window; of several largest the first gets the gradient.

    Args:
        inputs: (batch, time, features), or (batch, features, time) with "channels_first".
        pool_size: steps in a window.
        strides: steps from one window to the next; ``pool_size`` by default.
        padding: "valid" for whole windows only, "same" for one at every stride; what lies outside
            does not count.
        data_format: "channels_last" or "channels_first".

    Raises:
        ValueError: if there is no window.
    """
    return _pool(
        inputs, _regular(inputs, pool_size, strides, padding, data_format), True, data_format
    )


def average_pool(
    inputs: Any,
    pool_size: int,
    strides: int | None = None,
    padding: str = "valid",
    data_format: str = "channels_last",
) -> Tensor:
    """The mean of each window, over what of it lies inside. Arguments as for ``max_pool``."""
    return _pool(
        inputs, _regular(inputs, pool_size, strides, padding, data_format), False, data_format
    )


def adaptive_max_pool(inputs: Any, output_size: int, data_format: str = "channels_last") -> Tensor:
    """The largest value of each of ``output_size`` windows that together cover all steps."""
    return _pool(inputs, _covering(inputs, output_size, data_format), True, data_format)


def adaptive_average_pool(
    inputs: Any, output_size: int, data_format: str = "channels_last"
) -> Tensor:
    """The mean of each of ``output_size`` windows that together cover all steps."""
    return _pool(inputs, _covering(inputs, output_size, data_format), False, data_format)


Windows = tuple[Array, Array]  # the first step of each, and the step after its last


def _time(inputs: Any, data_format: str) -> int:
    shape = as_tensor(inputs).shape
    if len(shape) != 3:
        raise ValueError(f"inputs must have three axes, not shape {shape}")
    return shape[1] if data_format == "channels_last" else shape[2]


def _regular(
    inputs: Any, size: int, strides: int | None, padding: str, data_format: str
) -> Windows:
    time = _time(inputs, data_format)
    stride = size if strides is None else strides
    count = output_length(time, size, stride, padding)
    begins = np.arange(count, dtype=np.int64) * stride
    begins -= padding_sizes(time, size, stride, padding)[0]
    return np.maximum(begins, 0), np.minimum(begins + size, time)


def _covering(inputs: Any, count: int, data_format: str) -> Windows:
    time = _time(inputs, data_format)
    if time == 0:
        raise ValueError("inputs must have at least 1 step, not 0")
    index = np.arange(count, dtype=np.int64)
    return index * time // count, -(-(index + 1) * time // count)


def _pool(inputs: Any, windows: Windows, largest: bool, data_format: str) -> Tensor:
    if data_format == "channels_first":
        return moveaxis(_pool(moveaxis(inputs, 1, 2), windows, largest, "channels_last"), 2, 1)
    t = as_tensor(inputs, "float32")
    time = t.shape[1]
    x = np.ascontiguousarray(t._value)
    winner: Array | None = None
    if largest:
        y, winner = _core.max_pool_forward(x, *windows, is_recording(t))
    else:
        y = _core.average_pool_forward(x, *windows)

    def vjp(dy: Array) -> tuple[Array]:
        flat = np.ascontiguousarray(dy, np.float32)
        return (_core.pool_backward(*windows, winner, flat, time),)

    return record(y, (t,), vjp)

"""Convolutions over time: products of the one matrix kernel with views of the inputs.

A window of neighbouring steps of a contiguous (batch, time, channels) array is a run of memory,
and windows lie a fixed distance apart: a matrix of windows is a view. Sequences are padded to a
whole number of strides, so that one view covers the whole batch; the few rows whose windows reach
into the next sequence are computed and left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .. import _core
from ..autograd import Array, Tensor, as_tensor, needs_gradient, record
from .precision import precision
from .shape import moveaxis, repeat, reshape
from .windows import output_length, padding_sizes

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]


class _Windows:
    """Windows of so many taps over a buffer (batch, period, channels), the period whole strides."""

    __slots__ = (
        "batch",
        "bf16",
        "channels",
        "count",
        "dilation",
        "period",
        "rows",
        "stride",
        "taps",
    )

    def __init__(
        self, shape: tuple[int, int, int], taps: int, count: int, stride: int, dilation: int
    ) -> None:
        self.batch, self.period, self.channels = shape
        self.bf16 = precision.bf16
        self.taps = taps
        self.count = count  # windows of one sequence that are wanted
        self.stride = stride
        self.dilation = dilation
        span = (taps - 1) * dilation + 1
        self.rows = (self.batch * self.period - span) // stride + 1  # those that lie in the buffer

    def joined(self, buffer: Array) -> Array:
        """(rows, taps * channels): whole windows, which lie in one piece without dilation."""
        step = self.stride * self.channels * buffer.itemsize
        shape = (self.rows, self.taps * self.channels)
        return as_strided(buffer, shape, (step, buffer.itemsize))

    def tap(self, buffer: Array, k: int, first: int, size: int) -> Array:
        """(rows, size): some channels of the step k of every window."""
        step = self.stride * self.channels * buffer.itemsize
        start = buffer.reshape(-1)[k * self.dilation * self.channels + first :]
        return as_strided(start, (self.rows, size), (step, buffer.itemsize))

    def spread(self, y: Array) -> Array:
        """(rows, features) of (batch, count, features): zeros where windows are not wanted."""
        whole = self.period // self.stride
        if whole == self.count:
            return np.ascontiguousarray(y, np.float32).reshape(-1, y.shape[2])[: self.rows]
        padded = np.zeros((self.batch, whole, y.shape[2]), np.float32)
        padded[:, : self.count] = y
        return padded.reshape(-1, y.shape[2])[: self.rows]


def _buffer(x: Array, left: int, length: int) -> Array:
    """x from step ``left`` of a longer buffer of zeros; x itself if it fills it."""
    if left == 0 and length == x.shape[1]:
        return np.ascontiguousarray(x)
    buffer = np.zeros((x.shape[0], length, x.shape[2]), np.float32)
    buffer[:, left : left + x.shape[1]] = x
    return buffer


def _whole(length: int, stride: int) -> int:
    return -(-length // stride) * stride


def _correlate(w: _Windows, buffer: Array, kernel: Array, bias: Array | None) -> Array:
    """(batch, count, features): every window times the kernel (taps, channels/groups, features)."""
    taps, size, features = kernel.shape
    whole = w.period // w.stride
    out = np.empty((w.batch * whole, features), np.float32)
    rows = out[: w.rows]
    groups = w.channels // size
    if groups == 1 and w.dilation == 1:
        weights = kernel.reshape(-1, features)
        _core.gemm(w.joined(buffer), weights, bias=bias, out=rows, bf16=w.bf16)
    else:
        for g, part in _parts(groups, features):
            for k in range(taps):
                of_group = None if bias is None or k > 0 else np.ascontiguousarray(bias[part])
                _core.gemm(
                    w.tap(buffer, k, g * size, size),
                    kernel[k][:, part],
                    bias=of_group,
                    out=rows[:, part],
                    accumulate=k > 0,
                    bf16=w.bf16,
                )
    return out.reshape(w.batch, whole, features)[:, : w.count]


def _correlate_weights(w: _Windows, buffer: Array, dy: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of the kernel, of that shape: every window, transposed, times dy."""
    taps, size, features = shape
    flat = w.spread(dy)
    groups = w.channels // size
    if groups == 1 and w.dilation == 1:
        joined: Array = _core.gemm(w.joined(buffer), flat, trans_a=True, bf16=w.bf16)
        return joined.reshape(shape)
    found = np.empty(shape, np.float32)
    for g, part in _parts(groups, features):
        for k in range(taps):
            step = w.tap(buffer, k, g * size, size)
            _core.gemm(step, flat[:, part], trans_a=True, out=found[k][:, part], bf16=w.bf16)
    return found


def _scatter(w: _Windows, y: Array, kernel: Array) -> Array:
    """The transpose of ``_correlate``: the buffer that gathers y times the kernel, tap by tap."""
    taps, size, features = kernel.shape
    flat = w.spread(y)
    buffer = np.zeros((w.batch, w.period, w.channels), np.float32)
    for g, part in _parts(w.channels // size, features):
        for k in range(taps):
            _core.gemm(
                flat[:, part],
                kernel[k][:, part],
                trans_b=True,
                out=w.tap(buffer, k, g * size, size),
                accumulate=True,
                bf16=w.bf16,
            )
    return buffer


def _parts(groups: int, features: int) -> list[tuple[int, slice]]:
    size = features // groups
    return [(g, slice(g * size, (g + 1) * size)) for g in range(groups)]


def _operands(inputs: Any, kernel: Any) -> tuple[Tensor, Tensor]:
    x, w = as_tensor(inputs, "float32"), as_tensor(kernel, "float32")
    if x.ndim != 3 or w.ndim != 3:
        raise ValueError(
            f"inputs and kernel must have three axes each, not shapes {x.shape} and {w.shape}"
        )
    return x, w


def conv(
    inputs: Any,
    kernel: Any,
    strides: int = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: int = 1,
    bias: Any = None,
) -> Tensor:
    """The sum over a window of kernel times inputs, at every stride.

    Args:
        inputs: (batch, time, channels), or (batch, channels, time) with "channels_first".
        kernel: (taps, channels / groups, features); how many groups there are follows.
        strides: steps from one window to the next.
        padding: "valid" for whole windows, "same" for one at every stride, "causal" for one that
            ends at every stride; outside are zeros.
        data_format: "channels_last" or "channels_first".
        dilation_rate: steps from one tap to the next.
        bias: (features,) added to every result, or None.

    Returns:
        (batch, windows, features), or (batch, features, windows).

    Raises:
        ValueError: if the shapes do not fit or there is no window.
    """
    if data_format == "channels_first":
        result = conv(
            moveaxis(inputs, 1, 2), kernel, strides, padding, dilation_rate=dilation_rate, bias=bias
        )
        return moveaxis(result, 2, 1)
    x, weights = _operands(inputs, kernel)
    batch, time, channels = x.shape
    taps, size, features = weights.shape
    if size == 0 or channels % size or features % (channels // size):
        raise ValueError(
            f"kernel must have channels that divide the inputs' {channels} into groups which "
            f"divide its features, not shape {weights.shape}"
        )
    shift = None if bias is None else as_tensor(bias, "float32")
    span = (taps - 1) * dilation_rate + 1
    left, right = padding_sizes(time, span, strides, padding)
    count = output_length(time + left + right, span, strides, "valid")
    buffer = _buffer(x._value, left, _whole(time + left + right, strides))
    w = _Windows(buffer.shape, taps, count, strides, dilation_rate)
    weight_values = np.ascontiguousarray(weights._value)
    bias_values = None if shift is None else np.ascontiguousarray(shift._value)
    if batch == 0:
        y: Array = np.zeros((0, count, features), np.float32)
    else:
        y = _correlate(w, buffer, weight_values, bias_values)

    def vjp(dy: Array) -> list[Array | None]:
        if batch == 0:
            found: list[Array | None] = [np.zeros_like(x._value), np.zeros_like(weight_values)]
            return found if shift is None else [*found, np.zeros_like(bias_values)]
        found = [None, None]
        if needs_gradient(x):
            found[0] = _scatter(w, dy, weight_values)[:, left : left + time]
        if needs_gradient(weights):
            found[1] = _correlate_weights(w, buffer, dy, weight_values.shape)
        if shift is not None:
            flat = np.ascontiguousarray(dy, np.float32).reshape(-1, features)
            found.append(_core.column_sum(flat) if needs_gradient(shift) else None)
        return found

    return record(y, [t for t in (x, weights, shift) if t is not None], vjp)


def transposed_length(
    time: int, span: int, stride: int, padding: str, output_padding: int | None
) -> tuple[int, int]:
    """How long the result of ``conv_transpose`` is, and how many steps are cut off before it."""
    full = (time - 1) * stride + span
    if padding == "valid":
        extra = max(stride - span, 0) if output_padding is None else output_padding
        return full + extra, 0
    # As Keras counts: zeros around the inputs, spread by the stride, before the windows slide.
    if output_padding is None:
        zeros = stride + span - 2
    else:
        zeros = span + span % 2 - 2 + output_padding
    before = min(zeros - zeros // 2, span - 1)
    return (time - 1) * stride + zeros + 2 - span, span - 1 - before


def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: int = 1,
    padding: str = "valid",
    output_padding: int | None = None,
    data_format: str = "channels_last",
    dilation_rate: int = 1,
) -> Tensor:
    """The transpose of ``conv``: every step adds itself times the kernel to a window.

    Args:
        inputs: (batch, time, channels), or (batch, channels, time) with "channels_first".
        kernel: (taps, features, channels).
        strides: steps from one window to the next.
        padding: "valid" for all of the result, "same" for ``time * strides`` steps of it.
        output_padding: steps added at the end; None for the lengths above.
        data_format: "channels_last" or "channels_first".
        dilation_rate: steps from one tap to the next.

    Raises:
        ValueError: if the shapes do not fit.
    """
    if data_format == "channels_first":
        moved = moveaxis(inputs, 1, 2)
        result = conv_transpose(
            moved, kernel, strides, padding, output_padding, dilation_rate=dilation_rate
        )
        return moveaxis(result, 2, 1)
    x, weights = _operands(inputs, kernel)
    batch, time, channels = x.shape
    taps, features, size = weights.shape
    if size != channels or time == 0:
        raise ValueError(
            f"kernel must have {channels} channels in its last axis and inputs one step or more, "
            f"not shapes {weights.shape} and {x.shape}"
        )
    span = (taps - 1) * dilation_rate + 1
    length, cut = transposed_length(time, span, strides, padding, output_padding)
    if length < 1:
        raise ValueError(f"output_padding must leave at least one step, not {output_padding}")
    period = _whole(max((time - 1) * strides + span, cut + length), strides)
    w = _Windows((batch, period, features), taps, time, strides, dilation_rate)
    x_values, weight_values = x._value, np.ascontiguousarray(weights._value)
    kept = slice(cut, cut + length)
    if batch == 0:
        y: Array = np.zeros((0, length, features), np.float32)
    else:
        y = np.ascontiguousarray(_scatter(w, x_values, weight_values)[:, kept])

    def vjp(dy: Array) -> list[Array | None]:
        if batch == 0:
            return [np.zeros_like(x_values), np.zeros_like(weight_values)]
        buffer = _buffer(dy, cut, period)
        return [
            _correlate(w, buffer, weight_values, None) if needs_gradient(x) else None,
            _correlate_weights(w, buffer, x_values, weight_values.shape)
            if needs_gradient(weights)
            else None,
        ]

    return record(y, (x, weights), vjp)


def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: int = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: int = 1,
) -> Tensor:
    """Each channel convolved by itself.

    Args:
        inputs: (batch, time, channels), or (batch, channels, time) with "channels_first".
        kernel: (taps, channels, multiplier): so many results for each channel.
        strides, padding, data_format, dilation_rate: as for ``conv``.

    Returns:
        (batch, windows, channels * multiplier), or (batch, channels * multiplier, windows).

    Raises:
        ValueError: if the shapes do not fit or there is no window.
    """
    if data_format == "channels_first":
        result = depthwise_conv(
            moveaxis(inputs, 1, 2), kernel, strides, padding, dilation_rate=dilation_rate
        )
        return moveaxis(result, 2, 1)
    x, weights = _operands(inputs, kernel)
    taps, channels, multiplier = weights.shape
    if x.shape[2] != channels:
        raise ValueError(
            f"kernel must have {x.shape[2]} channels, as the inputs, not shape {weights.shape}"
        )
    if multiplier != 1:
        x = repeat(x, multiplier, axis=2)
    columns = reshape(weights, (taps, channels * multiplier))
    span = (taps - 1) * dilation_rate + 1
    left, right = padding_sizes(x.shape[1], span, strides, padding)
    count = output_length(x.shape[1] + left + right, span, strides, "valid")
    x_values = np.ascontiguousarray(x._value)
    weight_values = np.ascontiguousarray(columns._value)
    y = _core.depthwise_forward(x_values, weight_values, count, strides, dilation_rate, left)

    def vjp(dy: Array) -> tuple[Array | None, Array | None]:
        return _core.depthwise_backward(
            x_values,
            weight_values,
            strides,
            dilation_rate,
            left,
            np.ascontiguousarray(dy, np.float32),
            needs_gradient(x),
            needs_gradient(columns),
        )

    return record(y, (x, columns), vjp)


def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: int = 1,
    padding: str = "valid",
    data_format: str = "channels_last",
    dilation_rate: int = 1,
    bias: Any = None,
) -> Tensor:
    """``depthwise_conv``, then a product (1, channels * multiplier, features) over the channels."""
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, data_format=data_format, bias=bias)

"""Rules of the layers that change the time axis: windows, pooling, shapes."""

from __future__ import annotations

from typing import Any

from ...autograd import Array
from ...layers import (
    AdaptiveAveragePooling1D,
    AdaptiveMaxPooling1D,
    AveragePooling1D,
    Conv1D,
    Cropping1D,
    DepthwiseConv1D,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    Permute,
    RepeatVector,
    Reshape,
    SeparableConv1D,
    UpSampling1D,
    ZeroPadding1D,
)
from .builder import Builder, weight
from .core import activation
from .plan import Value, Weight
from .table import rule


def _channels_last(b: Builder, layer: Any) -> None:
    if layer.data_format != "channels_last":
        b.refuse("has its channels first")


def _check_windows(b: Builder, layer: Any, x: Value) -> None:
    _channels_last(b, layer)
    if layer.strides > 1:
        b.cannot_stream(f"has strides {layer.strides}: not every step has a window")
    elif layer.padding != "causal" and layer.kernel_size > 1:
        b.cannot_stream(f"has padding '{layer.padding}': its windows need later steps")
    elif not x.time:
        b.cannot_stream("reads a sequence that is made of a single step")


@rule(Conv1D)
def _conv(b: Builder, layer: Any, x: Value) -> Value:
    _check_windows(b, layer, x)
    found = b.emit(
        "conv",
        [x],
        layer.compute_output_shape(x.shape),
        x.time,
        weights={"kernel": weight(layer.kernel), "bias": weight(layer.bias)},
        bf16=b.rounds(layer),
        groups=layer.groups,
        stride=layer.strides,
        dilation=layer.dilation_rate,
        padding=layer.padding,
    )
    return activation(b, layer.activation, found)


def _each_channel(b: Builder, layer: Any, x: Value, kernel: Any) -> Value:
    """The convolution of each channel by itself, without a bias."""
    _check_windows(b, layer, x)
    if layer.depth_multiplier != 1:
        b.refuse(f"has depth_multiplier {layer.depth_multiplier}")
    shape = layer.compute_output_shape(x.shape)
    return b.emit(
        "depthwise",
        [x],
        (*shape[:2], x.shape[2]),
        x.time,
        weights={"kernel": Weight(kernel, make=_columns)},
        stride=layer.strides,
        dilation=layer.dilation_rate,
        padding=layer.padding,
    )


def _columns(kernel: Array) -> Array:
    """(taps, channels) of (taps, channels, 1)"""
    return kernel.reshape(kernel.shape[:2])


@rule(DepthwiseConv1D)
def _depthwise(b: Builder, layer: Any, x: Value) -> Value:
    found = _each_channel(b, layer, x, layer.kernel)
    if layer.bias is not None:
        bias = {"bias": Weight(layer.bias)}
        found = b.emit("shift", [found], found.shape, found.time, weights=bias)
    return activation(b, layer.activation, found)


@rule(SeparableConv1D)
def _separable(b: Builder, layer: Any, x: Value) -> Value:
    found = b.emit(
        "conv",
        [_each_channel(b, layer, x, layer.depthwise_kernel)],
        layer.compute_output_shape(x.shape),
        x.time,
        weights={"kernel": weight(layer.pointwise_kernel), "bias": weight(layer.bias)},
        bf16=b.rounds(layer),
        groups=1,
        stride=1,
        dilation=1,
        padding="valid",
    )
    return activation(b, layer.activation, found)


def _windows(b: Builder, layer: Any, x: Value, **args: Any) -> Value:
    _channels_last(b, layer)
    b.cannot_stream("pools windows of several steps")
    given = {"size": 1, "stride": 1, "windows": 0, "padding": "valid", **args}
    return b.emit("pool", [x], layer.compute_output_shape(x.shape), x.time, **given)


@rule(MaxPooling1D, AveragePooling1D)
def _pool(b: Builder, layer: Any, x: Value) -> Value:
    return _windows(
        b,
        layer,
        x,
        size=layer.pool_size,
        stride=layer.strides,
        padding=layer.padding,
        largest=isinstance(layer, MaxPooling1D),
    )


@rule(AdaptiveMaxPooling1D, AdaptiveAveragePooling1D)
def _adaptive(b: Builder, layer: Any, x: Value) -> Value:
    if layer.output_size > 1 << 24:
        b.refuse("has more windows than a program can hold")
    largest = isinstance(layer, AdaptiveMaxPooling1D)
    return _windows(b, layer, x, windows=layer.output_size, largest=largest)


@rule(GlobalMaxPooling1D, GlobalAveragePooling1D)
def _over_time(b: Builder, layer: Any, x: Value) -> Value:
    _channels_last(b, layer)
    b.cannot_stream("pools over all steps")
    largest = isinstance(layer, GlobalMaxPooling1D)
    if not largest and x.shape[-1] == 1:
        b.inexact("adds the steps of a single feature in another order")
    shape = layer.compute_output_shape(x.shape)
    inputs = [x] if x.mask is None else [x, x.mask]
    return b.emit("pool_over_time", inputs, shape, False, largest=largest, keepdims=layer.keepdims)


@rule(Flatten)
def _flatten(b: Builder, layer: Any, x: Value) -> Value:
    if layer.data_format == "channels_first" and len(x.shape) > 2:
        b.refuse("has its channels first")
    if len(x.shape) == 2:
        return x
    if x.time:
        b.cannot_stream("joins all steps into one vector")
    shape = layer.compute_output_shape(x.shape)
    return b.emit("reshape", [x], shape, False, target=(-1,))


@rule(Reshape)
def _reshape(b: Builder, layer: Any, x: Value) -> Value:
    if x.time:
        b.cannot_stream("gives the steps another shape")
    shape = layer.compute_output_shape(x.shape)
    return b.emit("reshape", [x], shape, False, target=tuple(layer.target_shape))


@rule(ZeroPadding1D, Cropping1D)
def _pad(b: Builder, layer: Any, x: Value) -> Value:
    if x.time:
        b.cannot_stream("adds or leaves out steps")
    crops = isinstance(layer, Cropping1D)
    if not crops:
        _channels_last(b, layer)
    before, after = layer.cropping if crops else layer.padding
    sign = -1 if crops else 1
    shape = layer.compute_output_shape(x.shape)
    return b.emit("pad", [x], shape, x.time, before=sign * before, after=sign * after)


@rule(UpSampling1D)
def _stretch(b: Builder, layer: Any, x: Value) -> Value:
    b.cannot_stream("repeats steps")
    shape = layer.compute_output_shape(x.shape)
    return b.emit("stretch", [x], shape, x.time, times=layer.size)


@rule(Permute)
def _permute(b: Builder, layer: Any, x: Value) -> Value:
    if x.time:
        b.cannot_stream("moves the axis of time")
    shape = layer.compute_output_shape(x.shape)
    return b.emit("permute", [x], shape, False, axes=[0, *layer.dims])


@rule(RepeatVector)
def _repeat(b: Builder, layer: Any, x: Value) -> Value:
    b.cannot_stream("makes a sequence of a single vector")
    shape = layer.compute_output_shape(x.shape)
    return b.emit("repeat", [x], shape, False, times=layer.n)

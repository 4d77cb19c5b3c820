"""Rules of the layers that change the time axis: windows, pooling, shapes."""

from __future__ import annotations

from typing import Any

from ...layers import (
    AdaptiveAveragePooling1D,
    AdaptiveMaxPooling1D,
    AveragePooling1D,
    Conv1D,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    RepeatVector,
    Reshape,
)
from .builder import Builder, weight
from .core import activation
from .plan import Value
from .table import rule


def _channels_last(b: Builder, layer: Any) -> None:
    if layer.data_format != "channels_last":
        b.refuse("has its channels first")


@rule(Conv1D)
def _conv(b: Builder, layer: Any, x: Value) -> Value:
    _channels_last(b, layer)
    if layer.strides > 1:
        b.cannot_stream(f"has strides {layer.strides}: not every step has a window")
    elif layer.padding != "causal" and layer.kernel_size > 1:
        b.cannot_stream(f"has padding '{layer.padding}': its windows need later steps")
    elif not x.time:
        b.cannot_stream("reads a sequence that is made of a single step")
    found = b.emit(
        "conv",
        [x],
        layer.compute_output_shape(x.shape),
        x.time,
        weights={"kernel": weight(layer.kernel), "bias": weight(layer.bias)},
        groups=layer.groups,
        stride=layer.strides,
        dilation=layer.dilation_rate,
        padding=layer.padding,
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


@rule(RepeatVector)
def _repeat(b: Builder, layer: Any, x: Value) -> Value:
    b.cannot_stream("makes a sequence of a single vector")
    shape = layer.compute_output_shape(x.shape)
    return b.emit("repeat", [x], shape, False, times=layer.n)

"""Convolutions over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....ops.convolution import transposed_length
from .activations import activate
from .graph import Graph, Value

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]


def channels_first(layer: Any, x: Value) -> Value:
    """(batch, channels, time), as ONNX wants it."""
    return x.transpose(0, 2, 1) if layer.data_format == "channels_last" else x


def as_given(layer: Any, y: Value) -> Value:
    """(batch, channels, time) in the layer's own format."""
    return y.transpose(0, 2, 1) if layer.data_format == "channels_last" else y


def window(size: int, strides: int, padding: str, dilation: int = 1) -> dict[str, Any]:
    """Attributes that say where windows lie."""
    found: dict[str, Any] = {"kernel_shape": [size], "strides": [strides]}
    if dilation != 1:
        found["dilations"] = [dilation]
    if padding == "same":
        found["auto_pad"] = "SAME_UPPER"
    elif padding == "causal":
        found["pads"] = [(size - 1) * dilation, 0]
    return found


def _window(layer: Any) -> dict[str, Any]:
    return window(layer.kernel_size, layer.strides, layer.padding, layer.dilation_rate)


def _bias(graph: Graph, layer: Any) -> Value | None:
    return None if layer.bias is None else graph.weight(layer.bias, "bias")


def _activated(graph: Graph, layer: Any, y: Value, x: Value) -> Value:
    result = as_given(layer, y)
    result.shape = tuple(layer.compute_output_shape(x.shape))
    return activate(graph, result, layer.activation)


def _depthwise(kernel: np.ndarray) -> np.ndarray:
    """(taps, channels, multiplier) -> (channels * multiplier, 1, taps)."""
    taps, channels, multiplier = kernel.shape
    return kernel.transpose(1, 2, 0).reshape(channels * multiplier, 1, taps)


def conv(graph: Graph, layer: Any, x: Value) -> Value:
    kernel = graph.weight(layer.kernel, "kernel", layer.kernel.numpy().transpose(2, 1, 0))
    y = graph.op(
        "Conv",
        channels_first(layer, x),
        kernel,
        _bias(graph, layer),
        group=layer.groups,
        **_window(layer),
    )
    return _activated(graph, layer, y, x)


def depthwise_conv(graph: Graph, layer: Any, x: Value) -> Value:
    kernel = layer.kernel.numpy()
    y = graph.op(
        "Conv",
        channels_first(layer, x),
        graph.weight(layer.kernel, "kernel", _depthwise(kernel)),
        _bias(graph, layer),
        group=kernel.shape[1],
        **_window(layer),
    )
    return _activated(graph, layer, y, x)


def separable_conv(graph: Graph, layer: Any, x: Value) -> Value:
    kernel = layer.depthwise_kernel.numpy()
    each = graph.op(
        "Conv",
        channels_first(layer, x),
        graph.weight(layer.depthwise_kernel, "depthwise_kernel", _depthwise(kernel)),
        group=kernel.shape[1],
        **_window(layer),
    )
    pointwise = layer.pointwise_kernel
    kernel = graph.weight(pointwise, "pointwise_kernel", pointwise.numpy().transpose(2, 1, 0))
    return _activated(graph, layer, graph.op("Conv", each, kernel, _bias(graph, layer)), x)


def _cut(layer: Any) -> tuple[int, int]:
    """Steps cut off at both ends of all that windows reach; negative for zeros added at the end."""
    time, span = 100, (layer.kernel_size - 1) * layer.dilation_rate + 1  # of any length the same
    length, before = transposed_length(
        time, span, layer.strides, layer.padding, layer.output_padding
    )
    return before, (time - 1) * layer.strides + span - before - length


def conv_transpose(graph: Graph, layer: Any, x: Value) -> Value:
    kernel = graph.weight(layer.kernel, "kernel", layer.kernel.numpy().transpose(2, 1, 0))
    before, after = _cut(layer)
    y = graph.op(
        "ConvTranspose",
        channels_first(layer, x),
        kernel,
        _bias(graph, layer),
        kernel_shape=[layer.kernel_size],
        strides=[layer.strides],
        dilations=[layer.dilation_rate],
        pads=[before, max(after, 0)],
        output_padding=[max(-after, 0)],
    )
    return _activated(graph, layer, y, x)

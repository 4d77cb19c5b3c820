"""The largest value, or the mean, over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .convolution import as_given, channels_first, window
from .graph import Graph, Value

__all__ = ["adaptive_pool", "global_average", "global_max", "pool"]


def pool(kind: str) -> Callable[..., Value]:
    """MaxPool or AveragePool; both leave out what lies beyond the sequence."""

    def convert(graph: Graph, layer: Any, x: Value) -> Value:
        where = window(layer.pool_size, layer.strides, layer.padding)
        return as_given(layer, graph.op(kind, channels_first(layer, x), **where))

    return convert


def adaptive_pool(kind: str) -> Callable[..., Value]:
    """ReduceMax or ReduceMean of each of so many windows."""

    def convert(graph: Graph, layer: Any, x: Value) -> Value:
        axis = 1 if layer.data_format == "channels_last" else 2
        time, count = x.shape[axis], layer.output_size
        if time is None:
            raise ValueError("the length of its inputs must be known, not None")
        parts = [
            x.slice(axis, i * time // count, -(-(i + 1) * time // count)).reduce(
                kind, axis, keepdims=True
            )
            for i in range(count)
        ]
        return graph.concat(parts, axis=axis)

    return convert


def _real(layer: Any, mask: Value) -> tuple[int, Value]:
    """The axis of time, and a mask with an axis for the features."""
    axis = 1 if layer.data_format == "channels_last" else 2
    return axis, mask.unsqueeze(3 - axis)


def global_average(graph: Graph, layer: Any, x: Value) -> Value:
    axis = 1 if layer.data_format == "channels_last" else 2
    if x.mask is None:
        return x.reduce("ReduceMean", axis, keepdims=layer.keepdims)
    axis, real = _real(layer, x.mask)
    total = real.where(x, 0.0).reduce("ReduceSum", axis, keepdims=layer.keepdims)
    count = real.cast("float32").reduce("ReduceSum", axis, keepdims=layer.keepdims)
    return total / graph.op("Max", count, 1.0)


def global_max(graph: Graph, layer: Any, x: Value) -> Value:
    axis = 1 if layer.data_format == "channels_last" else 2
    if x.mask is None:
        return x.reduce("ReduceMax", axis, keepdims=layer.keepdims)
    axis, real = _real(layer, x.mask)
    least = float(np.finfo(np.float32).min)
    largest = real.where(x, least).reduce("ReduceMax", axis, keepdims=layer.keepdims)
    some = real.cast("float32").reduce("ReduceMax", axis, keepdims=layer.keepdims).cast("bool")
    return some.where(largest, 0.0)

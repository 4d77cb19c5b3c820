"""Layers that move values and compute nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .graph import Graph, Value

__all__ = [
    "cropping",
    "flatten",
    "permute",
    "repeat_vector",
    "reshape",
    "up_sampling",
    "zero_padding",
]

END = np.iinfo(np.int64).max  # the end of an axis, as Slice says it


def flatten(graph: Graph, layer: Any, x: Value) -> Value:
    if x.rank < 2:
        return x.unsqueeze(1)
    if layer.data_format == "channels_first" and x.rank > 2:
        x = Value(graph, x.transpose(0, *range(2, x.rank), 1).name, x.shape)
    return graph.op("Flatten", x, axis=1)


def reshape(graph: Graph, layer: Any, x: Value) -> Value:
    # The batch stays what it is; -1 takes what is left of a sample.
    return x.reshape(0, *layer.target_shape)


def permute(graph: Graph, layer: Any, x: Value) -> Value:
    return x.transpose(0, *layer.dims)


def repeat_vector(graph: Graph, layer: Any, x: Value) -> Value:
    return graph.op("Tile", x.unsqueeze(1), graph.integers(1, layer.n, 1))


def cropping(graph: Graph, layer: Any, x: Value) -> Value:
    first, last = layer.cropping
    return x.slice(1, first, -last if last else END)


def zero_padding(graph: Graph, layer: Any, x: Value) -> Value:
    widths = np.zeros((2, 3), np.int64)
    widths[:, 1 if layer.data_format == "channels_last" else 2] = layer.padding
    return graph.op("Pad", x, graph.constant(widths.ravel()))


def up_sampling(graph: Graph, layer: Any, x: Value) -> Value:
    features = x.shape[2]
    if features is None:
        raise ValueError("the last axis of its inputs must be known, not None")
    several = graph.op("Tile", x.unsqueeze(2), graph.integers(1, 1, layer.size, 1))
    return several.reshape(0, -1, math.prod([features]))

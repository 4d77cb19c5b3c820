"""TimeDistributed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....layers import Activation, Dense, Dropout
from .graph import Graph, Sizes, Value

__all__ = ["time_distributed"]

# Layers that treat every vector of the last axis alike, whatever axes are before it.
EVERYWHERE = (Dense, Activation, Dropout)


def time_distributed(graph: Graph, layer: Any, x: Value) -> Value:
    from .table import convert

    inner = layer.layer
    bare = Value(graph, x.name, x.shape, x.dtype)
    if type(inner) in EVERYWHERE:
        result: Value = convert(graph, inner, bare, {})
        return Value(graph, result.name)
    steps = graph.op("Reshape", bare, _sizes(graph, bare, (-1,), 2), dtype=x.dtype)
    steps = Value(graph, steps.name, (None, *x.shape[2:]), x.dtype)
    outputs: Any = convert(graph, inner, steps, {})
    if not isinstance(outputs, Value):
        raise ValueError(f"the layer of TimeDistributed must have one output, not {len(outputs)}")
    # The batch and the time of the inputs, the rest of the outputs.
    front = graph.op("Shape", bare, start=0, end=2, dtype="int64")
    rest = graph.op("Shape", outputs, start=1, dtype="int64")
    return graph.op("Reshape", outputs, graph.concat([front, rest], axis=0, dtype="int64"))


def _sizes(graph: Graph, x: Value, front: Sizes, axis: int) -> Value:
    """The shape ``front`` followed by the sizes of ``x`` from an axis on."""
    rest = x.shape[axis:]
    if None not in rest:
        return graph.integers(*(int(n or 0) for n in (*front, *rest)))
    known = graph.constant(np.array(front, np.int64))
    return graph.concat([known, graph.op("Shape", x, start=axis, dtype="int64")], 0, dtype="int64")

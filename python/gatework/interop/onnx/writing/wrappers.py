"""TimeDistributed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....layers import Activation, Dense, Dropout
from ....layers.calling import call_signature
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
        return Value(graph, result.name, mask=x.mask)
    steps = graph.op("Reshape", bare, _sizes(graph, bare, (-1,), 2), dtype=x.dtype)
    steps = Value(graph, steps.name, (None, *x.shape[2:]), x.dtype, _step_mask(graph, inner, x))
    outputs: Any = convert(graph, inner, steps, {})
    if not isinstance(outputs, Value):
        raise ValueError(f"the layer of TimeDistributed must have one output, not {len(outputs)}")
    # The batch and the time of the inputs, the rest of the outputs.
    front = graph.op("Shape", bare, start=0, end=2, dtype="int64")
    rest = graph.op("Shape", outputs, start=1, dtype="int64")
    result = graph.op("Reshape", outputs, graph.concat([front, rest], axis=0, dtype="int64"))
    result.mask = x.mask
    return result


def _step_mask(graph: Graph, inner: Any, x: Value) -> Value | None:
    """The mask of the steps as sequences of their own: a masked step is masked throughout."""
    if x.mask is None or not call_signature(type(inner)).mask:
        return None
    if len(x.mask.shape) > 2 or not hasattr(inner, "return_sequences"):
        raise ValueError(f"a mask must not be given to each step of {inner.name}")
    sizes = graph.op("Shape", x, start=0, end=3, dtype="int64")
    wide = graph.op("Expand", x.mask.unsqueeze(2), sizes, dtype="bool")
    flat = graph.op("Reshape", wide, _sizes(graph, x, (-1,), 2, 3), dtype="bool")
    return Value(graph, flat.name, (None, x.shape[2]), "bool")


def _sizes(graph: Graph, x: Value, front: Sizes, axis: int, end: int | None = None) -> Value:
    """The shape ``front`` followed by the sizes of ``x`` from an axis on."""
    rest = x.shape[axis:end]
    if None not in rest:
        return graph.integers(*(int(n or 0) for n in (*front, *rest)))
    known = graph.constant(np.array(front, np.int64))
    ends = {} if end is None else {"end": end}
    sizes = graph.op("Shape", x, start=axis, dtype="int64", **ends)
    return graph.concat([known, sizes], 0, dtype="int64")

"""Dense, Embedding, masks, activations and reshaping."""

from __future__ import annotations

from typing import Any

import numpy as np

from .activations import activate
from .graph import Graph, Value

__all__ = ["activation", "dense", "embedding", "flatten", "identity", "masking", "reshape"]


def identity(graph: Graph, layer: Any, x: Value) -> Value:
    """What a layer that only acts in training does in inference."""
    return x


def dense(graph: Graph, layer: Any, x: Value) -> Value:
    kernel = graph.weight(layer.kernel, "kernel")
    bias = graph.weight(layer.bias, "bias") if layer.use_bias else None
    if x.rank == 2:
        result = graph.op("Gemm", x, kernel, bias)
    else:
        result = x @ kernel
        result = result if bias is None else result + bias
    result.shape = (*x.shape[:-1], layer.units)
    return activate(graph, result, layer.activation)


def embedding(graph: Graph, layer: Any, x: Value) -> Value:
    ids = x if x.dtype in ("int32", "int64") else x.cast("int64")
    result = graph.op("Gather", graph.weight(layer.embeddings, "embeddings"), ids, axis=0)
    if layer.mask_zero:
        zero = graph.constant(np.zeros((), ids.dtype))
        padding = graph.op("Equal", ids, zero, dtype="bool")
        result.mask = graph.op("Not", padding, dtype="bool")
    return result


def masking(graph: Graph, layer: Any, x: Value) -> Value:
    padding = graph.op("Equal", x, float(layer.mask_value), dtype="bool")
    differs = graph.op("Not", padding, dtype="bool").cast("float32")
    real = differs.reduce("ReduceMax", -1, keepdims=True).cast("bool")
    result = real.where(x, 0.0)
    result.mask = graph.op("Squeeze", real, graph.integers(-1), dtype="bool")
    return result


def activation(graph: Graph, layer: Any, x: Value) -> Value:
    return activate(graph, x, layer.activation)


def flatten(graph: Graph, layer: Any, x: Value) -> Value:
    return graph.op("Flatten", x, axis=1) if x.rank > 1 else x.unsqueeze(1)


def reshape(graph: Graph, layer: Any, x: Value) -> Value:
    sizes = layer.target_shape
    # The batch stays what it is; -1 takes what is left of a sample.
    return x.reshape(0, *sizes) if 0 not in sizes else x.reshape(-1, *sizes)

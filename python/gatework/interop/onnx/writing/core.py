"""Products with weights, tables of vectors and masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from .activations import activate
from .graph import Graph, Value

__all__ = [
    "activation",
    "dense",
    "einsum_dense",
    "embedding",
    "identity",
    "masking",
    "reversible_embedding",
]


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
        result.mask.shape = x.shape
    return result


def masking(graph: Graph, layer: Any, x: Value) -> Value:
    padding = graph.op("Equal", x, float(layer.mask_value), dtype="bool")
    differs = graph.op("Not", padding, dtype="bool").cast("float32")
    real = differs.reduce("ReduceMax", -1, keepdims=True).cast("bool")
    result = real.where(x, 0.0)
    result.mask = graph.op("Squeeze", real, graph.integers(-1), dtype="bool")
    result.mask.shape = x.shape[:-1]
    return result


def activation(graph: Graph, layer: Any, x: Value) -> Value:
    return activate(graph, x, layer.activation)


def einsum_dense(graph: Graph, layer: Any, x: Value) -> Value:
    plan = layer._plan(x.shape)
    kernel = graph.weight(layer.kernel, "kernel")
    result = graph.op("Einsum", x, kernel, equation=plan.subscripts)
    if layer.bias is not None:
        result = result + graph.weight(layer.bias, "bias")
    result.shape = plan.output_shape
    return activate(graph, result, layer.activation)


def reversible_embedding(graph: Graph, layer: Any, x: Value, reverse: bool = False) -> Value:
    if not reverse:
        return embedding(graph, layer, x)
    if layer.tie_weights:
        table = graph.weight(layer.embeddings, "embeddings").transpose(1, 0)
    else:
        table = graph.weight(layer.reverse_embeddings, "reverse_embeddings")
    logits = x @ table
    if layer.logit_soft_cap is not None:
        cap = float(layer.logit_soft_cap)
        logits = graph.op("Tanh", logits / cap) * cap
    logits.shape = (*x.shape[:-1], layer.input_dim)
    return logits

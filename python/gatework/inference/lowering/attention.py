"""Rules of attention and of the Transformer's blocks, over whole sequences without masks."""

from __future__ import annotations

import math
from typing import Any

from ...autograd import Array
from ...layers import (
    MultiHeadAttention,
    PositionEmbedding,
    TokenAndPositionEmbedding,
    TransformerDecoder,
    TransformerEncoder,
)
from .builder import Builder
from .model import apply
from .plan import Value, Weight
from .table import rule


@rule(MultiHeadAttention)
def _attention(
    b: Builder,
    layer: Any,
    query: Value,
    value: Any = None,
    key: Any = None,
    use_causal_mask: bool = False,
) -> Value:
    if not isinstance(value, Value) or not (key is None or isinstance(key, Value)):
        b.refuse("is called on something else than tensors of the model")
    return _attend(b, layer, query, value, value if key is None else key, bool(use_causal_mask))


def _attend(b: Builder, layer: Any, query: Value, value: Value, key: Value, causal: bool) -> Value:
    """Attention of a query to keys and values, projections among it."""
    if len(query.shape) != 3 or layer.attention_axes not in (None, (1,)):
        b.refuse("attends over several axes")
    if any(one.mask is not None for one in (query, value, key)):
        b.refuse("leaves out what a mask excludes")
    if layer.use_gate:
        b.refuse("has a gate")
    b.cannot_stream("attends to other steps")
    window = -1 if layer.sliding_window is None else layer.sliding_window - 1
    projected = [
        _projection(b, layer.query_dense, query),
        _projection(b, layer.key_dense, key),
        _projection(b, layer.value_dense, value),
    ]
    heads = layer.num_heads
    found = b.emit(
        "attention",
        projected,
        (*query.shape[:2], heads * layer.value_dim),
        query.time,
        heads=heads,
        key_heads=heads,
        features=layer.key_dim,
        value_features=layer.value_dim,
        scale=1 / math.sqrt(layer.key_dim),
        causal=causal,
        window=window,
    )
    return _projection(b, layer.output_dense, found, summed=2)


def _projection(b: Builder, layer: Any, x: Value, summed: int = 1) -> Value:
    """A dense layer whose inputs or units are several axes, as one product of two matrices."""
    if layer.activity_regularizer is not None:
        b.inexact("adds a loss for its projections")
    if layer._after is not None:
        b.refuse("has projections with an activation")
    units = math.prod(layer.kernel.shape[summed:])
    if len(layer.kernel.shape) != 3 and summed == 2:
        b.refuse("has an output of several axes")
    matrix = _matrix if summed == 1 else _matrix_of_heads
    weights = {
        "kernel": Weight(layer.kernel, make=matrix),
        "bias": None if layer.bias is None else Weight(layer.bias, make=_vector),
    }
    shape = (*x.shape[:2], units)
    args = {"activation": layer._fused, "bf16": b.rounds(layer)}
    return b.emit("dense", [x], shape, x.time, weights=weights, **args)


def _matrix(kernel: Array) -> Array:
    """(features, heads * size) of (features, heads, size)"""
    return kernel.reshape(len(kernel), -1)


def _matrix_of_heads(kernel: Array) -> Array:
    """(heads * size, features) of (heads, size, features)"""
    return kernel.reshape(-1, kernel.shape[-1])


def _vector(bias: Array) -> Array:
    return bias.reshape(-1)


@rule(TransformerEncoder, TransformerDecoder)
def _block(
    b: Builder,
    layer: Any,
    x: Value,
    encoder_sequence: Any = None,
    use_causal_mask: bool = True,
) -> Value:
    causal = isinstance(layer, TransformerDecoder) and bool(use_causal_mask)
    norm, attention = layer._self_attention_layer_norm, layer._self_attention_layer
    inner = apply(b, norm, x) if layer.normalize_first else x
    found = _attend(b, attention, inner, inner, inner, causal)
    x = _joined(b, layer, x, found, norm)
    if getattr(layer, "_cross_attention_layer", None) is not None:
        if not isinstance(encoder_sequence, Value):
            b.refuse("is called without a sequence of the encoder")
        norm = layer._cross_attention_layer_norm
        inner = apply(b, norm, x) if layer.normalize_first else x
        found = _attend(
            b, layer._cross_attention_layer, inner, encoder_sequence, encoder_sequence, False
        )
        x = _joined(b, layer, x, found, norm)
    elif encoder_sequence is not None:
        b.refuse("is called with a sequence of an encoder that it was not built for")
    norm = layer._feedforward_layer_norm
    inner = apply(b, norm, x) if layer.normalize_first else x
    hidden = apply(b, layer._feedforward_intermediate_dense, inner)
    if layer._feedforward_gate_dense is not None:
        gate = apply(b, layer._feedforward_gate_dense, inner)
        hidden = b.emit("multiply", [hidden, gate], hidden.shape, hidden.time)
    return _joined(b, layer, x, apply(b, layer._feedforward_output_dense, hidden), norm)


def _joined(b: Builder, layer: Any, x: Value, found: Value, norm: Any) -> Value:
    joined = b.emit("add", [x, found], x.shape, x.time)
    return joined if layer.normalize_first else apply(b, norm, joined)


@rule(TokenAndPositionEmbedding)
def _tokens_and_positions(b: Builder, layer: Any, ids: Value) -> Value:
    tokens = layer.token_embedding
    if ids.kind != "ids" or len(ids.shape) != 2:
        b.refuse("must read ids (batch, time) from an input of the model")
    if tokens.mask_zero:
        b.refuse("marks padding, which attention leaves out")
    b.cannot_stream("counts positions from the first step")
    b.limit_ids(ids, tokens.input_dim)
    shape = (*ids.shape, layer.embedding_dim)
    table = {"table": Weight(tokens.embeddings)}
    found = b.emit("embedding", [ids], shape, ids.time, weights=table)
    places = {"table": Weight(layer.position_embedding.position_embeddings)}
    return b.emit("position", [found], shape, ids.time, weights=places, added=True)


@rule(PositionEmbedding)
def _positions(b: Builder, layer: Any, x: Value) -> Value:
    if len(x.shape) != 3:
        b.refuse("reads inputs of other than three axes")
    b.cannot_stream("counts positions from the first step")
    table = {"table": Weight(layer.position_embeddings)}
    return b.emit("position", [x], x.shape, x.time, weights=table, added=False)

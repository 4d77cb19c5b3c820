"""Attention, and the blocks of Transformers, in products and softmaxes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .core import dense, einsum_dense, embedding
from .graph import Graph, Value
from .normalization import layer_normalization

__all__ = [
    "attention",
    "decoder",
    "encoder",
    "heads",
    "position_embedding",
    "sine_position_encoding",
    "token_and_position_embedding",
]

_MASKED = -1e9  # e to it is zero


def heads(
    graph: Graph,
    layer: Any,
    query: Value,
    value: Value,
    key: Value | None = None,
    use_causal_mask: bool = False,
    **others: Any,
) -> Value:
    """MultiHeadAttention and GroupedQueryAttention over one axis of time."""
    _refuse(others)
    if query.rank != 3:
        raise ValueError(f"query must have 3 axes, not {query.rank}")
    key = value if key is None else key
    masks = [] if query.mask is None else [query.mask.unsqueeze(1, 3)]
    masks += [one.mask.unsqueeze(1, 2) for one in {id(x): x for x in (value, key)}.values()
              if one.mask is not None]  # fmt: skip
    return _projected(graph, layer, query, value, key, masks, use_causal_mask)


def _projected(
    graph: Graph,
    layer: Any,
    query: Value,
    value: Value,
    key: Value,
    masks: list[Value],
    is_causal: bool,
) -> Value:
    q, k, v = (
        _sublayer(graph, einsum_dense, dense_layer, x)
        for dense_layer, x in (
            (layer._query_dense, query),
            (layer._key_dense, key),
            (layer._value_dense, value),
        )
    )
    assert q.shape is not None
    assert k.shape is not None
    shared = int(q.shape[2] or 1) // int(k.shape[2] or 1)
    scaled = q.transpose(0, 2, 1, 3) * (1.0 / math.sqrt(float(q.shape[3] or 1)))
    scores = scaled @ _repeated(k, shared).transpose(0, 2, 3, 1)
    if is_causal or layer.sliding_window is not None:
        masks = [*masks, *_by_position(graph, query, value, is_causal, layer.sliding_window)]
    weights = _masked_softmax(graph, scores, masks)
    found = (weights @ _repeated(v, shared).transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    if layer._gate_dense is not None:
        found = found * _sublayer(graph, einsum_dense, layer._gate_dense, query)
    assert v.shape is not None
    found = Value(graph, found.name, (*q.shape[:3], v.shape[3]))
    return _sublayer(graph, einsum_dense, layer._output_dense, found)


def _sublayer(graph: Graph, convert: Any, layer: Any, x: Value) -> Value:
    with graph.scope(layer.name):
        made = convert(graph, layer, x)
    return Value(graph, made.name, layer.compute_output_shape(x.shape))


def _repeated(x: Value, times: int) -> Value:
    """Each head as often as queries share it."""
    if times == 1:
        return x
    assert x.shape is not None
    wide = x.graph.concat([x.unsqueeze(3)] * times, 3)
    return wide.reshape(0, 0, int(x.shape[2] or 1) * times, int(x.shape[3] or 1))


def _by_position(
    graph: Graph, query: Value, keys: Value, is_causal: bool, window: int | None
) -> list[Value]:
    """The masks (time, keys) that follow from where query and key stand."""
    zero, one = (graph.integers(n).squeeze(0) for n in (0, 1))
    steps, places = (
        graph.op("Range", zero, x.size(1).squeeze(0), one, dtype="int64") for x in (query, keys)
    )
    steps, places = steps.unsqueeze(1), places.unsqueeze(0)
    found = [graph.op("GreaterOrEqual", steps, places, dtype="bool")] if is_causal else []
    if window is not None:
        apart = graph.op("Abs", graph.op("Sub", steps, places, dtype="int64"), dtype="int64")
        found.append(graph.op("Less", apart, graph.integers(window), dtype="bool"))
    return found


def _masked_softmax(graph: Graph, scores: Value, masks: list[Value]) -> Value:
    """Zeros where a mask is false, also where nothing is left."""
    if not masks:
        return graph.op("Softmax", scores, axis=-1)
    kept = masks[0]
    for other in masks[1:]:
        kept = graph.op("And", kept, other, dtype="bool")
    weights = graph.op("Softmax", kept.where(scores, _MASKED), axis=-1)
    return kept.where(weights, 0.0)


def _refuse(others: dict[str, Any]) -> None:
    for name, value in others.items():
        if value is not None and value is not False:
            raise ValueError(f"{name} must be left to its default in ONNX")


def attention(
    graph: Graph, layer: Any, inputs: Any, use_causal_mask: bool = False, **others: Any
) -> Value:
    """Attention and AdditiveAttention of three axes."""
    _refuse(others)
    query, value, *rest = inputs
    key = rest[0] if rest else value
    if query.rank != 3:
        raise ValueError(f"query must have 3 axes, not {query.rank}")
    additive = type(layer).__name__ == "AdditiveAttention"
    scale = None if layer.scale is None else graph.weight(layer.scale, "scale")
    if not additive and layer.score_mode == "dot":
        scores = query @ key.transpose(0, 2, 1)
        scores = scores if scale is None else scores * scale
    else:
        joined = query.unsqueeze(2) + key.unsqueeze(1)
        inner = joined if scale is None or additive else joined * scale
        likeness = graph.op("Tanh", inner)
        likeness = likeness * scale if additive and scale is not None else likeness
        scores = likeness.reduce("ReduceSum", -1)
        if not additive:
            scores = scores * graph.weight(layer.concat_score_weight, "concat_score_weight")
    masks = [] if value.mask is None else [value.mask.unsqueeze(1)]
    if use_causal_mask:
        masks += _by_position(graph, query, key, True, None)
    result = _masked_softmax(graph, scores, masks) @ value
    if query.mask is not None:
        result = query.mask.unsqueeze(2).where(result, 0.0)
    return Value(graph, result.name, mask=query.mask)


def encoder(graph: Graph, layer: Any, x: Value, **others: Any) -> Value:
    _refuse(others)
    masks = [] if x.mask is None else [x.mask.unsqueeze(1, 2), x.mask.unsqueeze(1, 3)]
    inner = _first(graph, layer, layer._self_attention_layer_norm, x)
    found = _attended(graph, layer._self_attention_layer, inner, inner, masks, False)
    joined = _joined(graph, layer, layer._self_attention_layer_norm, x, found)
    return _feedforward(graph, layer, joined)


def decoder(
    graph: Graph,
    layer: Any,
    x: Value,
    encoder_sequence: Value | None = None,
    use_causal_mask: bool = True,
    **others: Any,
) -> Value:
    _refuse(others)
    masks = [] if x.mask is None else [x.mask.unsqueeze(1, 2)]
    inner = _first(graph, layer, layer._self_attention_layer_norm, x)
    found = _attended(graph, layer._self_attention_layer, inner, inner, masks, use_causal_mask)
    x = _joined(graph, layer, layer._self_attention_layer_norm, x, found)
    if encoder_sequence is not None:
        seen = encoder_sequence
        masks = [] if seen.mask is None else [seen.mask.unsqueeze(1, 2)]
        inner = _first(graph, layer, layer._cross_attention_layer_norm, x)
        found = _attended(graph, layer._cross_attention_layer, inner, seen, masks, False)
        x = _joined(graph, layer, layer._cross_attention_layer_norm, x, found)
    return _feedforward(graph, layer, x)


def _attended(
    graph: Graph, layer: Any, query: Value, value: Value, masks: list[Value], is_causal: bool
) -> Value:
    with graph.scope(layer.name):
        return _projected(graph, layer, query, value, value, masks, is_causal)


def _first(graph: Graph, block: Any, normalization: Any, x: Value) -> Value:
    if not block.normalize_first:
        return x
    return _sublayer(graph, layer_normalization, normalization, x)


def _joined(graph: Graph, block: Any, normalization: Any, x: Value, found: Value) -> Value:
    joined = Value(graph, (x + found).name, x.shape)
    if block.normalize_first:
        return joined
    return _sublayer(graph, layer_normalization, normalization, joined)


def _feedforward(graph: Graph, block: Any, x: Value) -> Value:
    inner = _first(graph, block, block._feedforward_layer_norm, x)
    hidden = _sublayer(graph, dense, block._feedforward_intermediate_dense, inner)
    if block._feedforward_gate_dense is not None:
        gate = _sublayer(graph, dense, block._feedforward_gate_dense, inner)
        hidden = Value(graph, (hidden * gate).name, hidden.shape)
    found = _sublayer(graph, dense, block._feedforward_output_dense, hidden)
    return _joined(graph, block, block._feedforward_layer_norm, x, found)


def _positions(graph: Graph, layer: Any, x: Value, axis: int) -> Value:
    """The first rows of the table, as many as there are steps."""
    table = graph.weight(layer.position_embeddings, "embeddings")
    return graph.op("Slice", table, graph.integers(0), x.size(axis), graph.integers(0))


def position_embedding(graph: Graph, layer: Any, x: Value, **others: Any) -> Value:
    _refuse({k: v for k, v in others.items() if not isinstance(v, int) or v != 0})
    found = _positions(graph, layer, x, x.rank - 2)
    return graph.op("Expand", found, graph.op("Shape", x, dtype="int64"))


def sine_position_encoding(graph: Graph, layer: Any, x: Value, **others: Any) -> Value:
    _refuse({k: v for k, v in others.items() if not isinstance(v, int) or v != 0})
    assert x.shape is not None
    time, size = x.shape[-2:]
    if time is None or size is None:
        raise ValueError("inputs must have a known number of steps in ONNX")
    waves = layer(np.zeros((1, time, size), np.float32)).numpy()[0]
    return graph.op("Expand", graph.constant(waves), graph.op("Shape", x, dtype="int64"))


def token_and_position_embedding(graph: Graph, layer: Any, x: Value, **others: Any) -> Value:
    _refuse({k: v for k, v in others.items() if not isinstance(v, int) or v != 0})
    with graph.scope("token_embedding"):
        tokens = embedding(graph, layer.token_embedding, x)
    with graph.scope("position_embedding"):
        places = _positions(graph, layer.position_embedding, x, x.rank - 1)
    return Value(graph, (tokens + places).name, mask=tokens.mask)

"""Rules of attention and of the Transformer's blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd import Array
from ...layers import (
    Attention,
    GroupedQueryAttention,
    MultiHeadAttention,
    TransformerDecoder,
    TransformerEncoder,
)
from ...layers.transformer import CachedMultiHeadAttention
from .builder import Builder
from .model import apply
from .plan import Value, Weight
from .table import rule


@rule(MultiHeadAttention, GroupedQueryAttention)
def _attention(
    b: Builder,
    layer: Any,
    query: Value,
    value: Any = None,
    key: Any = None,
    query_mask: Any = None,
    value_mask: Any = None,
    key_mask: Any = None,
    attention_mask: Any = None,
    return_attention_scores: bool = False,
    use_causal_mask: bool = False,
) -> Value:
    _check_call(b, value, key, return_attention_scores)
    # Masks that nobody gave are those that the arguments carry.
    given = (query_mask, value_mask, key_mask)
    carried = (one if one is None else one.mask for one in (query, value, key))
    own = [g if g is not None else c for g, c in zip(given, carried, strict=True)]
    return _attend(
        b,
        layer,
        query,
        value,
        value if key is None else key,
        bool(use_causal_mask),
        query_mask=own[0],
        key_masks=own[1:],
        pair_mask=attention_mask,
    )


@rule(CachedMultiHeadAttention)
def _cached_attention(
    b: Builder,
    layer: Any,
    query: Value,
    value: Any = None,
    key: Any = None,
    attention_mask: Any = None,
    return_attention_scores: bool = False,
    use_causal_mask: bool = False,
) -> Value:
    """Without a cache of the caller's; it takes no notice of masks that its arguments carry."""
    _check_call(b, value, key, return_attention_scores)
    keys = value if key is None else key
    return _attend(b, layer, query, value, keys, bool(use_causal_mask), pair_mask=attention_mask)


def _check_call(b: Builder, value: Any, key: Any, return_attention_scores: Any) -> None:
    if not isinstance(value, Value) or not (key is None or isinstance(key, Value)):
        b.refuse("is called on something else than tensors of the model")
    if return_attention_scores:
        b.refuse("returns its scores")


def _attend(
    b: Builder,
    layer: Any,
    query: Value,
    value: Value,
    key: Value,
    causal: bool,
    *,
    query_mask: Any = None,
    key_masks: Sequence[Any] = (),
    pair_mask: Any = None,
) -> Value:
    """Attention of a query to keys and values, projections among it."""
    if len(query.shape) != 3 or getattr(layer, "attention_axes", None) not in (None, (1,)):
        b.refuse("attends over several axes")
    heads, key_heads, features, value_features = _sizes(layer)
    projections = (layer._query_dense, layer._key_dense, layer._value_dense)
    projected, columns = _projected(b, projections, (query, key, value))
    found = _emit(
        b,
        projected,
        (*query.shape[:2], heads * value_features),
        causal,
        query_mask,
        key_masks,
        pair_mask,
        columns=columns,
        heads=heads,
        key_heads=key_heads,
        features=features,
        value_features=value_features,
        scale=1 / math.sqrt(features),
        window=-1 if layer.sliding_window is None else layer.sliding_window - 1,
    )
    if layer._gate_dense is not None:
        gate = _projection(b, layer._gate_dense, query)
        found = b.emit("multiply", [found, gate], found.shape, found.time)
    return _projection(b, layer._output_dense, found, summed=2)


def _sizes(layer: Any) -> tuple[int, int, int, int]:
    """Heads of queries and of keys, and the features of a head of keys and of values."""
    if isinstance(layer, GroupedQueryAttention):
        size = layer.head_dim
        return layer.num_query_heads, layer.num_key_value_heads, size, size
    return layer.num_heads, layer.num_heads, layer.key_dim, layer.value_dim


def _emit(
    b: Builder,
    operands: Sequence[Value],
    shape: tuple[int | None, ...],
    causal: bool,
    query_mask: Any,
    key_masks: Sequence[Any],
    pair_mask: Any,
    *,
    columns: Sequence[int] = (0, 0, 0),
    **args: Any,
) -> Value:
    """The attention of operands whose heads are there already."""
    query, key, value = operands
    masks = [m for m in (query_mask, *key_masks, pair_mask) if m is not None]
    if not all(isinstance(mask, Value) and mask.kind == "mask" for mask in masks):
        b.refuse("is given a mask that is computed, not one of Embedding, Masking or an input")
    key_mask = _all_of(b, [mask for mask in key_masks if mask is not None])
    of_stream = query.time and key.time and value.time and causal and pair_mask is None
    if not of_stream and (query.time or key.time or value.time):
        _cannot_stream(b, query, key, value, causal, pair_mask, args["window"])
    return b.emit(
        "attention",
        [*operands, *(m for m in (query_mask, key_mask, pair_mask) if m is not None)],
        shape,
        query.time,
        **args,
        causal=causal,
        query_column=columns[0],
        key_column=columns[1],
        value_column=columns[2],
        query_masked=query_mask is not None,
        key_masked=key_mask is not None,
        pair_masked=pair_mask is not None,
        of_stream=of_stream,
    )


def _cannot_stream(
    b: Builder, query: Value, key: Value, value: Value, causal: bool, pairs: Any, window: int
) -> None:
    """Notes why attention cannot stream; that to a sequence which is whole from the start can."""
    if pairs is not None:
        b.cannot_stream("is given a mask of pairs of steps")
    elif key.time and value.time and query.time:
        b.cannot_stream("attends to later steps: it is called without use_causal_mask")
    elif key.time or value.time:
        b.cannot_stream("attends to a sequence that is not over")
    elif causal or window >= 0:
        b.cannot_stream("attends to steps of another sequence by their positions")


def _all_of(b: Builder, masks: Sequence[Value]) -> Value | None:
    """True where all of the masks are."""
    found: Value | None = None
    for mask in masks:
        if found is None:
            found = mask
        elif mask.place != found.place:
            found = b.emit("both", [found, mask], found.shape, found.time, kind="mask")
    return found


def _projected(
    b: Builder, layers: Sequence[Any], inputs: Sequence[Value]
) -> tuple[list[Value], list[int]]:
    """Queries, keys and values, of one input in one product, and the column where each begins."""
    for layer in layers:
        _check_projection(b, layer)
    x = inputs[0]
    biases = [layer.bias for layer in layers]
    alike = len({(b.rounds(layer), layer.bias is None) for layer in layers}) == 1
    if any(one.place != x.place for one in inputs) or not alike:
        pairs = zip(layers, inputs, strict=True)
        return [_projection(b, layer, one) for layer, one in pairs], [0, 0, 0]
    widths = [math.prod(layer.kernel.shape[1:]) for layer in layers]
    weights = {
        "kernel": Weight(*(layer.kernel for layer in layers), make=_side_by_side),
        "bias": None if biases[0] is None else Weight(*biases, make=_one_behind_the_other),
    }
    args: dict[str, Any] = {"activation": "linear", "bf16": b.rounds(layers[0])}
    shape = (*x.shape[:2], sum(widths))
    found = b.emit("dense", [x], shape, x.time, weights=weights, **args)
    return [found] * 3, [0, widths[0], widths[0] + widths[1]]


def _check_projection(b: Builder, layer: Any) -> None:
    if layer.activity_regularizer is not None:
        b.inexact("adds a loss for its projections")
    if layer._after is not None:
        b.refuse("has projections with an activation that is not compiled")


def _projection(b: Builder, layer: Any, x: Value, summed: int = 1) -> Value:
    """A dense layer whose inputs or units are several axes, as one product of two matrices."""
    _check_projection(b, layer)
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


def _side_by_side(*kernels: Array) -> Array:
    return np.concatenate([_matrix(kernel) for kernel in kernels], axis=1)


def _one_behind_the_other(*biases: Array) -> Array:
    return np.concatenate([_vector(bias) for bias in biases])


@rule(Attention)
def _attention_without_projections(
    b: Builder,
    layer: Any,
    inputs: Any,
    mask: Any = None,
    return_attention_scores: bool = False,
    use_causal_mask: bool = False,
) -> Value:
    query, value = inputs[:2]
    key = inputs[2] if len(inputs) > 2 else value
    _check_call(b, value, key, return_attention_scores)
    if layer.score_mode != "dot" or len(query.shape) != 3:
        b.refuse("has scores that are no products of two matrices")
    masks = [query.mask, value.mask] if mask is None else list(mask)
    features, width = query.shape[-1], value.shape[-1]
    scaled = query
    if layer.scale is not None:
        weights = {
            "mean": Weight(layer.scale, make=_zeros, options=(features,)),
            "factor": Weight(layer.scale, make=_repeated, options=(features,)),
            "shift": Weight(layer.scale, make=_zeros, options=(features,)),
        }
        scaled = b.emit("column_norm", [query], query.shape, query.time, weights=weights)
    found = _emit(
        b,
        [scaled, key, value],
        (*query.shape[:2], width),
        bool(use_causal_mask),
        masks[0],
        masks[1:2],
        None,
        heads=1,
        key_heads=1,
        features=features,
        value_features=width,
        scale=1.0,
        window=-1,
    )
    return found.with_mask(query.mask if mask is None else masks[0])


def _zeros(scale: Array, count: float) -> Array:
    return np.zeros(int(count), np.float32)


def _repeated(scale: Array, count: float) -> Array:
    return np.full(int(count), scale, np.float32)


@rule(TransformerEncoder)
def _encoder(
    b: Builder, layer: Any, x: Value, padding_mask: Any = None, attention_mask: Any = None
) -> Value:
    def attend(inner: Value) -> Value:
        padding = x.mask if padding_mask is None else padding_mask
        return _attend(
            b,
            layer._self_attention_layer,
            inner,
            inner,
            inner,
            False,
            query_mask=x.mask,
            key_masks=[x.mask, padding],
            pair_mask=attention_mask,
        )

    x_ = _part(b, layer, x, layer._self_attention_layer_norm, attend)
    return _feedforward(b, layer, x_)


@rule(TransformerDecoder)
def _decoder(
    b: Builder,
    layer: Any,
    x: Value,
    encoder_sequence: Any = None,
    decoder_padding_mask: Any = None,
    decoder_attention_mask: Any = None,
    encoder_padding_mask: Any = None,
    encoder_attention_mask: Any = None,
    use_causal_mask: bool = True,
) -> Value:
    own, cross = layer._self_attention_layer, layer._cross_attention_layer

    def attend(inner: Value) -> Value:
        padding = x.mask if decoder_padding_mask is None else decoder_padding_mask
        masks = {"key_masks": [padding], "pair_mask": decoder_attention_mask}
        return _attend(b, own, inner, inner, inner, bool(use_causal_mask), **masks)

    def attend_to_encoder(inner: Value) -> Value:
        encoded = encoder_sequence
        padding = encoded.mask if encoder_padding_mask is None else encoder_padding_mask
        masks = {"key_masks": [padding], "pair_mask": encoder_attention_mask}
        return _attend(b, cross, inner, encoded, encoded, False, **masks)

    found = _part(b, layer, x, layer._self_attention_layer_norm, attend)
    if cross is not None:
        if not isinstance(encoder_sequence, Value):
            b.refuse("is called without a sequence of the encoder")
        norm = layer._cross_attention_layer_norm
        found = _part(b, layer, found, norm, attend_to_encoder)
    elif encoder_sequence is not None:
        b.refuse("is called with a sequence of an encoder that it was not built for")
    return _feedforward(b, layer, found)


def _feedforward(b: Builder, layer: Any, x: Value) -> Value:
    def network(inner: Value) -> Value:
        hidden = apply(b, layer._feedforward_intermediate_dense, inner)
        if layer._feedforward_gate_dense is not None:
            gate = apply(b, layer._feedforward_gate_dense, inner)
            hidden = b.emit("multiply", [hidden, gate], hidden.shape, hidden.time)
        found: Value = apply(b, layer._feedforward_output_dense, hidden)
        return found

    return _part(b, layer, x, layer._feedforward_layer_norm, network)


def _part(b: Builder, layer: Any, x: Value, norm: Any, part: Any) -> Value:
    """What a part finds, added to what it is given; normalized before or after."""
    x = x.with_mask(None)
    found = part(apply(b, norm, x) if layer.normalize_first else x)
    joined = b.emit("add", [x, found], x.shape, x.time)
    return joined if layer.normalize_first else apply(b, norm, joined)

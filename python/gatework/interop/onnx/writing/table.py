"""The closed table of layers that have an ONNX form, and how one of them is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .... import layers, tree
from ....layers.calling import shapes_for
from . import (
    activations,
    attention,
    bidirectional,
    convolution,
    core,
    merging,
    normalization,
    pooling,
    recurrent,
    reshaping,
    wrappers,
)
from .graph import Graph, Value

__all__ = ["TABLE", "convert", "is_known"]

TABLE: dict[type, Callable[..., Any]] = {
    layers.AdaptiveAveragePooling1D: pooling.adaptive_pool("ReduceMean"),
    layers.AdaptiveMaxPooling1D: pooling.adaptive_pool("ReduceMax"),
    layers.AveragePooling1D: pooling.pool("AveragePool"),
    layers.BatchNormalization: normalization.batch,
    layers.Conv1D: convolution.conv,
    layers.Conv1DTranspose: convolution.conv_transpose,
    layers.DepthwiseConv1D: convolution.depthwise_conv,
    layers.GlobalAveragePooling1D: pooling.global_average,
    layers.GlobalMaxPooling1D: pooling.global_max,
    layers.GroupNormalization: normalization.group,
    layers.LayerNormalization: normalization.layer_normalization,
    layers.MaxPooling1D: pooling.pool("MaxPool"),
    layers.RMSNormalization: normalization.rms,
    layers.SeparableConv1D: convolution.separable_conv,
    layers.UnitNormalization: normalization.unit,
    layers.Activation: core.activation,
    layers.ActivityRegularization: core.identity,
    layers.Add: merging.arithmetic("Add"),
    layers.AdditiveAttention: attention.attention,
    layers.Attention: attention.attention,
    layers.GroupedQueryAttention: attention.heads,
    layers.MultiHeadAttention: attention.heads,
    layers.PositionEmbedding: attention.position_embedding,
    layers.SinePositionEncoding: attention.sine_position_encoding,
    layers.TokenAndPositionEmbedding: attention.token_and_position_embedding,
    layers.TransformerDecoder: attention.decoder,
    layers.TransformerEncoder: attention.encoder,
    layers.AlphaDropout: core.identity,
    layers.Average: merging.average,
    layers.Bidirectional: bidirectional.bidirectional,
    layers.Concatenate: merging.concatenate,
    layers.Cropping1D: reshaping.cropping,
    layers.Dense: core.dense,
    layers.Dot: merging.dot,
    layers.Dropout: core.identity,
    layers.ELU: activations.elu,
    layers.EinsumDense: core.einsum_dense,
    layers.Embedding: core.embedding,
    layers.Flatten: reshaping.flatten,
    layers.GRU: recurrent.recurrent,
    layers.GaussianDropout: core.identity,
    layers.GaussianNoise: core.identity,
    layers.Identity: core.identity,
    layers.LSTM: recurrent.recurrent,
    layers.LeakyReLU: activations.leaky_relu,
    layers.Masking: core.masking,
    layers.Maximum: merging.extreme("Max"),
    layers.Minimum: merging.extreme("Min"),
    layers.Multiply: merging.multiply,
    layers.PReLU: activations.prelu,
    layers.Permute: reshaping.permute,
    layers.RNN: recurrent.recurrent,
    layers.ReLU: activations.relu,
    layers.RepeatVector: reshaping.repeat_vector,
    layers.Reshape: reshaping.reshape,
    layers.ReversibleEmbedding: core.reversible_embedding,
    layers.SimpleRNN: recurrent.recurrent,
    layers.Softmax: activations.softmax,
    layers.SpatialDropout1D: core.identity,
    layers.Subtract: merging.arithmetic("Sub"),
    layers.TimeDistributed: wrappers.time_distributed,
    layers.UpSampling1D: reshaping.up_sampling,
    layers.ZeroPadding1D: reshaping.zero_padding,
}


def is_known(layer: Any) -> bool:
    """Whether a layer has a converter. A subclass may compute something else: it has none."""
    return type(layer) in TABLE


def convert(graph: Graph, layer: Any, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """The outputs of a layer: a value or a list of them, with shapes and masks.

    Args:
        graph: where the nodes go.
        layer: a layer of the table, built.
        inputs: a value or a structure of values.
        kwargs: other arguments of the call.

    Raises:
        ValueError: for what the layer does and ONNX cannot; the message names the layer.
    """
    with graph.scope(layer.name):
        try:
            outputs = TABLE[type(layer)](graph, layer, inputs, **kwargs)
        except ValueError as error:
            named = f"{type(layer).__name__} '{layer.name}'"
            raise ValueError(f"{named} has no ONNX form: {error}") from error
    shapes = shapes_for(layer.compute_output_shape, type(layer), (inputs,), kwargs)
    found = layer.compute_output_shape(*shapes)
    several = bool(found) and isinstance(found[0], (list, tuple))
    given = tree.flatten(inputs)
    passes = layer.supports_masking and type(layer).compute_mask is layers.Layer.compute_mask
    results: list[Value] = []
    for value, shape in zip(
        outputs if several else [outputs], found if several else [found], strict=True
    ):
        mask = given[0].mask if passes and not results else value.mask
        dtype = value.dtype if value.name != given[0].name else given[0].dtype
        results.append(Value(graph, value.name, value.shape or tuple(shape), dtype, mask))
    return results if several else results[0]

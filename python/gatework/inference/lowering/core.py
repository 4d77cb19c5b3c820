"""Rules of the layers that look at each row by itself."""

from __future__ import annotations

from typing import Any

from ... import activations, ops
from ...layers import (
    ELU,
    Activation,
    ActivityRegularization,
    AlphaDropout,
    Dense,
    Dropout,
    Embedding,
    GaussianDropout,
    GaussianNoise,
    Identity,
    LeakyReLU,
    Masking,
    ReLU,
    ReversibleEmbedding,
    Softmax,
    SpatialDropout1D,
)
from ...ops.dense import FUSED_ACTIVATIONS
from .builder import Builder, weight
from .plan import Value
from .table import identity, rule

__all__ = ["activation", "embedded"]

rule(
    Identity,
    Dropout,
    SpatialDropout1D,
    AlphaDropout,
    GaussianDropout,
    GaussianNoise,
    ActivityRegularization,
)(identity)


def activation(b: Builder, function: Any, x: Value) -> Value:
    """An activation function of ``gatework.activations``."""
    name = getattr(function, "__name__", None)
    if name is None or activations.FUNCTIONS.get(name) is not function:
        return b.refuse(f"calls a function of Python, {name or function!r}")  # type: ignore[no-any-return]
    if name == "linear":
        return x
    if name == "softmax":
        return _softmax(b, x)
    if name not in FUSED_ACTIVATIONS:
        b.refuse(f"has the activation '{name}', which is not compiled")
    return b.emit("activation", [x], x.shape, x.time, activation=name)


def _softmax(b: Builder, x: Value) -> Value:
    return b.emit("softmax", [x], x.shape, x.time)


@rule(Embedding)
def embedded(b: Builder, layer: Any, ids: Value) -> Value:
    """The rows of an Embedding's table for ids, with the mask of id 0 if it makes one."""
    if ids.kind != "ids":
        b.refuse("must read ids from an input of the model, which no other layer reads")
    b.limit_ids(ids, layer.input_dim)
    shape = (*ids.shape, layer.output_dim)
    table = {"table": weight(layer.embeddings)}
    found = b.emit("embedding", [ids], shape, ids.time, weights=table)
    if not layer.mask_zero:
        return found.with_mask(ids.mask)
    return found.with_mask(b.emit("nonzero", [ids], ids.shape, ids.time, kind="mask"))


@rule(ReversibleEmbedding)
def _reversible(b: Builder, layer: Any, x: Value, reverse: bool = False) -> Value:
    if not reverse:
        found: Value = embedded(b, layer, x)
        return found if layer.mask_zero else found.with_mask(None)
    if x.kind != "floats":
        b.refuse("projects ids back, not vectors")
    tied = layer.tie_weights
    table = layer.embeddings if tied else layer.reverse_embeddings
    args = {"activation": "linear", "bf16": b.rounds(layer), "transposed": tied}
    weights = {"kernel": weight(table), "bias": None}
    shape = (*x.shape[:-1], layer.input_dim)
    found = b.emit("dense", [x], shape, x.time, weights=weights, **args)
    if layer.logit_soft_cap is not None:
        cap = b.constant(layer.logit_soft_cap)
        found = b.emit("divide", [found, cap], shape, x.time)
        found = b.emit("activation", [found], shape, x.time, activation="tanh")
        found = b.emit("multiply", [found, cap], shape, x.time)
    return found


@rule(Masking)
def _masking(b: Builder, layer: Any, x: Value) -> Value:
    outputs = [(x.shape, "floats", x.time), (x.shape[:-1], "mask", x.time)]
    found, mask = b.emit_many("masking", [x], outputs, {}, {"value": float(layer.mask_value)})
    return found.with_mask(mask)


@rule(Dense)
def _dense(b: Builder, layer: Any, x: Value) -> Value:
    weights = {"kernel": weight(layer.kernel), "bias": weight(layer.bias)}
    shape = (*x.shape[:-1], layer.units)
    args = {"activation": layer._fused, "bf16": b.rounds(layer)}
    found = b.emit("dense", [x], shape, x.time, weights=weights, **args)
    return found if layer._after is None else activation(b, layer._after, found)


@rule(Activation)
def _activation(b: Builder, layer: Any, x: Value) -> Value:
    return activation(b, layer.activation, x)


@rule(Softmax)
def _softmax_layer(b: Builder, layer: Any, x: Value) -> Value:
    if layer.axis not in (-1, [-1], len(x.shape) - 1, [len(x.shape) - 1]):
        b.refuse(f"is over axis {layer.axis}, not the last")
    if x.mask is not None:
        b.refuse("leaves out what a mask excludes")
    return _softmax(b, x)


@rule(ReLU)
def _relu(b: Builder, layer: Any, x: Value) -> Value:
    if layer.threshold != 0.0:
        b.refuse("has a threshold")
    found = _leaky(b, layer.negative_slope, x)
    if layer.max_value is None:
        return found
    return b.emit("minimum", [found, b.constant(layer.max_value)], x.shape, x.time)


@rule(LeakyReLU)
def _leaky_relu(b: Builder, layer: Any, x: Value) -> Value:
    if layer.negative_slope == 0.2:
        return activation(b, ops.leaky_relu, x)
    return _leaky(b, layer.negative_slope, x)


def _leaky(b: Builder, slope: float, x: Value) -> Value:
    """max(x, 0) + slope * min(x, 0)"""
    if slope == 0.0:
        return activation(b, ops.relu, x)
    zero = b.constant(0.0)
    above = b.emit("maximum", [x, zero], x.shape, x.time)
    below = b.emit("minimum", [x, zero], x.shape, x.time)
    tail = b.emit("multiply", [below, b.constant(slope)], x.shape, x.time)
    return b.emit("add", [above, tail], x.shape, x.time)


@rule(ELU)
def _elu(b: Builder, layer: Any, x: Value) -> Value:
    if layer.alpha != 1.0:
        b.refuse(f"has alpha {layer.alpha}, not 1")
    return activation(b, ops.elu, x)

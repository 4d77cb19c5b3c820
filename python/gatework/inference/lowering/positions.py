"""Rules of what tells positions: tables, waves and rotations."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...layers import (
    PositionEmbedding,
    RotaryEmbedding,
    SinePositionEncoding,
    TokenAndPositionEmbedding,
)
from .builder import Builder
from .core import embedded
from .plan import Value, Weight
from .table import rule


@rule(TokenAndPositionEmbedding)
def _tokens_and_positions(b: Builder, layer: Any, ids: Value) -> Value:
    if ids.kind != "ids" or len(ids.shape) != 2:
        b.refuse("must read ids (batch, time) from an input of the model")
    tokens = layer.token_embedding
    found = embedded(b, tokens, ids)
    mask = found.mask if tokens.mask_zero else ids.mask
    table = {"table": Weight(layer.position_embedding.position_embeddings)}
    return b.emit("position", [found], found.shape, ids.time, weights=table, added=True).with_mask(
        mask
    )


@rule(PositionEmbedding)
def _positions(b: Builder, layer: Any, x: Value) -> Value:
    _check_axes(b, x)
    table = {"table": Weight(layer.position_embeddings)}
    return b.emit("position", [x], x.shape, x.time, weights=table, added=False)


@rule(SinePositionEncoding)
def _waves(b: Builder, layer: Any, x: Value) -> Value:
    _check_axes(b, x)
    features = int(x.shape[-1] or 0)
    b.inexact("computes its waves by another library than NumPy")
    slowing = float(layer.max_wavelength) ** -(np.arange(features) // 2 * 2 / features)
    return b.emit("wave", [x], x.shape, x.time, frequencies=slowing.tolist())


@rule(RotaryEmbedding)
def _rotary(b: Builder, layer: Any, x: Value) -> Value:
    axes, features = len(x.shape), int(x.shape[-1] or 0)
    if axes < 3 or layer.sequence_axis % axes != 1 or layer.feature_axis % axes != axes - 1:
        b.refuse("turns along other axes than the second and the last")
    if features % 2:
        b.refuse(f"turns {features} features, an odd number")
    b.inexact("computes its angles by another library than NumPy")
    factor = 0.1 * math.log(layer.scaling_factor) + 1.0 if layer.rope_type == "yarn" else 1.0
    frequencies = [float(one) for one in layer._frequencies(features)]
    return b.emit("rotary", [x], x.shape, x.time, frequencies=frequencies, factor=factor)


def _check_axes(b: Builder, x: Value) -> None:
    if len(x.shape) != 3:
        b.refuse("reads inputs of other than three axes")

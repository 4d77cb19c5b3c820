"""Rules of layers around a layer."""

from __future__ import annotations

from typing import Any

from ...layers import (
    ELU,
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Identity,
    LayerNormalization,
    LeakyReLU,
    ReLU,
    RMSNormalization,
    Softmax,
    TimeDistributed,
)
from .builder import Builder
from .model import apply
from .plan import Value
from .table import rule

# Layers whose rules look at the last axis alone: steps are rows to them like any other.
_ROW_BY_ROW = (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    ELU,
    Identity,
    LayerNormalization,
    LeakyReLU,
    ReLU,
    RMSNormalization,
    Softmax,
)


@rule(TimeDistributed)
def _time_distributed(b: Builder, layer: Any, x: Value) -> Value:
    if type(layer.layer) not in _ROW_BY_ROW:
        b.refuse(f"holds a layer that reads more than rows, {type(layer.layer).__name__}")
    if isinstance(layer.layer, Softmax) and x.mask is not None:
        b.refuse("leaves out what a mask excludes")
    step = x.with_shape((x.shape[0], *x.shape[2:]))
    found: Value = apply(b, layer.layer, step)
    shape = (found.shape[0], x.shape[1], *found.shape[1:])
    return found.with_shape(shape).with_mask(x.mask)

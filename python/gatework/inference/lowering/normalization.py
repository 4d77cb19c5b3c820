"""Rules of the normalizations."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd import Array
from ...layers import BatchNormalization, LayerNormalization, RMSNormalization
from ...ops.normalization import EPSILON
from .builder import Builder, weight
from .plan import Value, Weight
from .table import rule


def _check_axis(b: Builder, axes: Any, x: Value) -> None:
    axes = [axes] if isinstance(axes, int) else list(axes)
    if len(axes) != 1 or axes[0] % len(x.shape) != len(x.shape) - 1:
        b.refuse(f"is over axis {axes}, not the last")


def _rows(b: Builder, layer: Any, x: Value, gamma: Any, beta: Any, centered: bool) -> Value:
    _check_axis(b, layer.axis, x)
    return b.emit(
        "row_norm",
        [x],
        x.shape,
        x.time,
        weights={"gamma": weight(gamma), "beta": weight(beta)},
        columns=x.shape[-1],
        epsilon=float(EPSILON if layer.epsilon is None else layer.epsilon),
        centered=centered,
    )


@rule(LayerNormalization)
def _layer(b: Builder, layer: Any, x: Value) -> Value:
    if layer.rms_scaling:
        b.refuse("has rms_scaling")
    return _rows(b, layer, x, layer.gamma, layer.beta, True)


@rule(RMSNormalization)
def _rms(b: Builder, layer: Any, x: Value) -> Value:
    return _rows(b, layer, x, layer.scale, None, False)


@rule(BatchNormalization)
def _batch(b: Builder, layer: Any, x: Value) -> Value:
    _check_axis(b, layer.axis, x)
    scales = [layer.moving_variance, *([] if layer.gamma is None else [layer.gamma])]
    factor = _factor if len(scales) == 2 else _factor_alone
    weights = {
        "mean": Weight(layer.moving_mean),
        "factor": Weight(*scales, make=factor, options=(layer.epsilon,)),
        "shift": Weight(layer.moving_mean, make=np.zeros_like)
        if layer.beta is None
        else Weight(layer.beta),
    }
    return b.emit("column_norm", [x], x.shape, x.time, weights=weights)


def _factor_alone(variance: Array, epsilon: float) -> Array:
    found: Array = np.float32(1) / np.sqrt(variance + np.float32(epsilon))
    return found


def _factor(variance: Array, gamma: Array, epsilon: float) -> Array:
    return _factor_alone(variance, epsilon) * gamma

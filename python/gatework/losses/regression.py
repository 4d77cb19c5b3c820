"""Losses between real numbers: functions of `(y_true, y_pred)` that average over the last axis.

Every function takes tensors or arrays of one shape `(batch, ..., features)` (a missing trailing
axis of length 1 is added) and returns losses of shape `(batch, ...)`.
"""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..autograd import Tensor, as_tensor
from .reduction import match_ranks

EPSILON = 1e-7


def float_pair(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Returns both as float32 tensors of the same rank."""
    return match_ranks(as_tensor(y_true, "float32"), as_tensor(y_pred, "float32"))


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean((y_true - y_pred)^2)"""
    y_true, y_pred = float_pair(y_true, y_pred)
    return ops.mean(ops.square(ops.subtract(y_pred, y_true)), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean(|y_true - y_pred|)"""
    y_true, y_pred = float_pair(y_true, y_pred)
    return ops.mean(ops.abs(ops.subtract(y_pred, y_true)), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """100 mean(|y_true - y_pred| / max(|y_true|, 1e-7))"""
    y_true, y_pred = float_pair(y_true, y_pred)
    scale = ops.maximum(ops.abs(y_true), EPSILON)
    return ops.mean(ops.abs((y_true - y_pred) / scale), axis=-1) * 100.0


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean((log(1 + y_true) - log(1 + y_pred))^2), both raised to at least 1e-7"""
    y_true, y_pred = float_pair(y_true, y_pred)
    log_pred = ops.log(ops.maximum(y_pred, EPSILON) + 1.0)
    log_true = ops.log(ops.maximum(y_true, EPSILON) + 1.0)
    return ops.mean(ops.square(log_pred - log_true), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Mean of e^2/2 where |e| <= delta, else of delta |e| - delta^2/2 (Huber 1964)."""
    y_true, y_pred = float_pair(y_true, y_pred)
    error = ops.abs(y_pred - y_true)
    quadratic = ops.minimum(error, delta)
    # With q = min(|e|, delta) both branches read q^2/2 + delta (|e| - q).
    return ops.mean(ops.square(quadratic) * 0.5 + (error - quadratic) * delta, axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """mean(log(cosh(y_pred - y_true))), as e + softplus(-2e) - log 2, which does not overflow."""
    y_true, y_pred = float_pair(y_true, y_pred)
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(error * -2.0) - math.log(2.0), axis=-1)


def unit_vectors(x: Tensor, axis: int) -> Tensor:
    """`x` over its Euclidean norm along `axis`, the norm raised to 1e-7: zero vectors stay zero."""
    squared = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x / ops.sqrt(ops.maximum(squared, EPSILON * EPSILON))


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle between the vectors along `axis`: -1 for equal directions."""
    y_true, y_pred = float_pair(y_true, y_pred)
    product = unit_vectors(y_true, axis) * unit_vectors(y_pred, axis)
    return -ops.sum(product, axis=axis)

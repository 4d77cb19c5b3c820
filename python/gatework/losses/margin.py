"""The hinge family: margins instead of probabilities.

`hinge` and `squared_hinge` take labels -1 and 1 (0 and 1 are converted), `categorical_hinge` takes
one-hot labels. Shapes are `(batch, ..., features)` in and `(batch, ...)` out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor, as_tensor
from .regression import float_pair


def _signed_labels(y_true: Tensor) -> Tensor:
    values = y_true.numpy()
    if np.isin(values, (0.0, 1.0)).all():
        return as_tensor(2.0 * values - 1.0, "float32")
    return y_true


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(max(1 - y_true y_pred, 0))"""
    y_true, y_pred = float_pair(y_true, y_pred)
    return ops.mean(ops.maximum(1.0 - _signed_labels(y_true) * y_pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean(max(1 - y_true y_pred, 0)^2)"""
    y_true, y_pred = float_pair(y_true, y_pred)
    margin = ops.maximum(1.0 - _signed_labels(y_true) * y_pred, 0.0)
    return ops.mean(ops.square(margin), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(1 + max((1 - y_true) y_pred) - sum(y_true y_pred), 0)"""
    y_true, y_pred = float_pair(y_true, y_pred)
    positive = ops.sum(y_true * y_pred, axis=-1)
    negative = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(negative - positive + 1.0, 0.0)

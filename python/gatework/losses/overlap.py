"""How much two sets overlap: the losses of segmentation, also of parts of a sequence.

`axis` names the axes of one set; all of them, the batch among them, when None. The rest of the
shape is that of the losses.
"""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from .base import LossFunctionWrapper
from .regression import EPSILON, float_pair


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Tensor:
    """1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + 1e-7)"""
    y_true, y_pred = float_pair(y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    total = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis) + EPSILON
    return 1.0 - 2.0 * both / total


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None
) -> Tensor:
    """1 - both / (both + alpha sum(y_true (1 - y_pred)) + beta sum(y_pred (1 - y_true)) + 1e-7),

    both = sum(y_true y_pred) (Salehi et al. 2017). As in Keras `alpha` weighs what was missed.
    """
    y_true, y_pred = float_pair(y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum(y_true * (1.0 - y_pred), axis=axis)
    wrong = ops.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - both / (both + alpha * missed + beta * wrong + EPSILON)


class Dice(LossFunctionWrapper):
    """1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred)) over `axis`, all axes when None."""

    _arguments = ("axis",)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "dice",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """Dice with weights: `alpha` of what was missed, `beta` of what was wrong."""

    _arguments = ("alpha", "beta", "axis")

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "tversky",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)

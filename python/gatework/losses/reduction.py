"""From per-sample losses to one number: masks, sample weights and the reductions of Keras 3.

A mask enters as weights: with a mean over the batch the kept entries weigh `total / kept`, so the
mean over all entries equals the mean over the kept ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import ops
from ..autograd import Tensor, as_array, as_tensor

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)

FloatArray = npt.NDArray[np.float32]


def check_reduction(reduction: str | None) -> str | None:
    """Returns `reduction` when it is one of `REDUCTIONS`, else raises ValueError."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}, not {reduction!r}")
    return reduction


def match_ranks(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Removes a difference of one trailing axis of length 1 between labels and predictions.

    `(batch,)` labels meet `(batch, 1)` predictions as `(batch, 1)`, never as `(batch, batch)`.
    The predictions are left alone where possible: they may carry a mask and logits.
    """
    true_rank, pred_rank = y_true.ndim, y_pred.ndim
    if true_rank == pred_rank:
        return y_true, y_pred
    if pred_rank == true_rank + 1 and y_pred.shape[-1] == 1:
        return _reshape(y_true, (*y_true.shape, 1)), y_pred
    if true_rank == pred_rank + 1 and y_true.shape[-1] == 1:
        if pred_rank == 1:
            return y_true, _reshape(y_pred, (*y_pred.shape, 1))
        return _reshape(y_true, tuple(y_true.shape[:-1])), y_pred
    return y_true, y_pred


def _reshape(value: Any, shape: tuple[int, ...]) -> Any:
    return ops.reshape(value, shape) if isinstance(value, Tensor) else value.reshape(shape)


def fit_weight(weight: FloatArray, rank: int) -> FloatArray:
    """Gives weights per sample (or per step) the rank of the values that they multiply."""
    if weight.ndim == rank + 1 and weight.shape[-1] == 1:
        return weight.reshape(weight.shape[:-1])
    if 0 < weight.ndim < rank:
        return weight.reshape(weight.shape + (1,) * (rank - weight.ndim))
    return weight


def merge_mask(
    sample_weight: FloatArray | None, mask: Any, reduction: str | None
) -> FloatArray | None:
    """Folds `mask` into `sample_weight`; None when there is neither."""
    if mask is None:
        return sample_weight
    kept = as_array(mask).astype(bool)
    scale = 1.0
    if reduction in ("mean", "sum_over_batch_size"):
        valid = int(np.count_nonzero(kept))
        scale = kept.size / valid if valid else 0.0
    mask_weight: FloatArray = np.where(kept, np.float32(scale), np.float32(0.0))
    if sample_weight is None:
        return mask_weight
    sample_weight = fit_weight(sample_weight, mask_weight.ndim)
    return sample_weight * fit_weight(mask_weight, sample_weight.ndim)


def reduce_weighted(
    values: Any, sample_weight: Any = None, mask: Any = None, reduction: str | None = "mean"
) -> Tensor:
    """Weights `values` and reduces them.

    Args:
        values: losses, shape `(batch, ...)`.
        sample_weight: scalar, `(batch,)` or the shape of `values`.
        mask: bool, `(batch,)` or the shape of `values`; masked entries count for nothing.
        reduction: one of `REDUCTIONS`.

    Returns:
        A scalar tensor, or the weighted values when `reduction` is None or "none".

    Raises:
        ValueError: when the weights cannot multiply the values.
    """
    losses = as_tensor(values)
    weight = None if sample_weight is None else as_array(sample_weight, "float32")
    if mask is not None:
        weight = merge_mask(weight, mask, reduction)
    if weight is not None:
        weight = fit_weight(weight, losses.ndim)
        check_weight(weight, losses.shape)
        losses = losses * weight
    if reduction in (None, "none") or losses.shape in ((), (0,)):
        return losses
    if reduction == "sum":
        return ops.sum(losses)
    if reduction != "mean_with_sample_weight" or weight is None:
        return ops.mean(losses)
    divisor = float(weight.sum())
    return ops.sum(losses) / divisor if divisor else ops.sum(losses) * 0.0


def check_weight(weight: FloatArray, shape: tuple[int, ...]) -> None:
    """Raises ValueError unless `weight` broadcasts to `shape`; scalar values take any weight."""
    if shape == () or weight.shape == shape:
        return
    if weight.ndim > len(shape) or any(
        have not in (1, want) for have, want in zip(weight.shape[::-1], shape[::-1], strict=False)
    ):
        raise ValueError(
            f"sample_weight (or the mask) must have a shape that fits losses of shape {shape}, "
            f"not {weight.shape}"
        )

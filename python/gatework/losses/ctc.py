"""Connectionist temporal classification: labels without their places in time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor, as_array, as_tensor
from .base import LossFunctionWrapper
from .probabilistic import class_indices

BLANK = 0


def ctc(y_true: Any, y_pred: Any) -> Tensor:
    """-log of the probability that the steps of a row read as its labels (Graves et al. 2006).

    A step says a class or, with class 0, nothing; repeats without a blank between are one label.
    Steps that a mask on the predictions leaves out do not count, wherever they are.

    Args:
        y_true: class indices, shape `(batch, labels)`; 0 fills the end of rows with fewer labels.
        y_pred: logits, shape `(batch, time, classes)`.

    Returns:
        Losses, shape `(batch,)`.

    Raises:
        ValueError: a row has too few steps for its labels, or a label is out of range or 0 before
            the last label of its row.
    """
    y_pred = as_tensor(y_pred, "float32")
    labels = class_indices(y_true).numpy()
    if labels.ndim != 2:
        raise ValueError(f"y_true must have shape (batch, labels), not {labels.shape}")
    if y_pred.ndim != 3:
        raise ValueError(f"y_pred must have shape (batch, time, classes), not {y_pred.shape}")
    mask = y_pred._keras_mask
    frames = np.full(y_pred.shape[0], y_pred.shape[1])
    if mask is not None:
        kept = as_array(mask).astype(bool)
        frames = kept.sum(axis=1)
        if not np.array_equal(kept, np.arange(kept.shape[1]) < frames[:, None]):
            order = np.argsort(~kept, axis=1, kind="stable")
            y_pred = y_pred[np.arange(len(order))[:, None], order]
    return ops.ctc_loss(labels, y_pred, (labels != BLANK).sum(axis=1), frames, BLANK)


ctc.integer_labels = True  # type: ignore[attr-defined]
ctc.masks_itself = True  # type: ignore[attr-defined]


class CTC(LossFunctionWrapper):
    """-log of the probability that the steps `(batch, time, classes)` read as the labels.

    Labels are `(batch, labels)`, filled with 0 at the end; class 0 is the blank.
    """

    _arguments = ()

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ctc",
        dtype: Any = None,
    ) -> None:
        super().__init__(ctc, reduction, name, dtype)

"""Circle loss (Sun et al. 2020): like labels together, unlike labels apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..autograd import Tensor, as_tensor
from .base import LossFunctionWrapper
from .probabilistic import class_indices


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """softplus(logsumexp over like pairs + logsumexp over unlike pairs) for each embedding.

    With d = max(1 - cosine, 0) a like pair counts gamma (margin + d) (d - margin), an unlike one
    gamma max(1 + margin - d, 0) (1 - margin - d).

    Args:
        y_true: class indices, shape `(batch,)` or `(batch, 1)`.
        y_pred: embeddings of length 1, shape `(batch, features)`.
        ref_labels: labels of the references; `y_true` when None.
        ref_embeddings: what to compare with, shape `(references, features)`; `y_pred` when None.
        remove_diagonal: whether an embedding is not compared with the reference of its own place.
        gamma: steepness.
        margin: how far like pairs may be apart.

    Returns:
        Losses, shape `(batch,)`; those without a like or an unlike pair are 0 and count for
        nothing in a mean.
    """
    y_pred = as_tensor(y_pred, "float32")
    labels = class_indices(y_true).numpy().reshape(-1)
    others = labels if ref_labels is None else class_indices(ref_labels).numpy().reshape(-1)
    references = y_pred if ref_embeddings is None else as_tensor(ref_embeddings, "float32")
    alike = labels[:, None] == others
    unlike = ~alike
    if remove_diagonal:
        alike = alike & (np.eye(*alike.shape) == 0)
    d = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(references)), 0.0)
    near = gamma * (margin + d) * (d - margin)
    far = gamma * ops.maximum(1.0 + margin - d, 0.0) * (1.0 - margin - d)
    paired = alike.any(axis=1) & unlike.any(axis=1)
    # Rows without a pair are given one that the result does not hold.
    lone = ~paired[:, None]
    together = ops.logsumexp(ops.where(alike | lone, near, -np.inf), axis=1)
    apart = ops.logsumexp(ops.where(unlike | lone, far, -np.inf), axis=1)
    losses: Tensor = ops.where(paired, ops.softplus(together + apart), 0.0)
    losses._keras_mask = losses.numpy() > 0
    return losses


circle.integer_labels = True  # type: ignore[attr-defined]


class Circle(LossFunctionWrapper):
    """Circle loss of embeddings of length 1 and class indices; `gamma` steep, `margin` apart."""

    _arguments = ("gamma", "margin", "remove_diagonal")

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )

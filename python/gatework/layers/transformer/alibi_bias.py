"""Positions as a slope of the scores."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import ops
from ...autograd import Tensor, as_tensor
from ..arguments import positive_number
from ..base import Layer
from .keras_hub import of_keras_hub

__all__ = ["AlibiBias"]


@of_keras_hub
class AlibiBias(Layer):
    """Takes from the scores of attention what grows with the distance to the last key, faster in
    some heads than in others (Press et al. 2022). Name and arguments are those of KerasHub.

    Called with (batch, heads, time, keys), before the softmax; returns the same shape. The slopes
    of the heads fall from 2^(-max/heads) by that factor; between powers of two, heads are filled
    up from the slopes of twice as many. ``ops.dot_product_attention`` has the same as
    ``alibi_slopes``, without all scores in memory.

    Args:
        alibi_bias_max: the last head falls by 2^-alibi_bias_max per step.

    Raises:
        ValueError: if it is no positive number, or the scores have another number of axes.
    """

    def __init__(self, alibi_bias_max: float = 8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alibi_bias_max = positive_number("alibi_bias_max", alibi_bias_max)
        self.built = True

    def call(self, attention_scores: Any) -> Tensor:
        scores = as_tensor(attention_scores)
        if scores.ndim != 4:
            raise ValueError(
                f"attention_scores of {self.name} must have shape (batch, heads, time, keys), "
                f"not {scores.shape}"
            )
        slopes = np.array(self._slopes(scores.shape[1]))
        ahead = np.arange(1 - scores.shape[3], 1)
        bias = (slopes[:, None, None] * ahead).astype(np.float32)
        return ops.add(scores, bias)

    def _slopes(self, heads: int) -> list[float]:
        if heads < 1:
            return []
        whole = 2 ** int(math.log2(heads))
        factor = 2.0 ** (-self.alibi_bias_max / whole)
        slopes = [factor ** (i + 1) for i in range(whole)]
        return slopes if whole == heads else slopes + self._slopes(2 * whole)[::2][: heads - whole]

    def compute_output_shape(self, attention_scores_shape: Any) -> Any:
        return tuple(attention_scores_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alibi_bias_max": self.alibi_bias_max}

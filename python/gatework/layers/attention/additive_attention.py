"""Attention by a sum in place of a product."""

from __future__ import annotations

from typing import Any

from ... import ops
from ...autograd import Tensor
from ..merging.base import check_list
from .attention import Attention

__all__ = ["AdditiveAttention"]


class AdditiveAttention(Attention):
    """softmax(Σ scale * tanh(query + key))·value (Bahdanau et al. 2015).

    It is called as ``Attention`` is; queries and keys have the same size.

    Args:
        use_scale: the features are weighted by a vector that is learned, not all by one.
        dropout: the share of scores dropped in training, in [0, 1].
        seed: seed of the dropout.

    Raises:
        ValueError: for another share, or if the inputs are no list of two or three.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        query, *_ = check_list(self.name, input_shape, 2, 3)
        if self.use_scale:
            self.scale = self.add_weight(
                shape=(query[-1],), name="scale", initializer="glorot_uniform"
            )
        self.built = True

    @property
    def _is_product(self) -> bool:
        return False

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        likeness = ops.tanh(ops.add(ops.expand_dims(query, -2), ops.expand_dims(key, -3)))
        if self.scale is not None:
            return ops.matmul(likeness, self.scale)
        return ops.sum(likeness, axis=-1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config

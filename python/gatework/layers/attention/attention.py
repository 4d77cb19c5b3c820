"""Attention without projections."""

from __future__ import annotations

from typing import Any

from ... import ops, random
from ...autograd import Array, Tensor, Variable, as_tensor
from ..arguments import share_of
from ..base import Layer
from ..calling import given_to
from ..merging.base import check_list
from ..stepping import Steady, not_stepwise
from ..symbolic import KerasTensor
from .attend import attend, masked_softmax
from .masks import both, causal_mask, step_mask

__all__ = ["Attention"]


class Attention(Layer):
    """softmax(query·keyᵀ)·value: sums of values by the likeness of query and key (Luong et al.
    2015).

    Called with a list: queries (..., time, size), values (..., keys, value size) and, unless they
    are the values, keys (..., keys, size). Returns (..., time, value size).

    Further arguments of the call: ``mask``, a list of the masks (..., time) of the queries, where
    outputs are zeros, and (..., keys) of the values, by default those that the inputs carry;
    ``use_causal_mask``: not to later steps; ``return_attention_scores``: also returns
    (..., time, keys). A query with nothing to attend to gives zeros.

    Args:
        use_scale: the scores are multiplied by a number that is learned.
        score_mode: "dot", or "concat": a learned number times the sum of tanh(query + key).
        dropout: the share of scores dropped in training, in [0, 1].
        seed: seed of the dropout.

    Raises:
        ValueError: for another ``score_mode`` or share, or if the inputs are no list of two or
            three.
    """

    _mixing = "it attends to all steps"

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(f"score_mode must be 'dot' or 'concat', not {score_mode!r}")
        self.use_scale = bool(use_scale)
        self.score_mode = score_mode
        self.dropout = share_of("dropout", dropout)
        self.seed = seed
        self.scale: Variable | None = None
        self.concat_score_weight: Variable | None = None
        if self.dropout > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        check_list(self.name, input_shape, 2, 3)
        if self.use_scale:
            self.scale = self.add_weight(shape=(), name="scale", initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                shape=(), name="concat_score_weight", initializer="ones"
            )
        self.built = True

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        query, value, *rest = (as_tensor(x) for x in check_list(self.name, inputs, 2, 3))
        key = rest[0] if rest else value
        masks = list(mask) if mask is not None else [None, None]
        if len(masks) not in (2, 3):
            raise ValueError(f"mask of {self.name} must be a list of 2 or 3, not {len(masks)}")
        query_mask = step_mask("mask[0]", masks[0], query.shape[:-1])
        value_mask = step_mask("mask[1]", masks[1], value.shape[:-1])
        drops = training and self.dropout > 0
        dropout = self.dropout if drops else 0.0
        seed = self.seed_generator.next() if drops else None
        if self._is_product and query.ndim == 3 and not return_attention_scores:
            outputs = self._product(
                query, key, value, query_mask, value_mask, use_causal_mask, dropout, seed
            )
            return outputs
        kept = None if value_mask is None else value_mask[..., None, :]
        if use_causal_mask:
            kept = both(kept, causal_mask(query.shape[-2], key.shape[-2])[0, 0])
        scores = masked_softmax(self._scores(query, key), kept)
        weights = scores
        if dropout == 1:  # which no scaling makes up for
            weights = ops.multiply(scores, 0.0)
        elif drops:
            weights = ops.dropout(scores, dropout, seed=seed)
        outputs = ops.matmul(weights, value)
        if query_mask is not None:
            outputs = ops.where(query_mask[..., None], outputs, 0.0)
        return (outputs, scores) if return_attention_scores else outputs

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        """Attention to what is steady, such as an encoder's outputs."""
        options = [*args, *kwargs.values()]
        if all(isinstance(one, Steady) for one in inputs[1:]) and not any(options):
            return self(inputs), cache
        raise not_stepwise(self, self._mixing)

    @property
    def _is_product(self) -> bool:
        """Whether scores are products, which need not all be in memory."""
        return self.score_mode == "dot"

    def _product(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        query_mask: Array | None,
        value_mask: Array | None,
        is_causal: bool,
        dropout: float,
        seed: int | None,
    ) -> Tensor:
        """Attention of one head."""
        scaled = query if self.scale is None else ops.multiply(query, self.scale)
        found = attend(
            ops.expand_dims(scaled, 2),
            ops.expand_dims(key, 2),
            ops.expand_dims(value, 2),
            mask=None if value_mask is None else value_mask[:, None, None, :],
            query_mask=query_mask,
            scale=1.0,
            is_causal=is_causal,
            dropout=dropout,
            seed=seed,
        )
        return ops.squeeze(found.outputs, 2)

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        """(..., time, keys), before the softmax."""
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if self.scale is None else ops.multiply(scores, self.scale)
        joined = ops.add(ops.expand_dims(query, -2), ops.expand_dims(key, -3))
        if self.scale is not None:
            joined = ops.multiply(joined, self.scale)
        return ops.multiply(ops.sum(ops.tanh(joined), axis=-1), self.concat_score_weight)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None if mask is None else mask[0]  # that of the queries

    def compute_output_shape(self, input_shape: Any) -> Any:
        query, value, *_ = check_list(self.name, input_shape, 2, 3)
        return (*query[:-1], value[-1])

    def _symbolic_outputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outputs = super()._symbolic_outputs(args, kwargs)
        if not given_to(type(self), args, kwargs).get("return_attention_scores"):
            return outputs
        query, value = args[0][0].shape, args[0][1].shape
        return outputs, KerasTensor((*query[:-1], value[-2]), "float32", self.name)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }

"""Attention whose heads share keys and values in groups."""

from __future__ import annotations

from typing import Any

from ..arguments import positive_int
from .projected import ProjectedAttention

__all__ = ["GroupedQueryAttention"]


class GroupedQueryAttention(ProjectedAttention):
    """Attention of several heads of which neighbours share keys and values (Ainslie et al. 2023).

    With one head of keys and values it is multi-query attention, with as many as of queries
    ``MultiHeadAttention``. It is called as that layer is. Keras exports it as
    ``GroupQueryAttention``.

    Args:
        head_dim: size of each head.
        num_query_heads: number of heads of queries.
        num_key_value_heads: number of heads of keys and values, a divisor of the former.
        dropout: the share of scores dropped in training, in [0, 1].
        use_bias: whether the projections have biases.
        sliding_window: only keys less than this many steps away are attended to (Beltagy et al.
            2020).
        flash_attention: scores are never all in memory unless they are returned, whatever is
            given; True only forbids to return them.
        kernel_initializer, bias_initializer: of the projections.
        kernel_regularizer, bias_regularizer, activity_regularizer: of the projections.
        kernel_constraint, bias_constraint: of the projections.
        use_gate: what the heads found is multiplied by a sigmoid of a projection of the query (Qiu
            et al. 2025).
        seed: seed of the dropout.

    Raises:
        ValueError: if a size is no positive integer or does not divide, a share is not in [0, 1],
            or a shape does not fit; the message names it.
    """

    _keras_name = "GroupQueryAttention"

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            use_gate,
            seed,
            **kwargs,
        )
        self.head_dim = positive_int("head_dim", head_dim)
        self.num_query_heads = positive_int("num_query_heads", num_query_heads)
        self.num_key_value_heads = positive_int("num_key_value_heads", num_key_value_heads)
        if self.num_query_heads % self.num_key_value_heads:
            raise ValueError(
                f"num_key_value_heads must divide num_query_heads, {num_query_heads}, "
                f"not be {num_key_value_heads}"
            )

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        for name, shape in (("query", query_shape), ("value", value_shape), ("key", key_shape)):
            if len(shape) != 3:
                raise ValueError(
                    f"{name} of {self.name} must have shape (batch, time, features), "
                    f"not {tuple(shape)}"
                )
        queries, shared = (
            (heads, self.head_dim) for heads in (self.num_query_heads, self.num_key_value_heads)
        )
        self._query_dense = self._projection("query", query_shape, queries)
        self._key_dense = self._projection("key", key_shape, shared)
        self._gate_dense = None
        if self.use_gate:
            self._gate_dense = self._projection("gate", query_shape, queries, activation="sigmoid")
        self._value_dense = self._projection("value", value_shape, shared)
        self._output_dense = self._projection(
            "attention_output", (*query_shape[:-1], *queries), (query_shape[-1],), summed=2
        )
        self.built = True

    def _scores_shape(self, query_shape: Any, key_shape: Any) -> tuple[int | None, ...]:
        return (query_shape[0], self.num_query_heads, query_shape[1], key_shape[1])

    def compute_output_shape(  # type: ignore[override]
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> Any:
        self._check_keys(value_shape, value_shape if key_shape is None else key_shape)
        return tuple(query_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
        }

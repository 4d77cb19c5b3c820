"""Attention of several heads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import ops
from ...autograd import Array, Tensor
from ..arguments import axes_of, positive_int, sizes_of
from .attend import Attended
from .masks import attention_mask_of
from .projected import ProjectedAttention

__all__ = ["MultiHeadAttention"]


class MultiHeadAttention(ProjectedAttention):
    """Heads that attend each in their own projection of the inputs (Vaswani et al. 2017).

    Called as ``layer(query, value, key=None)`` with (batch, time, features) and twice (batch, keys,
    features); the keys are the values unless given. Returns (batch, time, features of the query).

    Further arguments of the call: ``query_mask``, ``value_mask``, ``key_mask`` (batch, time), by
    default those that the inputs carry; ``attention_mask`` (batch, time, keys), or with an axis of
    heads behind the batch's, true where a query may attend to a key; ``use_causal_mask``: not to
    later steps; ``return_attention_scores``: also returns (batch, heads, time, keys), which are
    then computed one by one and kept in memory. A query with nothing to attend to, or that is
    masked itself, takes zeros into the last projection.

    Args:
        num_heads: number of heads.
        key_dim: size of each head of queries and keys.
        value_dim: size of each head of values; ``key_dim`` by default.
        dropout: the share of scores dropped in training, in [0, 1].
        use_bias: whether the projections have biases.
        output_shape: size, or sizes, of the outputs; the features of the query by default.
        attention_axes: axes of the inputs that are attended over; all but the batch axis and the
            last by default.
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
        ValueError: if a size is no positive integer, a share is not in [0, 1], or a shape does not
            fit; the message names it.
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
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
        self.num_heads = positive_int("num_heads", num_heads)
        self.key_dim = positive_int("key_dim", key_dim)
        self.value_dim = self.key_dim
        if value_dim is not None:
            self.value_dim = positive_int("value_dim", value_dim)
        self._output_shape: tuple[int, ...] | None = None
        if output_shape is not None:
            sizes = output_shape if isinstance(output_shape, list | tuple) else (output_shape,)
            self._output_shape = sizes_of("output_shape", tuple(sizes), len(sizes))
        self.attention_axes: tuple[int, ...] | None = None
        if attention_axes is not None:
            axes = axes_of(attention_axes)
            self.attention_axes = (axes,) if isinstance(axes, int) else tuple(axes)

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self._check_keys(value_shape, key_shape)
        if len(query_shape) < 3 or len(query_shape) != len(value_shape):
            raise ValueError(
                f"value of {self.name} must have as many axes as query, at least 3, "
                f"not shape {tuple(value_shape)} beside {tuple(query_shape)}"
            )
        self.attention_axes = self._axes(len(query_shape))
        heads = self.num_heads
        self.query_dense = self._projection("query", query_shape, (heads, self.key_dim))
        self.key_dense = self._projection("key", key_shape, (heads, self.key_dim))
        self._gate_dense = None
        if self.use_gate:
            units = (heads, self.value_dim)
            self._gate_dense = self._projection("gate", query_shape, units, activation="sigmoid")
        self.value_dense = self._projection("value", value_shape, (heads, self.value_dim))
        self.output_dense = self._projection(
            "attention_output",
            (*query_shape[:-1], heads, self.value_dim),
            self._output_shape or (query_shape[-1],),
            summed=2,
        )
        self.built = True

    # Under these names files hold the projections; the other layers have theirs with underscores.
    @property
    def _query_dense(self) -> Any:
        return self.query_dense

    @property
    def _key_dense(self) -> Any:
        return self.key_dense

    @property
    def _value_dense(self) -> Any:
        return self.value_dense

    @property
    def _output_dense(self) -> Any:
        return self.output_dense

    def _axes(self, ndim: int) -> tuple[int, ...]:
        """The axes attended over, counted from the first."""
        if self.attention_axes is None:
            return tuple(range(1, ndim - 1))
        axes = tuple(axis + ndim if axis < 0 else axis for axis in self.attention_axes)
        if len(set(axes)) != len(axes) or not all(0 < axis < ndim - 1 for axis in axes):
            raise ValueError(
                f"attention_axes must be different axes between the first and the last of {ndim}, "
                f"not {self.attention_axes}"
            )
        return axes

    def _attend(  # type: ignore[override]  # the options go on as they are
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        query_mask: Array | None = None,
        key_mask: Array | None = None,
        attention_mask: Any = None,
        **options: Any,
    ) -> Attended:
        if query.ndim == 4:
            return super()._attend(
                query, key, value, query_mask, key_mask, attention_mask, **options
            )
        axes = self._axes(query.ndim - 1)
        others = [a for a in range(query.ndim - 2) if a not in axes]
        if any(query.shape[a] != key.shape[a] for a in others):
            raise ValueError(
                f"value of {self.name} must have the sizes of query along the axes that are not "
                f"attended over, not shape {key.shape[:-2]} beside {query.shape[:-2]}"
            )
        batch = tuple(query.shape[a] for a in others)
        times, keys = (tuple(x.shape[a] for a in axes) for x in (query, key))
        scores_shape = (*batch, self.num_heads, *times, *keys)
        found = super()._attend(
            _flat(query, others, axes),
            _flat(key, others, axes),
            _flat(value, others, axes),
            query_mask=_flat_mask(query_mask, others, axes),
            key_mask=_flat_mask(key_mask, others, axes),
            attention_mask=_flat_pairs(attention_mask, scores_shape, len(axes)),
            **options,
        )
        outputs = ops.reshape(found.outputs, (*batch, *times, self.num_heads, self.value_dim))
        back = np.argsort([*others, *axes, query.ndim - 2, query.ndim - 1])
        outputs = ops.transpose(outputs, [int(a) for a in back])
        scores = found.scores
        return Attended(outputs, None if scores is None else ops.reshape(scores, scores_shape))

    def _scores_shape(self, query_shape: Any, key_shape: Any) -> tuple[int | None, ...]:
        axes = self._axes(len(query_shape))
        others = [n for a, n in enumerate(query_shape[:-1]) if a not in axes]
        times, keys = ([shape[a] for a in axes] for shape in (query_shape, key_shape))
        return (*others, self.num_heads, *times, *keys)

    def compute_output_shape(  # type: ignore[override]
        self, query_shape: Any, value_shape: Any, key_shape: Any = None
    ) -> Any:
        self._check_keys(value_shape, value_shape if key_shape is None else key_shape)
        return (*query_shape[:-1], *(self._output_shape or (query_shape[-1],)))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "output_shape": self._output_shape,
            "attention_axes": self.attention_axes,
        }


def _flat(x: Tensor, others: list[int], axes: tuple[int, ...]) -> Tensor:
    """(batch · other axes, attended axes as one, heads, dim)."""
    moved = ops.transpose(x, [*others, *axes, x.ndim - 2, x.ndim - 1])
    rows, steps = (math.prod(x.shape[a] for a in group) for group in (others, axes))
    return ops.reshape(moved, (rows, steps, *x.shape[-2:]))


def _flat_mask(mask: Array | None, others: list[int], axes: tuple[int, ...]) -> Array | None:
    if mask is None:
        return None
    rows, steps = (math.prod(mask.shape[a] for a in group) for group in (others, axes))
    return mask.transpose([*others, *axes]).reshape(rows, steps)


def _flat_pairs(mask: Any, shape: tuple[int, ...], attended: int) -> Array | None:
    """A mask over the scores' axes as (batch · other axes, heads, times, keys)."""
    whole = attention_mask_of(mask, shape, attended)
    if whole is None:
        return None
    start = len(shape) - 2 * attended
    times, keys = (math.prod(shape[i : i + attended]) for i in (start, start + attended))
    rows = math.prod(shape[: start - 1])
    return np.broadcast_to(whole, shape).reshape(rows, shape[start - 1], times, keys)

"""What layers of several heads share: projections, their arguments, masks and dropout."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from ... import constraints, initializers, ops, random, regularizers
from ...autograd import Array, Tensor, as_array, as_tensor, wrap
from ...ops.precision import precision
from ..arguments import positive_int, share_of
from ..base import Layer
from ..calling import call_signature, given_to
from ..core import EinsumDense
from ..stepping import Steady, not_stepwise
from ..symbolic import KerasTensor
from .attend import Attended, attend
from .key_value_cache import KeyValueCache
from .masks import attention_mask_of, both, step_mask

__all__ = ["ProjectedAttention", "cloned"]


def cloned(initializer: Any) -> Any:
    """A new initializer of the same kind, which draws other values unless it has a seed."""
    return initializer.clone() if hasattr(initializer, "clone") else initializer


class ProjectedAttention(Layer):
    """Projects queries, keys and values to heads, lets them attend, and projects back.

    Subclasses make ``_query_dense``, ``_key_dense``, ``_value_dense``, ``_gate_dense`` (None
    without) and ``_output_dense`` in ``build``, and say how many heads the scores have.
    """

    _query_dense: Any
    _key_dense: Any
    _value_dense: Any
    _gate_dense: Any
    _output_dense: Any

    def __init__(
        self,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        use_gate: bool,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dropout = share_of("dropout", dropout)
        self.use_bias = bool(use_bias)
        self.use_gate = bool(use_gate)
        if sliding_window is not None:
            positive_int("sliding_window", sliding_window)
        self.sliding_window = sliding_window
        self._flash_attention = bool(flash_attention)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        # The projections are regularized, not the layer: it has no activities of its own.
        self._activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.seed = seed
        if self.dropout > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True

    def _projection(
        self,
        name: str,
        shape: Sequence[int | None],
        units: Sequence[int],
        summed: int = 1,
        activation: Any = None,
    ) -> EinsumDense:
        """A built dense layer from the last ``summed`` axes of a shape to ``units``."""
        letters = string.ascii_lowercase
        free = letters[: len(shape) - summed]
        inner = letters[len(free) : len(shape)]
        outer = letters[len(shape) : len(shape) + len(units)]
        layer = EinsumDense(
            f"{free}{inner},{inner}{outer}->{free}{outer}",
            output_shape=(*[None] * (len(free) - 1), *units),
            activation=activation,
            bias_axes=outer if self.use_bias else None,
            kernel_initializer=cloned(self.kernel_initializer),
            bias_initializer=cloned(self.bias_initializer),
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._activity_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
            dtype=self.dtype_policy,
            name=name,
        )
        layer.build(shape)
        return layer

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check_scores(return_attention_scores)
        query, value = as_tensor(query), as_tensor(value)
        key = value if key is None else as_tensor(key)
        axes = value.shape[:-1]
        queries, keys, values = self._project(query, key, value)
        found = self._attend(
            queries,
            keys,
            values,
            query_mask=step_mask("query_mask", query_mask, query.shape[:-1]),
            key_mask=both(
                step_mask("value_mask", value_mask, axes), step_mask("key_mask", key_mask, axes)
            ),
            attention_mask=attention_mask,
            is_causal=use_causal_mask,
            training=training,
            with_scores=return_attention_scores,
        )
        outputs = self._output_dense(self._gated(found.outputs, query))
        return (outputs, found.scores) if return_attention_scores else outputs

    def _project(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of each head; of one sequence by one operation."""
        parts = (self._query_dense, self._key_dense, self._value_dense)
        bf16 = precision.bf16
        if query is key is value and all(p.is_plain_product and p._bf16 is bf16 for p in parts):
            for part in parts:
                part.input_spec.check(query._value.shape, part.name)
            queries, keys, values = ops.dense_together(query, [(p.kernel, p.bias) for p in parts])
            return queries, keys, values
        return self._query_dense(query), self._key_dense(key), self._value_dense(value)

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        super().initial_cache(batch_size, max_length)
        return KeyValueCache(batch_size, max_length)

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        """Attention of the next steps, (batch, steps, features), to these and those before, or to
        what is steady."""
        given = given_to(type(self), (inputs, *args), kwargs)
        value, key = given.pop("value", None), given.pop("key", None)
        causal = bool(given.pop("use_causal_mask", False))
        others = [n for n, v in given.items() if n not in ("query", "training") and v is not None]
        if any(given[name] is not False for name in others) or len(inputs.shape) != 3:
            raise not_stepwise(self, f"it is called with {', '.join(others) or 'several axes'}")
        if isinstance(value, Steady) and (key is None or isinstance(key, Steady)) and not causal:
            real = both(_mask_of(value), _mask_of(key))
            return self.attend_to_steady(inputs, cache, value, key, real), cache
        if value is not inputs or not (key is None or key is inputs):
            raise not_stepwise(self, "its keys and values are those of another sequence")
        if not causal:
            raise not_stepwise(self, "without use_causal_mask it attends to later steps")
        query, start = as_tensor(inputs), cache.length
        keys, values, real = cache.append(
            self._key_dense(query)._value, self._value_dense(query)._value, query._keras_mask
        )
        options = {"key_mask": real, "is_causal": True, "query_offset": start}
        return self._attend_with(query, keys, values, options), cache

    def attend_to_steady(
        self, inputs: Any, cache: Any, value: Any, key: Any, real: Array | None
    ) -> Tensor:
        """Attention of the next steps to a sequence that stays, projected the first time only.

        Args:
            inputs: (batch, steps, features).
            cache: what ``initial_cache`` gave.
            value, key: (batch, keys, features); the keys are the values for None.
            real: (batch, keys), true where a key may be attended to; None for true.
        """
        if cache.steady is None:
            keys = self._key_dense(value if key is None else key)
            cache.steady = keys._value, self._value_dense(value)._value, real
        keys, values, real = cache.steady
        return self._attend_with(as_tensor(inputs), keys, values, {"key_mask": real})

    def _attend_with(
        self, query: Tensor, keys: Any, values: Any, options: dict[str, Any]
    ) -> Tensor:
        mask = query._keras_mask
        masks_queries = mask is not None and "query" in call_signature(type(self)).masks
        found = self._attend(
            self._query_dense(query),
            wrap(keys),
            wrap(values),
            query_mask=as_array(mask, "bool") if masks_queries else None,
            **options,
        )
        outputs: Tensor = self._output_dense(self._gated(found.outputs, query))
        outputs._keras_mask = mask
        return outputs

    def _gated(self, outputs: Tensor, query: Tensor) -> Tensor:
        """What the heads found, times the gate if there is one."""
        if self._gate_dense is None:
            return outputs
        return ops.multiply(outputs, self._gate_dense(query))

    def _check_scores(self, return_attention_scores: bool) -> None:
        if self._flash_attention and return_attention_scores:
            raise ValueError(
                "return_attention_scores must be False with flash_attention, which has no scores, "
                "not True"
            )

    def _attend(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        query_mask: Array | None = None,
        key_mask: Array | None = None,
        attention_mask: Any = None,
        is_causal: bool = False,
        training: bool = False,
        with_scores: bool = False,
        query_offset: Any = 0,
    ) -> Attended:
        """Attention over (batch, time, heads, dim), with the layer's window and dropout."""
        shape = (query.shape[0], query.shape[2], query.shape[1], key.shape[1])
        mask = attention_mask_of(attention_mask, shape, 1)
        if key_mask is not None:
            mask = both(mask, key_mask[:, None, None, :])
        drops = training and self.dropout > 0
        return attend(
            query,
            key,
            value,
            mask=mask,
            query_mask=query_mask,
            is_causal=is_causal,
            window=self.sliding_window,
            dropout=self.dropout if drops else 0.0,
            seed=self.seed_generator.next() if drops else None,
            query_offset=query_offset,
            with_scores=with_scores,
        )

    def _check_keys(self, value_shape: Any, key_shape: Any) -> None:
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(
                f"key of {self.name} must have the axes of value but the last, "
                f"{tuple(value_shape)}, not {tuple(key_shape)}"
            )

    def _scores_shape(self, query_shape: Any, key_shape: Any) -> tuple[int | None, ...]:
        """The shape of the scores for inputs of these shapes."""
        raise NotImplementedError(f"{type(self).__name__} must implement _scores_shape")

    def _symbolic_outputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outputs = super()._symbolic_outputs(args, kwargs)
        given = given_to(type(self), args, kwargs)
        if not given.get("return_attention_scores"):
            return outputs
        self._check_scores(True)
        key = given["value"] if given.get("key") is None else given["key"]
        shape = self._scores_shape(given["query"].shape, key.shape)
        return outputs, KerasTensor(shape, "float32", self.name)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "use_gate": self.use_gate,
            "sliding_window": self.sliding_window,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "seed": self.seed,
        }


def _mask_of(sequence: Any) -> Array | None:
    mask = getattr(sequence, "_keras_mask", None)
    return None if mask is None else as_array(mask, "bool")

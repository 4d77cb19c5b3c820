"""Attention of several heads that keeps keys and values from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...autograd import Array, Tensor, Variable, as_array, as_tensor, record, wrap
from ..attention import MultiHeadAttention
from ..attention.masks import attention_mask_of
from ..calling import given_to
from ..symbolic import KerasTensor
from .keras_hub import of_keras_hub

__all__ = ["CachedMultiHeadAttention", "check_cache"]


@of_keras_hub
class CachedMultiHeadAttention(MultiHeadAttention):
    """``MultiHeadAttention`` for generation: keys and values computed once are not computed again.
    Name and arguments are those of KerasHub.

    Called as ``layer(query, value, key=None)``. Further arguments of the call:

    - ``cache``: (batch, 2, keys, heads, key_dim), keys first, then values. Without it the layer is
      ``MultiHeadAttention``.
    - ``cache_update_index``: where the keys and values of this call go in the cache: a whole
      number, or one for each row of the batch. None: they are not computed, and the cache is used
      as it is.
    - ``attention_mask``: (batch, time, keys of the cache), true where a query may attend to a key.
    - ``use_causal_mask``: the first query stands at ``cache_update_index``, and none attends to
      later keys; what the cache holds behind the last query is not even read.
    - ``return_attention_scores``: also returns the scores.

    Returns the outputs, then the scores if they are returned, then the cache if there is one: a
    new one, unless ``cache`` is a ``Variable``. That is written to in place, so a step takes no
    time for what the cache already holds, and returned itself; no gradients go through it.

    Args:
        num_heads, key_dim: as in ``MultiHeadAttention``; all others as there too. ``value_dim``
            must be ``key_dim`` where there is a cache.

    Raises:
        ValueError: if a cache has another shape or no room; the message names it.
    """

    def call(  # type: ignore[override]
        self,
        query: Any,
        value: Any,
        key: Any = None,
        attention_mask: Any = None,
        cache: Any = None,
        cache_update_index: Any = None,
        return_attention_scores: bool = False,
        training: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check_scores(return_attention_scores)
        query, value = as_tensor(query), as_tensor(value)
        if cache is None:
            if cache_update_index is not None:
                raise ValueError(
                    f"cache_update_index must be None without a cache, not {cache_update_index}"
                )
            key = value if key is None else as_tensor(key)
            queries, keys, values = self._project(query, key, value)
        else:
            queries = self.query_dense(query)
            cache = as_tensor(cache)
            check_cache("cache", cache, query.shape[0], self.num_heads, self.key_dim)
            if self.value_dim != self.key_dim:
                raise ValueError(
                    f"value_dim must be key_dim, {self.key_dim}, where there is a cache, "
                    f"not {self.value_dim}"
                )
            if cache_update_index is not None:
                new = [self.key_dense(value if key is None else key), self.value_dense(value)]
                cache = _updated(cache, cache_update_index, ops.stack(new, axis=1))
            keys, values, attention_mask = self._read(
                cache, cache_update_index, query.shape[1], attention_mask, use_causal_mask
            )
        found = self._attend(
            queries,
            keys,
            values,
            attention_mask=attention_mask,
            is_causal=use_causal_mask,
            training=training,
            with_scores=return_attention_scores,
            query_offset=0 if cache_update_index is None else cache_update_index,
        )
        outputs = self.output_dense(self._gated(found.outputs, query))
        more = [found.scores] * return_attention_scores + [cache] * (cache is not None)
        return (outputs, *more) if more else outputs

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        # That of the base: what `call` has more, it does not use.
        return super().call_with_cache(inputs, cache, *args, **kwargs)

    def _read(
        self, cache: Tensor, index: Any, queries: int, mask: Any, is_causal: bool
    ) -> tuple[Tensor, Tensor, Any]:
        """The keys and values that may be attended to, and the mask over them."""
        # A view: the cache is not written to before the attention is over.
        held = wrap(cache._value) if isinstance(cache, Variable) else cache
        size = cache.shape[2]
        end = size
        if is_causal:
            end = min(size, int(as_array(0 if index is None else index).max()) + queries)
        if mask is not None:
            shape = (cache.shape[0], self.num_heads, queries, size)
            whole = attention_mask_of(mask, shape, 1)
            mask = whole if whole is None or whole.shape[-1] == 1 else whole[..., :end]
        return held[:, 0, :end], held[:, 1, :end], mask

    def _symbolic_outputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        outputs = super()._symbolic_outputs(args, kwargs)
        cache = given_to(type(self), args, kwargs).get("cache")
        if cache is None:
            return outputs
        found = list(outputs) if isinstance(outputs, tuple) else [outputs]
        if len(found) > 1:
            scores = (*found[1].shape[:-1], cache.shape[2])
            found[1] = KerasTensor(scores, "float32", self.name)
        return (*found, KerasTensor(cache.shape, "float32", self.name))


def check_cache(name: str, cache: Any, batch: int, heads: int, size: int) -> None:
    """Raises ValueError, naming the argument, for a cache of another shape."""
    shape = tuple(cache.shape)
    if len(shape) != 5 or shape[:2] != (batch, 2) or shape[3:] != (heads, size):
        raise ValueError(f"{name} must have shape ({batch}, 2, keys, {heads}, {size}), not {shape}")


def _updated(cache: Tensor, index: Any, new: Tensor) -> Tensor:
    """The cache with new keys and values (batch, 2, time, heads, dim) from an index on."""
    start = as_array(index)
    batch, _, time = new.shape[:3]
    room = cache.shape[2] - time
    if start.dtype.kind not in "iu" or start.shape not in ((), (batch,)):
        raise ValueError(
            f"cache_update_index must be an integer or ({batch},) integers, "
            f"not {start.dtype} of shape {start.shape}"
        )
    if start.size and not 0 <= start.min() <= start.max() <= room:
        raise ValueError(
            f"cache_update_index must be in [0, {room}] for {time} more in a cache of "
            f"{cache.shape[2]}, not {index}"
        )
    if start.ndim == 0:
        place: Any = (slice(None), slice(None), slice(int(start), int(start) + time))
    else:  # one index for each row
        steps = start[:, None, None] + np.arange(time)
        place = (np.arange(batch)[:, None, None], np.arange(2)[:, None], steps)
    if isinstance(cache, Variable):
        cache._value[place] = new._value
        cache.touch()
        return cache
    value = cache._value.copy()
    value[place] = new._value

    def vjp(dy: Array) -> list[Array]:
        before = dy.copy()
        before[place] = 0
        return [before, dy[place]]

    return record(value, (cache, new), vjp)

"""Layers one step of time after the other: what decoding asks of a layer.

A language model that writes reads its prompt in one call and then one token per call. What a layer
needs to know of the steps before (states, keys and values, a position) is its cache.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..autograd import Tensor, as_array, no_recording, wrap
from ..ops.precision import precision
from .calling import context

__all__ = [
    "Steady",
    "Stepwise",
    "along_time",
    "inference",
    "not_stepwise",
    "precision_of",
    "ranks_differ",
    "select_rows",
]

# The cache of a layer that remembers nothing and was found to need nothing.
_CHECKED = True
_SAYS_SO = ("acts_per_step", "call_with_cache", "mixes_steps")


class Steady(Tensor):
    """A tensor that is the same at all steps: one that was not computed from the sequence under
    way, but from what else a model is given. It carries its mask."""

    __slots__ = ()

    def __init__(self, value: Any, mask: Any = None) -> None:
        super().__init__(value)
        self._keras_mask = mask


class Stepwise:
    """The part of a layer that concerns stepping through time.

    A layer whose output at a step depends on that step alone sets ``acts_per_step``. One that
    remembers earlier steps implements ``initial_cache`` and ``call_with_cache``.

    Attributes:
        acts_per_step: whether the outputs at each step depend on the inputs of that step alone,
            outside of training. It may be set on a layer as well as on its class.
    """

    name: str
    acts_per_step: bool = False
    _mixing = (
        "it may read several steps at once (a layer of yours says that it does not by "
        "acts_per_step = True, or implements initial_cache and call_with_cache)"
    )

    def mixes_steps(self, input_shape: Any) -> str | None:
        """Why the outputs at a step depend on other steps; None if they do not.

        Args:
            input_shape: the shape, or shapes, that the layer is called with. What is left of a
                sequence after its last step was chosen has no axis of time any more.
        """
        return None if self.acts_per_step else self._mixing

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        """What the first call of ``call_with_cache`` is given.

        A cache is an array or tensor whose first axis is that of the batch, an object with a
        method ``select(rows)`` that returns the cache of these rows, or a list, tuple or dictionary
        of such; numbers and None belong to all rows.

        Args:
            batch_size: number of sequences.
            max_length: the most steps that all calls together will have.

        Raises:
            ValueError: the layer cannot run step by step; the message says why.
        """
        bases = type(self).__mro__
        says_so = _first(bases, _SAYS_SO)
        if "acts_per_step" in self.__dict__ or bases[says_so] is Stepwise:
            return None
        if _first(bases, ("call",)) < says_so:  # what its base says need not hold for it
            raise not_stepwise(
                self,
                f"its call() is not that of {bases[says_so].__name__}, and it says nothing of "
                "single steps (acts_per_step = True, or initial_cache and call_with_cache)",
            )
        return None

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        """Reads the next steps of sequences whose earlier steps were read before.

        Args:
            inputs: (batch, steps, ...), often of a single step; arguments of ``call`` may follow.
                What does not change from step to step, such as an encoder's outputs, is ``Steady``.
            cache: what the call before returned, or ``initial_cache``. It may be written to.

        Returns:
            The outputs for these steps, as ``call`` gives them outside of training, and the cache
            for the call after.

        Raises:
            ValueError: the layer cannot run step by step; the message says why.
        """
        if cache is None:
            reason = _side_by_side(inputs) or self.mixes_steps(_shapes(inputs))
            if reason is not None:
                raise not_stepwise(self, reason)
            cache = _CHECKED
        return self(inputs, *args, **kwargs), cache  # type: ignore[operator]


def not_stepwise(layer: Any, reason: str) -> ValueError:
    """The error of a layer that cannot run step by step."""
    return ValueError(
        f"layer '{layer.name}' ({type(layer).__name__}) cannot run step by step: {reason}; "
        "generate(use_cache=False) reads the whole sequence anew for every token"
    )


def along_time(axis: int | Sequence[int], input_shape: Sequence[Any]) -> str | None:
    """Why a layer that works along these axes mixes steps; None if it does not."""
    rank = len(input_shape)
    axes = [axis] if isinstance(axis, int) else axis
    if rank > 2 and any(one % rank == 1 for one in axes):
        return "it works along the axis of time"
    return None


def ranks_differ(input_shapes: Any) -> str | None:
    """Why a layer that joins inputs of these shapes mixes steps; None if it does not."""
    if len({len(shape) for shape in input_shapes}) > 1:
        return "it joins what has an axis of time with what has none"
    return None


def select_rows(cache: Any, rows: Any) -> Any:
    """The cache of some rows of the batch, in that order; a row may come several times."""
    if isinstance(cache, list):
        return [select_rows(one, rows) for one in cache]
    if isinstance(cache, tuple):
        return tuple(select_rows(one, rows) for one in cache)
    if isinstance(cache, dict):
        return {key: select_rows(one, rows) for key, one in cache.items()}
    if isinstance(cache, Steady):
        mask = cache._keras_mask
        return Steady(cache._value[rows], None if mask is None else wrap(as_array(mask)[rows]))
    if isinstance(cache, Tensor):
        return wrap(cache._value[rows]) if cache.ndim else cache
    if isinstance(cache, np.ndarray):
        return cache[rows] if cache.ndim else cache
    return cache.select(rows) if hasattr(cache, "select") else cache


@contextmanager
def inference(model: Any) -> Iterator[None]:
    """Calls of layers inside are those of a model called with ``training=False``."""
    around = context.training
    if type(model)._losses_were_added:
        for layer in model._flatten_layers():
            layer._losses.clear()
    context.training = False
    try:
        with no_recording(), precision_of(model):
            yield
    finally:
        context.training = around


@contextmanager
def precision_of(layer: Any) -> Iterator[None]:
    """Products inside are those of the layer's dtype policy."""
    around = precision.bf16
    precision.bf16 = layer._bf16
    try:
        yield
    finally:
        precision.bf16 = around


def _shapes(inputs: Any) -> Any:
    if isinstance(inputs, list | tuple):
        return [tuple(one.shape) for one in inputs if not isinstance(one, Steady)]
    return tuple(inputs.shape)


def _side_by_side(inputs: Any) -> str | None:
    """Why steps cannot be joined with what is steady; None if they can."""
    for one in inputs if isinstance(inputs, list | tuple) else ():
        if isinstance(one, Steady) and one.ndim > 2 and one.shape[1] != 1:
            return "it joins each step with a step of another sequence"
    return None


def _first(bases: Sequence[type], names: Sequence[str]) -> int:
    """The place of the first class that defines one of these names."""
    return next(i for i, base in enumerate(bases) if any(name in vars(base) for name in names))

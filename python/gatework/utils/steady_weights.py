"""Reading all weights of a model while another thread may train it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar, cast

__all__ = ["reads_weights", "steady_weights"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def steady_weights(model: Any) -> AbstractContextManager[None]:
    """No other thread changes the weights inside of the block: they are those between two updates.

    What is no model has nobody that trains it.
    """
    lock = getattr(model, "_weights_lock", None)
    return nullcontext() if lock is None else lock.reading()


def reads_weights(function: _Function) -> _Function:
    """A function of a model, its first argument, that runs between two updates of the weights."""

    @functools.wraps(function)
    def between_updates(model: Any, *arguments: Any, **named: Any) -> Any:
        with steady_weights(model):
            return function(model, *arguments, **named)

    return cast(_Function, between_updates)

"""Names of layers and other objects that were given none: Keras' snake case and counters."""

from __future__ import annotations

import gc
import re
import threading
from collections import Counter

__all__ = ["auto_name", "clear_session", "to_snake_case"]

_counts: Counter[str] = Counter()
_lock = threading.Lock()


def auto_name(class_name: str) -> str:
    """A name for the next object of a class: "lstm", then "lstm_1", "lstm_2"..."""
    name = to_snake_case(class_name)
    with _lock:
        count = _counts[name]
        _counts[name] += 1
    return f"{name}_{count}" if count else name


def to_snake_case(name: str) -> str:
    """Snake case as Keras makes it: "LSTM" gives "lstm", "SimpleRNN" gives "simple_rnn".

    Runs of capitals stay together.
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def clear_session(free_memory: bool = True) -> None:
    """Numbers names from the start again.

    Args:
        free_memory: collect what is left of models that nothing refers to.
    """
    with _lock:
        _counts.clear()
    if free_memory:
        gc.collect()

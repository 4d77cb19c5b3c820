"""Keys and values that attention has computed, kept from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...autograd import Array, as_array

__all__ = ["KeyValueCache"]


class KeyValueCache:
    """The keys and values of the steps so far, in arrays that have room for all steps to come.

    Args:
        batch: number of sequences.
        longest: number of steps there is room for.

    Attributes:
        length: number of steps so far.
    """

    def __init__(self, batch: int, longest: int) -> None:
        self._size = (batch, longest)
        self._keys: Array | None = None
        self._values: Array | None = None
        self._real: Array | None = None  # (batch, longest), once a step was masked
        self.length = 0
        # Keys, values and mask of a sequence that does not grow, once they were computed.
        self.steady: tuple[Array, Array, Array | None] | None = None

    def append(self, keys: Array, values: Array, mask: Any) -> tuple[Array, Array, Array | None]:
        """Adds steps and returns all of them.

        Args:
            keys, values: (batch, steps, heads, dim).
            mask: (batch, steps), false at steps that no query attends to; None for true.

        Returns:
            The keys, the values and the mask, None for true, of all steps so far: views that the
            next call writes behind.

        Raises:
            ValueError: there is no room for so many.
        """
        batch, longest = self._size
        start, end = self.length, self.length + keys.shape[1]
        if end > longest:
            raise ValueError(f"steps must be at most {longest} in all, not {end}")
        if self._keys is None or self._values is None:
            self._keys = np.empty((batch, longest, *keys.shape[2:]), np.float32)
            self._values = np.empty((batch, longest, *values.shape[2:]), np.float32)
        self._keys[:, start:end] = keys
        self._values[:, start:end] = values
        real = None if mask is None else as_array(mask, "bool")
        if self._real is None and real is not None and not real.all():
            self._real = np.ones(self._size, bool)
        if self._real is not None and real is not None:
            self._real[:, start:end] = real
        self.length = end
        seen = None if self._real is None else self._real[:, :end]
        return self._keys[:, :end], self._values[:, :end], seen

    def select(self, rows: Any) -> KeyValueCache:
        """The cache of these rows of the batch."""
        chosen = KeyValueCache(len(rows), self._size[1])
        chosen.length = self.length
        chosen._keys = _rows(self._keys, rows, self.length)
        chosen._values = _rows(self._values, rows, self.length)
        if self.steady is not None:
            keys, values, real = self.steady
            chosen.steady = keys[rows], values[rows], None if real is None else real[rows]
        chosen._real = None if self._real is None else self._real[rows]
        return chosen


def _rows(whole: Array | None, rows: Any, length: int) -> Array | None:
    """Some rows in an array of their own; what no step has filled yet is not copied."""
    if whole is None:
        return None
    chosen = np.empty((len(rows), *whole.shape[1:]), whole.dtype)
    chosen[:, :length] = whole[rows, :length]
    return chosen

"""Seeds: one global stream, and generators of their own for layers that drop.

A seed is spread over 63 bits by the finaliser of SplitMix64 (Steele, Lea & Flood, Fast Splittable
Pseudorandom Number Generators, 2014), so that neighbouring seeds and counts are unrelated.
"""

from __future__ import annotations

import os
import threading
from typing import Any, Self

import numpy as np

from .autograd import Variable

__all__ = ["SeedGenerator", "next_seed", "numpy_generator", "set_global_seed"]

_GOLDEN_RATIO = 0x9E3779B97F4A7C15
_LOW_64_BITS = (1 << 64) - 1
_LOW_32_BITS = (1 << 32) - 1


def _mixed(seed: int, count: int) -> int:
    """63 bits that depend on every bit of the seed and of the count."""
    z = ((seed << 32 ^ count) + _GOLDEN_RATIO) & _LOW_64_BITS
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _LOW_64_BITS
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _LOW_64_BITS
    return (z ^ z >> 31) >> 1


def check_seed(seed: Any) -> int:
    """The seed as an integer.

    Raises:
        ValueError: for what is not an integer in [0, 2**32).
    """
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= seed < 1 << 32:
        raise ValueError(f"seed must be an integer in [0, 2**32), not {seed!r}")
    return int(seed.__index__())


class _GlobalStream:
    """The seeds of everything that was given none; from the system's entropy until it is set."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.restart(int.from_bytes(os.urandom(4), "little"))

    def restart(self, seed: int) -> None:
        with self._lock:
            self._seed = seed
            self._count = 0

    @property
    def state(self) -> tuple[int, int]:
        with self._lock:
            return self._seed, self._count

    @state.setter
    def state(self, state: tuple[int, int]) -> None:
        with self._lock:
            self._seed, self._count = state

    def next(self) -> int:
        with self._lock:
            self._count += 1
            return _mixed(self._seed, self._count)


_stream = _GlobalStream()


def set_global_seed(seed: int) -> None:
    """Restarts the global stream: what follows is the same after the same seed.

    Raises:
        ValueError: if the seed is not an integer in [0, 2**32).
    """
    _stream.restart(check_seed(seed))


def global_state() -> tuple[int, int]:
    """The seed of the global stream, and how many seeds were drawn."""
    return _stream.state


def restore_global_state(seed: int, count: int) -> None:
    """Goes on with the global stream from what `global_state` returned."""
    _stream.state = (seed, count)


def next_seed() -> int:
    """The next seed of the global stream, in [0, 2**63)."""
    return _stream.next()


def numpy_generator(seed: int | SeedGenerator | None = None) -> np.random.Generator:
    """A NumPy generator from a seed: the global stream's next for None."""
    if seed is None:
        seed = next_seed()
    elif isinstance(seed, SeedGenerator):
        seed = seed.next()
    return np.random.Generator(np.random.Philox(seed))


class SeedGenerator:
    """A stream of seeds that can be saved: the layers that drop hold one.

    Args:
        seed: integer in [0, 2**32); from the global stream when None.
        name: shown by ``get_config``.

    Attributes:
        state: variable (2,) of uint32: the seed, and how many seeds were drawn.

    Raises:
        ValueError: if the seed is not an integer in [0, 2**32).
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        self._initial_seed = seed
        self.name = "seed_generator" if name is None else name
        start = next_seed() & 0xFFFFFFFF if seed is None else check_seed(seed)
        self.state = Variable(
            np.array([start, 0], np.uint32),
            dtype="uint32",
            trainable=False,
            name="seed_generator_state",
        )
        self._lock = threading.Lock()

    def next(self, ordered: bool = True) -> int:
        """The next seed, in [0, 2**63). ``ordered`` is accepted: draws are always in order."""
        with self._lock:
            state = self.state._value
            seed, count = state.tolist()
            state[1] = (count + 1) & _LOW_32_BITS
            self.state.touch()
        return _mixed(seed, count)

    def save_own_variables(self, store: Any) -> None:
        """Writes the state into a store."""
        store["0"] = self.state.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads the state from a store."""
        self.state.assign(store["0"])

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._initial_seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        # A lock can be neither copied nor pickled; a copy gets its own.
        return {key: value for key, value in self.__dict__.items() if key != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

"""A recurrent layer one time step at a time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core

__all__ = ["Stream", "StreamChain"]

FloatArray = npt.NDArray[np.float32]


class Stream:
    """Steps a recurrent layer; its states stay inside between the calls.

    Made by ``layer.stream(batch_size)``. It keeps the weights the layer had then, and no dropout
    applies. Steps of one stream that come from several threads run one after the other.

        stream = layer.stream()
        for frame in frames:               # (1, features) float32
            output = stream.step(frame)    # (1, units)
    """

    def __init__(
        self,
        weights: _core.PackedWeights,
        batch_size: int,
        activation: str,
        recurrent_activation: str,
        activation_clip: float | None = None,
        cell_clip: float | None = None,
        zoneout: Sequence[float] | None = None,
        epsilon: float | None = None,
    ) -> None:
        if isinstance(batch_size, bool) or not hasattr(batch_size, "__index__") or batch_size < 1:
            raise ValueError(f"batch_size must be a positive integer, not {batch_size!r}")
        self._stream = _core.RecurrentStream(
            weights,
            batch_size.__index__(),
            activation,
            recurrent_activation,
            activation_clip,
            cell_clip,
            zoneout,
            epsilon,
        )

    def step(self, x: Any, out: FloatArray | None = None) -> FloatArray:
        """Advances by one step.

        Args:
            x: (batch, features); a float32 array is read where it lies.
            out: (batch, units) float32 that receives the output; a new array by default.

        Returns:
            The output, (batch, units).

        Raises:
            ValueError: a shape does not fit; TypeError: ``out`` is not float32.
        """
        x = np.ascontiguousarray(x, np.float32)
        if out is None:
            return self._stream.step(x)
        self._stream.step_into(x, out)
        return out

    def reset(self) -> None:
        """Sets the states to zero."""
        self._stream.reset()

    @property
    def states(self) -> tuple[FloatArray, ...]:
        """A copy of the states, (batch, units) each; assigning replaces them."""
        return self._stream.states

    @states.setter
    def states(self, states: Sequence[Any]) -> None:
        self._stream.states = tuple(np.ascontiguousarray(s, np.float32) for s in states)


class StreamChain(Stream):
    """Streams one above the other: each reads what the one below puts out.

    Its states are those of the lowest stream, then those of the next.
    """

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = list(streams)
        self._lock = threading.Lock()

    def step(self, x: Any, out: FloatArray | None = None) -> FloatArray:
        with self._lock:
            for stream in self._streams[:-1]:
                x = stream.step(x)
            return self._streams[-1].step(x, out)

    def reset(self) -> None:
        with self._lock:
            for stream in self._streams:
                stream.reset()

    @property
    def states(self) -> tuple[FloatArray, ...]:
        with self._lock:
            return tuple(state for stream in self._streams for state in stream.states)

    @states.setter
    def states(self, states: Sequence[Any]) -> None:
        with self._lock:
            counts = [len(stream.states) for stream in self._streams]
            if len(states) != sum(counts):
                raise ValueError(f"states must be {sum(counts)} arrays, not {len(states)}")
            given = iter(states)
            for stream, count in zip(self._streams, counts, strict=True):
                stream.states = tuple(next(given) for _ in range(count))

"""A case of the sweep: a name, the arguments to try, what the call is given."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Make:
    """An argument that is an object of the library under test: a layer, a cell."""

    build: Callable[[Any], Any]


@dataclass(frozen=True)
class Case:
    """What the sweep tries of one name.

    Args:
        choices: for each argument the values it may take; the first draw takes the first of each.
        options: what else the topic's comparison needs to know: shapes, kinds of labels.
        draws: how many combinations.
        tolerance: of the largest difference, relative to the larger of one and the largest value.
    """

    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    draws: int = 4
    tolerance: float = 1e-5

    def arguments(self, name: str) -> list[tuple[Arguments, np.random.Generator]]:
        """Combinations of arguments, each with a generator of its own."""
        seed = zlib.crc32(name.encode())
        combinations = 1
        for values in self.choices.values():
            combinations *= len(values)
        found = []
        for draw in range(min(self.draws, max(combinations, 2))):
            rng = np.random.default_rng([seed, draw])
            picked = {
                key: values[0 if draw == 0 else int(rng.integers(len(values)))]
                for key, values in self.choices.items()
            }
            found.append(({k: v for k, v in picked.items() if v is not OMITTED}, rng))
        return found


class _Omitted:
    def __repr__(self) -> str:
        return "left out"


OMITTED = _Omitted()


def made(arguments: Arguments, library: Any) -> Arguments:
    """The arguments with every `Make` built from one library."""
    return {k: v.build(library) if isinstance(v, Make) else v for k, v in arguments.items()}


def difference(own: Any, theirs: Any) -> float:
    """Largest difference, relative to the larger of one and the largest number of `theirs`."""
    a, b = np.asarray(own, dtype="float64"), np.asarray(theirs, dtype="float64")
    if a.shape != b.shape:
        raise AssertionError(f"shape {a.shape} here, {b.shape} in Keras")
    if not a.size:
        return 0.0
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        raise AssertionError("not finite at different places")
    finite = np.isfinite(b)
    a, b = a[finite], b[finite]
    return float(np.abs(a - b).max(initial=0) / max(1.0, np.abs(b).max(initial=0)))


def worst(own: Sequence[Any], theirs: Sequence[Any]) -> float:
    if len(own) != len(theirs):
        raise AssertionError(f"{len(own)} results here, {len(theirs)} in Keras")
    return max((difference(a, b) for a, b in zip(own, theirs, strict=True)), default=0.0)

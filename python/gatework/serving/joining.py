"""How the arrays of several jobs become those of one batch, and its outputs theirs again."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

import numpy as np

from .. import tree
from ..autograd import Array
from ..inference.ragged import RaggedProgram, ragged

__all__ = ["Concatenated", "Joining", "Padded", "joining_of"]


class Joining(Protocol):
    """What a batcher asks."""

    def key(self, arrays: list[Array]) -> Hashable:
        """Jobs with the same key can be in one batch."""

    def run(self, jobs: Sequence[list[Array]]) -> list[list[Array]]:
        """The outputs of each job, in flat order, from the inputs of each; rows first in all.

        A ValueError is the client's fault.
        """


class Concatenated:
    """Jobs of the same shape behind the rows.

    Args:
        program: called with arrays, one for each input; gives outputs in flat order.
    """

    def __init__(self, program: Any) -> None:
        self._program = program

    def key(self, arrays: list[Array]) -> Hashable:
        return tuple((array.shape[1:], array.dtype.char) for array in arrays)

    def run(self, jobs: Sequence[list[Array]]) -> list[list[Array]]:
        columns = zip(*jobs, strict=True)
        outputs = self._program(
            [np.concatenate(column) if len(column) > 1 else column[0] for column in columns]
        )
        return [[output[part] for output in outputs] for part in _parts(jobs)]


class Padded:
    """Jobs of one input whose sequences may be of unequal length; padding at most doubles them.

    Args:
        program: what runs where all lengths are equal.
        padded: what runs where they are not.
    """

    def __init__(self, program: Any, padded: RaggedProgram) -> None:
        self._equal = Concatenated(program)
        self._padded = padded

    def key(self, arrays: list[Array]) -> Hashable:
        [x] = arrays
        return x.shape[1].bit_length(), x.shape[2:], x.dtype.char

    def run(self, jobs: Sequence[list[Array]]) -> list[list[Array]]:
        lengths = [x.shape[1] for [x] in jobs]
        longest = max(lengths)
        if min(lengths) == longest:
            return self._equal.run(jobs)
        first = jobs[0][0]
        rows = sum(len(x) for [x] in jobs)
        batch = np.zeros((rows, longest, *first.shape[2:]), first.dtype)
        parts = _parts(jobs)
        for [x], part in zip(jobs, parts, strict=True):
            batch[part, : x.shape[1]] = x
        outputs = self._padded(batch, np.repeat(lengths, [len(x) for [x] in jobs]).tolist())
        return [
            [
                output[part, :length] if sequence else output[part]
                for output, sequence in zip(outputs, self._padded.sequences, strict=True)
            ]
            for part, length in zip(parts, lengths, strict=True)
        ]


def joining_of(program: Any) -> Joining:
    """What joins jobs of a compiled program: whatever their lengths are, if it can."""
    alone = len(program.inputs) == 1

    def run(arrays: Sequence[Array]) -> list[Array]:
        found: list[Array] = tree.flatten(program(arrays[0] if alone else list(arrays)))
        return found

    padded = ragged(program)
    return Concatenated(run) if padded is None else Padded(run, padded)


def _parts(jobs: Sequence[list[Array]]) -> list[slice]:
    """The rows of each job in a batch."""
    ends = np.cumsum([len(arrays[0]) for arrays in jobs]).tolist()
    return [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]

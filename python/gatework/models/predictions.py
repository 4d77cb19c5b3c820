"""The outputs of batches, put together in the order of the samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..autograd import as_array
from ..preprocessing.batch import unpack_x_y_sample_weight
from ..tree import flatten, map_structure, pack_sequence_as

Array = npt.NDArray[Any]


class Predictions:
    """Collects outputs batch by batch.

    When the inputs are sequences of unequal length and an output has one entry per step, that
    output becomes a list of arrays, one per sequence and as long as it.

    Args:
        restore: where each sample is among the batches; None when in order.
    """

    def __init__(self, restore: Array | None = None) -> None:
        self._restore = restore
        self._structure: Any = None
        self._parts: list[list[Array]] = []
        self._sizes: list[list[_Steps]] = []
        self._masked: list[bool] = []

    def add(self, batch: Any, outputs: Any) -> Any:
        """Adds the outputs of a batch and returns them as arrays."""
        flat = flatten(outputs)
        masked = [getattr(leaf, "_keras_mask", None) is not None for leaf in flat]
        self._masked = [a or b for a, b in zip(self._masked or masked, masked, strict=True)]
        self._structure = map_structure(as_array, outputs)
        self._parts.append(flatten(self._structure))
        self._sizes.append([_Steps(leaf) for leaf in flatten(unpack_x_y_sample_weight(batch)[0])])
        return self._structure

    def __len__(self) -> int:
        return len(self._parts)

    def joined(self) -> Any:
        """All outputs, in the structure of those of a batch."""
        ragged = [
            leaves
            for leaves in zip(*self._sizes, strict=True)
            if len({leaf.time for leaf in leaves}) > 1 or any(leaf.padded for leaf in leaves)
        ]
        columns = zip(zip(*self._parts, strict=True), self._masked, strict=True)
        return pack_sequence_as(
            self._structure, [self._join(column, masked, ragged) for column, masked in columns]
        )

    def _join(
        self, column: tuple[Array, ...], masked: bool, ragged: list[tuple[_Steps, ...]]
    ) -> Array | list[Array]:
        steps = next((s for s in ragged if _has_time(column, s, masked)), None)
        if steps is not None:
            cut = [
                row[:length].copy()
                for part, leaf in zip(column, steps, strict=True)
                for row, length in zip(part, leaf.lengths(), strict=True)
            ]
            return cut if self._restore is None else [cut[i] for i in self._restore]
        # One part is copied too, as a model may return its inputs.
        whole = column[0].copy() if len(column) == 1 else np.concatenate(column)
        return whole if self._restore is None else whole[self._restore]


class _Steps:
    """The time axis of one input of a batch."""

    def __init__(self, tensor: Any) -> None:
        shape = () if tensor is None else tuple(tensor.shape)
        self.batch = shape[0] if shape else 0
        self.time = shape[1] if len(shape) > 1 else 0
        self._mask = getattr(tensor, "_keras_mask", None)

    @property
    def padded(self) -> bool:
        return self._mask is not None

    def lengths(self) -> list[int]:
        if self._mask is None:
            return [self.time] * self.batch
        counts: list[int] = as_array(self._mask).sum(axis=1).tolist()
        return counts


def _has_time(column: tuple[Array, ...], steps: tuple[_Steps, ...], masked: bool) -> bool:
    """True when the second axis of an output is the time axis of an input."""
    if not all(
        part.ndim > 1 and part.shape[1] == leaf.time
        for part, leaf in zip(column, steps, strict=True)
    ):
        return False
    # One batch of (batch, n) may have a time axis of n by chance: then the mask tells.
    return masked or column[0].ndim > 2 or len({leaf.time for leaf in steps}) > 1

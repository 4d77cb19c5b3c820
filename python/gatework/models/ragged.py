"""Sequences of unequal length: kept as they are, padded batch by batch.

A batch is padded behind, with zeros, to its own longest sequence. Its tensor carries a mask, false
at the padding, as if a Masking layer had found it: recurrent layers stop there, and losses and
metrics leave those steps out, with or without an `Embedding(mask_zero=True)`. Layers that know no
masks (convolutions, `Flatten`) see the zeros.
"""

from __future__ import annotations

import itertools
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ..autograd import Tensor, as_array, as_tensor
from ..preprocessing.sequence import pad_sequences
from ..tree import flatten
from .no_numbers import no_numbers

Array = npt.NDArray[Any]

# So many batches are sorted by length together: little padding, and still a new mixture each epoch.
POOLED_BATCHES = 50


class Ragged:
    """Sequences of unequal length, one after the other in one array.

    Attributes:
        values: the steps of all sequences, shape `(steps, ...)`.
        lengths: steps of each sequence, shape `(sequences,)`.
    """

    def __init__(self, values: Array, starts: Array, lengths: Array) -> None:
        self.values = values
        self.lengths = lengths
        self._starts = starts

    @classmethod
    def of(cls, sequences: Any, name: str) -> Self:
        """Makes one of a list of sequences.

        Raises:
            TypeError: for steps that are no numbers.
            ValueError: for steps of different shapes.
        """
        lengths = np.array([len(item) for item in sequences], np.int64)
        ends = np.cumsum(lengths)
        return cls(_joined(sequences, name), ends - lengths, lengths)

    def with_values(self, values: Array) -> Ragged:
        """Other values for the same steps."""
        return Ragged(values, self._starts, self.lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, chosen: slice | Array) -> Ragged:
        return Ragged(self.values, self._starts[chosen], self.lengths[chosen])

    def tensor(self) -> Tensor:
        """The sequences padded to the longest, `(sequences, time, ...)`, with their mask."""
        steps = [
            self.values[start : start + length]
            for start, length in zip(self._starts.tolist(), self.lengths.tolist(), strict=True)
        ]
        # Even a batch of empty sequences has one step, which is masked.
        longest = max(int(self.lengths.max(initial=0)), 1)
        if any(map(len, steps)):
            padded = pad_sequences(steps, longest, self.values.dtype, padding="post")
        else:
            shape = (len(steps), longest, *self.values.shape[1:])
            padded = np.zeros(shape, self.values.dtype)
        tensor = as_tensor(padded)
        real = np.arange(longest) < self.lengths[:, None]
        if not real.all():
            tensor._keras_mask = as_tensor(real)
        return tensor


def _joined(sequences: Any, name: str) -> Array:
    """The steps of all sequences in one array."""
    filled = [item for item in sequences if len(item)]
    try:
        if all(isinstance(item, list) and _is_number(item[0]) for item in filled):
            values = np.array(list(itertools.chain.from_iterable(filled)))
        else:
            values = np.concatenate([np.asarray(item) for item in filled] or [np.zeros(0)])
    except ValueError as error:
        raise ValueError(
            f"{name} must hold sequences whose steps have one shape, not several"
        ) from error
    if values.dtype.kind not in "biuf":
        raise no_numbers(name, values.dtype)
    return as_array(values)


def _is_number(item: Any) -> bool:
    return isinstance(item, int | float | np.number)


def lengths_differ(value: Any) -> bool:
    """True for a list (or an array of objects) that holds sequences of unequal length."""
    try:
        first = len(value[0])
        return any(len(item) != first for item in value)
    except (TypeError, IndexError):
        # Numbers, or nothing at all.
        return False


def total_lengths(x: Any) -> Array | None:
    """The length of each sample, summed over inputs of unequal length; None without such inputs."""
    found = [leaf.lengths for leaf in flatten(x) if isinstance(leaf, Ragged)]
    return None if not found else np.sum(found, axis=0)


def bucketed(
    order: Array, lengths: Array, batch_size: int, generator: np.random.Generator
) -> Array:
    """A random order, changed so that each batch holds sequences of similar length.

    Pools of `POOLED_BATCHES` batches are sorted by length; then the batches are shuffled. What does
    not fill a batch comes last.
    """
    pool = POOLED_BATCHES * batch_size
    parts = [order[start : start + pool] for start in range(0, len(order), pool)]
    by_length = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts])
    whole = len(order) // batch_size * batch_size
    batches = by_length[:whole].reshape(-1, batch_size)
    return np.concatenate([generator.permutation(batches).reshape(-1), by_length[whole:]])


def share_mask(label: Any, prediction: Any) -> None:
    """Gives predictions that lost their mask on the way that of the labels of the same steps."""
    mask = getattr(label, "_keras_mask", None)
    if mask is None or getattr(prediction, "_keras_mask", mask) is not None:
        return
    if tuple(prediction.shape[:2]) == tuple(mask.shape):
        prediction._keras_mask = mask

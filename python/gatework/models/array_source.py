"""Batches cut from arrays and from sequences of unequal length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..autograd import as_tensor
from ..preprocessing.batch import pack_x_y_sample_weight
from ..random import next_seed
from .arrays import Array, class_weights, convert_parts, count_samples, take, to_tensors
from .expected import Expected
from .ragged import Ragged, bucketed, total_lengths


def check_batch_size(batch_size: Any) -> int:
    """Returns `batch_size`, or 32 for None."""
    if batch_size is None:
        return 32
    whole = isinstance(batch_size, int | np.integer) and not isinstance(batch_size, bool)
    if not whole or batch_size < 1:
        raise ValueError(f"batch_size must be a positive integer, not {batch_size!r}")
    return int(batch_size)


class ArraySource:
    """Slices of arrays, in a new random order each epoch when `shuffle`.

    Args:
        x, y, sample_weight: arrays, nests of them, or lists of sequences of unequal length.
        batch_size: 32 when None.
        shuffle: True, False or "batch". Sequences of unequal length are shuffled so that those of
            similar length meet in a batch.
        class_weight, sparse_labels: see `class_weights`.
        expected: what the model takes.
        any_order: sequences of unequal length may come sorted, since the results do not depend on
            the order or are put back into it by `restore`.

    Attributes:
        restore: where the samples of the unshuffled order are in the order of the batches; None
            when that is the same.
    """

    restartable = True

    def __init__(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int | None,
        shuffle: bool | str,
        class_weight: dict[Any, float] | None = None,
        sparse_labels: bool = False,
        expected: Expected | None = None,
        any_order: bool = False,
    ) -> None:
        self.x, self.y, weight = convert_parts(x, y, sample_weight, expected)
        self.num_samples = count_samples(x=self.x)
        if class_weight is not None:
            weight = only_class_weight(self.y, weight, class_weight, sparse_labels)
        self.sample_weight = weight
        self.batch_size = check_batch_size(batch_size)
        self.num_batches = -(-self.num_samples // self.batch_size)
        if shuffle not in (True, False, "batch"):
            raise ValueError(f"shuffle must be True, False or 'batch', not {shuffle!r}")
        self.shuffle = shuffle
        # One seed for the run: the order of an epoch follows from it and the epoch's number.
        self.seed = next_seed() if shuffle else 0
        self._lengths = total_lengths(self.x)
        self._sorted: Array | None = None
        self.restore: Array | None = None
        if any_order and not shuffle and self._lengths is not None:
            # The longest first: the largest buffers are made once, at the start.
            self._sorted = np.argsort(-self._lengths, kind="stable")
            self.restore = np.argsort(self._sorted, kind="stable")

    def _order(self, epoch: int) -> Array | None:
        if self.shuffle is not True:
            return self._sorted
        generator = self._generator(epoch)
        order = generator.permutation(self.num_samples)
        if self._lengths is None:
            return order
        return bucketed(order, self._lengths, self.batch_size, generator)

    def _generator(self, epoch: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self.seed, epoch]))

    def first(self) -> Any:
        """A batch."""
        return next(self.batches(0))

    def batches(self, epoch: int, skip: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch as tensors, without the first `skip` of them."""
        order = self._order(epoch)
        within = self._generator(epoch) if self.shuffle == "batch" else None
        data = pack_x_y_sample_weight(self.x, self.y, self.sample_weight)
        # The usual batch, one array per part, is cut without walking a structure.
        plain = isinstance(data, tuple) and all(isinstance(part, np.ndarray) for part in data)
        for start in range(0, max(self.num_samples, 1), self.batch_size):
            stop = min(start + self.batch_size, self.num_samples)
            chosen: slice | Array
            if order is not None:
                chosen = order[start:stop]
            elif within is not None:
                chosen = start + within.permutation(stop - start)
            else:
                chosen = slice(start, stop)
            if start < skip * self.batch_size:
                continue
            if plain:
                yield tuple([as_tensor(take(part, chosen)) for part in data])
            else:
                yield to_tensors(take(data, chosen))


def only_class_weight(
    y: Any, sample_weight: Any, class_weight: dict[Any, float], sparse_labels: bool
) -> Any:
    """Sample weights of class weights.

    Raises:
        TypeError: for class weights that are no dictionary.
        ValueError: for both kinds of weights at once, or labels that are not one array.
    """
    if sample_weight is not None:
        raise ValueError("only one of sample_weight and class_weight must be given, not both")
    if not isinstance(y, np.ndarray | Ragged) and not hasattr(y, "__array__"):
        raise ValueError("class_weight must be used with labels in one array y, not without")
    if not isinstance(class_weight, dict):
        raise TypeError(f"class_weight must be a dict of class to weight, not {class_weight!r}")
    return class_weights(y, class_weight, sparse_labels)

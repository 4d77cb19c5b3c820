"""Where batches come from: arrays, a PyDataset, a loader, or a generator.

Every source has `num_batches` (None when unknown), `restartable`, and `batches(epoch)`, an iterator
of batches `x`, `(x, y)` or `(x, y, sample_weight)` whose leaves are tensors.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..autograd import as_tensor
from ..preprocessing.batch import pack_x_y_sample_weight, unpack_x_y_sample_weight
from ..preprocessing.py_dataset import PyDataset, read_ahead
from ..random import next_seed
from ..tree import map_structure
from .arrays import class_weights, count_samples, holds_arrays, take, to_arrays

BatchCheck = Callable[[Any], None]


def _tensors(value: Any) -> Any:
    return map_structure(lambda leaf: None if leaf is None else as_tensor(leaf), value)


def check_batch_size(batch_size: Any) -> int:
    """Returns `batch_size`, or 32 for None."""
    if batch_size is None:
        return 32
    whole = isinstance(batch_size, int | np.integer) and not isinstance(batch_size, bool)
    if not whole or batch_size < 1:
        raise ValueError(f"batch_size must be a positive integer, not {batch_size!r}")
    return int(batch_size)


class ArraySource:
    """Slices of arrays, in a new random order each epoch when `shuffle`."""

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
    ) -> None:
        self.x = to_arrays(x, "x")
        self.y = None if y is None else to_arrays(y, "y")
        weight = None if sample_weight is None else to_arrays(sample_weight, "sample_weight")
        self.num_samples = count_samples(x=self.x, y=self.y, sample_weight=weight)
        if class_weight is not None:
            weight = _only_class_weight(self.y, weight, class_weight, sparse_labels)
        self.sample_weight = weight
        self.batch_size = check_batch_size(batch_size)
        self.num_batches = -(-self.num_samples // self.batch_size)
        if shuffle not in (True, False, "batch"):
            raise ValueError(f"shuffle must be True, False or 'batch', not {shuffle!r}")
        self.shuffle = shuffle
        # One seed for the run: the order of an epoch follows from it and the epoch's number.
        self.seed = next_seed() if shuffle else 0

    def _order(self, epoch: int) -> Any:
        if self.shuffle is not True:
            return None
        return self._generator(epoch).permutation(self.num_samples)

    def _generator(self, epoch: int) -> np.random.Generator:
        return np.random.Generator(np.random.Philox(key=[self.seed, epoch]))

    def batches(self, epoch: int) -> Iterator[Any]:
        order = self._order(epoch)
        within = self._generator(epoch) if self.shuffle == "batch" else None
        data = pack_x_y_sample_weight(self.x, self.y, self.sample_weight)
        # The usual batch, one array per part, is cut without walking a structure.
        plain = isinstance(data, tuple) and all(isinstance(part, np.ndarray) for part in data)
        for start in range(0, max(self.num_samples, 1), self.batch_size):
            stop = min(start + self.batch_size, self.num_samples)
            if order is not None:
                chosen = order[start:stop]
            elif within is not None:
                chosen = start + within.permutation(stop - start)
            else:
                chosen = slice(start, stop)
            if plain:
                yield tuple([as_tensor(take(part, chosen)) for part in data])
            else:
                yield _tensors(take(data, chosen))


def _only_class_weight(
    y: Any, sample_weight: Any, class_weight: dict[Any, float], sparse_labels: bool
) -> Any:
    if sample_weight is not None:
        raise ValueError("only one of sample_weight and class_weight must be given, not both")
    if not isinstance(y, np.ndarray) and not hasattr(y, "__array__"):
        raise ValueError("class_weight must be used with labels in one array y, not without")
    if not isinstance(class_weight, dict):
        raise TypeError(f"class_weight must be a dict of class to weight, not {class_weight!r}")
    return class_weights(y, class_weight, sparse_labels)


class IterableSource:
    """Ready-made batches: from a PyDataset, a loader that can be iterated again, or a generator."""

    def __init__(
        self,
        x: Any,
        shuffle: bool | str,
        class_weight: dict[Any, float] | None = None,
        sparse_labels: bool = False,
    ) -> None:
        self.x = x
        self.class_weight = class_weight
        self.sparse_labels = sparse_labels
        self.restartable = not hasattr(x, "__next__")
        self.num_batches = _length(x)
        if self.num_batches == 0:
            raise ValueError("x must yield at least one batch, not have length 0")
        shuffles = bool(shuffle) and isinstance(x, PyDataset) and self.num_batches is not None
        self.seed = next_seed() if shuffles else None

    def batches(self, epoch: int) -> Iterator[Any]:
        for batch in self._raw(epoch):
            if batch is None or isinstance(batch, str | bytes):
                raise ValueError(
                    "x must yield (inputs,), (inputs, targets) or (inputs, targets, "
                    f"sample_weights), not {batch!r}"
                )
            x, y, sample_weight = unpack_x_y_sample_weight(batch)
            if self.class_weight is not None:
                sample_weight = _only_class_weight(
                    y, sample_weight, self.class_weight, self.sparse_labels
                )
            x, y = to_arrays(x, "x"), None if y is None else to_arrays(y, "y")
            if sample_weight is not None:
                sample_weight = to_arrays(sample_weight, "sample_weight")
            count_samples(x=x, y=y, sample_weight=sample_weight)
            yield _tensors(pack_x_y_sample_weight(x, y, sample_weight))

    def _raw(self, epoch: int) -> Iterator[Any]:
        if not isinstance(self.x, PyDataset):
            yield from self.x
            return
        self.x.on_epoch_begin()
        yield from read_ahead(self.x, self._indices(epoch))
        self.x.on_epoch_end()

    def _indices(self, epoch: int) -> Any:
        if self.num_batches is None:
            return itertools.count()
        if self.seed is None:
            return range(self.num_batches)
        generator = np.random.Generator(np.random.Philox(key=[self.seed, epoch]))
        return [int(index) for index in generator.permutation(self.num_batches)]


def _length(x: Any) -> int | None:
    if isinstance(x, PyDataset):
        return x.num_batches
    try:
        return len(x)
    except TypeError:
        return None


Source = ArraySource | IterableSource


def get_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    shuffle: bool | str = False,
    class_weight: dict[Any, float] | None = None,
    sparse_labels: bool = False,
) -> Source:
    """Returns the source of batches for what a user passed.

    Raises:
        ValueError: for data of the wrong shape, or labels beside a source that has its own.
        TypeError: for data that is none of the kinds known.
    """
    if x is None:
        raise ValueError("x must be given, not None")
    if holds_arrays(x):
        for name, part in (("y", y), ("sample_weight", sample_weight)):
            if part is not None and not holds_arrays(part):
                raise TypeError(f"{name} must be an array, not {type(part).__name__}")
        return ArraySource(x, y, sample_weight, batch_size, shuffle, class_weight, sparse_labels)
    if isinstance(x, str | bytes) or not (hasattr(x, "__iter__") or isinstance(x, PyDataset)):
        raise TypeError(
            f"x must be arrays, a generator, a PyDataset or a loader, not {type(x).__name__}"
        )
    if isinstance(x, list | tuple | dict):
        # Neither numbers nor arrays inside: let the conversion say which item is wrong.
        to_arrays(x, "x")
    for name, part in (("y", y), ("sample_weight", sample_weight)):
        if part is not None:
            raise ValueError(
                f"{name} must not be given beside a {type(x).__name__}, which yields its own"
            )
    return IterableSource(x, shuffle, class_weight, sparse_labels)

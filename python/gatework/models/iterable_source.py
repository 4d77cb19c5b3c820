"""Ready-made batches: from a PyDataset, a loader such as PyTorch's, or a generator."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..preprocessing.batch import pack_x_y_sample_weight, unpack_x_y_sample_weight
from ..preprocessing.py_dataset import PyDataset, read_ahead
from ..random import next_seed
from .array_source import only_class_weight
from .arrays import convert_parts, to_tensors
from .expected import Expected


class IterableSource:
    """Batches `inputs`, `(inputs, targets)` or `(inputs, targets, sample_weights)` as they come.

    Args:
        x: the iterable; one that has `__next__` is used up once, any other is started anew.
        shuffle: a new random order of the batches each epoch, of a `PyDataset` with a length.
        class_weight, sparse_labels: see `class_weights`.
        expected: what the model takes.
    """

    restore = None

    def __init__(
        self,
        x: Any,
        shuffle: bool | str,
        class_weight: dict[Any, float] | None = None,
        sparse_labels: bool = False,
        expected: Expected | None = None,
    ) -> None:
        self.x = x
        self.class_weight = class_weight
        self.sparse_labels = sparse_labels
        self.expected = expected
        self.restartable = not hasattr(x, "__next__")
        self.num_batches = _length(x)
        if self.num_batches == 0:
            raise ValueError("x must yield at least one batch, not have length 0")
        self.endless = isinstance(x, PyDataset) and self.num_batches is None
        shuffles = bool(shuffle) and isinstance(x, PyDataset) and self.num_batches is not None
        self.seed = next_seed() if shuffles else 0

    def first(self) -> Any:
        """A batch; a generator yields it again afterwards."""
        if self.restartable:
            return next(self.batches(0))
        raw = next(self.x)
        self.x = itertools.chain([raw], self.x)
        return self._prepared(raw)

    def batches(self, epoch: int, skip: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch as tensors, without the first `skip` of them."""
        yield from map(self._prepared, self._raw(epoch, skip))

    def _prepared(self, batch: Any) -> Any:
        if batch is None or isinstance(batch, str | bytes):
            raise ValueError(
                "x must yield (inputs,), (inputs, targets) or (inputs, targets, "
                f"sample_weights), not {batch!r}"
            )
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        x, y, sample_weight = convert_parts(x, y, sample_weight, self.expected)
        if self.class_weight is not None:
            sample_weight = only_class_weight(
                y, sample_weight, self.class_weight, self.sparse_labels
            )
        return to_tensors(pack_x_y_sample_weight(x, y, sample_weight))

    def _raw(self, epoch: int, skip: int) -> Iterator[Any]:
        if not isinstance(self.x, PyDataset):
            yield from itertools.islice(self.x, skip, None)
            return
        self.x.on_epoch_begin()
        yield from read_ahead(self.x, itertools.islice(self._indices(epoch), skip, None))
        self.x.on_epoch_end()

    def _indices(self, epoch: int) -> Any:
        if self.num_batches is None:
            return itertools.count()
        if not self.seed:
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

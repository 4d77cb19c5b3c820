"""Windows over a long series, as batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..autograd import as_array

Array = npt.NDArray[Any]


class TimeseriesDataset:
    """Batches of windows; can be iterated again and again, and given to `fit`.

    Made by `timeseries_dataset_from_array`.
    """

    def __init__(
        self, data: Array, targets: Array | None, starts: Array, offsets: Array,
        batch_size: int | None, seed: int | None,
    ) -> None:  # fmt: skip
        self._data = data
        self._targets = targets
        self._starts = starts
        self._offsets = offsets
        self._batch_size = batch_size
        self._seed = seed
        self._pass = 0

    def __len__(self) -> int:
        """Batches; windows when there are no batches."""
        return -(-len(self._starts) // (self._batch_size or 1))

    def __iter__(self) -> Iterator[Any]:
        starts = self._starts
        if self._seed is not None:
            # A new order each time, the same ones after the same seed.
            starts = np.random.default_rng([self._seed, self._pass]).permutation(starts)
            self._pass += 1
        size = self._batch_size
        for first in range(0, len(starts), size or 1):
            chosen: Any = starts[first] if size is None else starts[first : first + size]
            windows = self._data[np.add.outer(chosen, self._offsets)]
            yield windows if self._targets is None else (windows, self._targets[chosen])


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str | None = None,
) -> TimeseriesDataset:
    """Cuts a series into windows.

    Args:
        data: (steps, ...).
        targets: `targets[i]` belongs to the window that starts at step i; None for windows alone.
        sequence_length: steps of a window.
        sequence_stride: steps from the start of one window to that of the next.
        sampling_rate: steps from one entry of a window to the next.
        batch_size: windows per batch; None gives them one by one, without a batch axis.
        shuffle: gives the windows in a random order, a new one in each pass.
        seed: of that order.
        start_index, end_index: steps before the one and from the other on are not used.
        format: only None: there is one kind of dataset here.

    Returns:
        An iterable of batches `(windows, time, ...)`, or of pairs of them and their targets.

    Raises:
        ValueError: for an argument outside its range.
    """
    steps, labels = as_array(data), None if targets is None else as_array(targets)
    if format is not None:
        raise ValueError(f"format must be None, not {format!r}: the dataset yields NumPy arrays")
    first, last = start_index or 0, len(steps) if end_index is None else end_index
    if not 0 <= first < len(steps):
        raise ValueError(f"start_index must be in [0, {len(steps)}), not {start_index}")
    if end_index is not None and not first < end_index <= len(steps):
        raise ValueError(f"end_index must be in ({first}, {len(steps)}], not {end_index}")
    for name, value, below in (
        ("sequence_length", sequence_length, None),
        ("sampling_rate", sampling_rate, len(steps)),
        ("sequence_stride", sequence_stride, len(steps)),
        ("batch_size", 1 if batch_size is None else batch_size, None),
    ):
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < 1 or (below is not None and value >= below):
            bound = "" if below is None else f" below {below}"
            raise ValueError(f"{name} must be a positive integer{bound}, not {value!r}")
    windows = last - first - (sequence_length - 1) * sampling_rate
    if labels is not None:
        windows = min(windows, len(labels), max(len(labels) - first, 0))
    if seed is None and shuffle:
        from ..random import next_seed

        seed = next_seed()
    return TimeseriesDataset(
        steps[first:last],
        None if labels is None else labels[first:last],
        np.arange(0, max(windows, 0), sequence_stride),
        np.arange(sequence_length) * sampling_rate,
        batch_size,
        seed if shuffle else None,
    )

"""PyDataset: batches by index, the form of data that can be shuffled and read ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any


class PyDataset:
    """Subclasses write `__getitem__(index)`, which returns a batch, and `__len__`.

    A batch is `(inputs,)`, `(inputs, targets)` or `(inputs, targets, sample_weights)`. Instead of
    `__len__`, `num_batches` may return None for a dataset without end.

    Args:
        workers: batches are prepared ahead by so many threads when above 1.
        use_multiprocessing: prepares them in processes; the dataset must be picklable.
        max_queue_size: how many batches are prepared ahead at most.
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 0:
            raise ValueError(f"workers must be an integer >= 0, not {workers!r}")
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must implement __getitem__(index)")

    @property
    def num_batches(self) -> int | None:
        """How many batches an epoch has."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} must implement __len__ or num_batches")

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


def read_ahead(dataset: PyDataset, indices: Iterable[int]) -> Iterator[Any]:
    """Yields the batches at `indices` in order, prepared ahead when the dataset asks for it."""
    workers = getattr(dataset, "workers", 1)
    processes = getattr(dataset, "use_multiprocessing", False) and workers > 0
    if workers <= 1 and not processes:
        for index in indices:
            yield dataset[index]
        return
    executor = _processes(dataset, workers) if processes else _threads(dataset, workers)
    waiting: deque[Any] = deque()
    ahead = max(1, int(getattr(dataset, "max_queue_size", 10)))
    try:
        for index in indices:
            waiting.append(executor.submit(_fetch if processes else dataset.__getitem__, index))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _threads(dataset: PyDataset, workers: int) -> Any:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(workers, thread_name_prefix="gatework-data")


def _processes(dataset: PyDataset, workers: int) -> Any:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Spawned, not forked: the thread pool of the kernels does not survive a fork in mid-use.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=_install, initargs=(dataset,))


_installed: list[PyDataset] = []


def _install(dataset: PyDataset) -> None:
    _installed[:] = [dataset]


def _fetch(index: int) -> Any:
    return _installed[0][index]

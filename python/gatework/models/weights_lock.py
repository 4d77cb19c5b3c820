"""Who may use a model's weights while they change: one thread trains, or any number predict."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["WeightsLock"]


class WeightsLock:
    """Many readers or one writer, batch by batch, so that no reader sees half of an update.

    A thread may take it again in either way while it has it: a training step may predict. Neither
    side starves: a writer that waits goes before readers that come later, and readers that wait
    when a writer is done go before its next write. Copies, pickles and forked processes start free.
    """

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._readers: dict[int, int] = {}  # thread: how often
        self._writer: int | None = None
        self._writes = 0  # how often the writer has it
        self._waiting_writers = 0
        self._waiting_readers = 0
        self._admitted = 0  # how many of the waiting readers go before the next writer
        self._trainer: int | None = None

    def __reduce__(self) -> tuple[type[WeightsLock], tuple[()]]:
        return WeightsLock, ()

    def _here(self) -> int:
        if self._process != os.getpid():
            self._start()
        return threading.get_ident()

    @contextmanager
    def training(self, name: str) -> Iterator[None]:
        """This thread trains the model of that name, batch after batch.

        Raises:
            RuntimeError: if another thread does.
        """
        me = self._here()
        with self._changed:
            self.refuse_beside_training("fit", name)
            around, self._trainer = self._trainer, me
        try:
            yield
        finally:
            self._trainer = around

    def refuse_beside_training(self, method: str, name: str) -> None:
        """Raises RuntimeError if another thread trains the model: they would share its state."""
        if self._trainer not in (None, self._here()):
            raise RuntimeError(
                f"{method} of {name!r} must wait until the other thread has trained it, not run "
                "beside it: both would use the same metrics and states"
            )

    def reading(self) -> _Use:
        """The weights stay as they are inside of a `with` block of this."""
        return _Use(self._begin_reading, self._end_reading)

    def writing(self) -> _Use:
        """Nobody else reads or writes the weights inside of a `with` block of this."""
        return _Use(self._begin_writing, self._end_writing)

    def _begin_reading(self) -> None:
        me = self._here()
        with self._changed:
            if not self._holds(me):
                self._wait_to_read()
            self._readers[me] = self._readers.get(me, 0) + 1

    def _end_reading(self) -> None:
        me = self._here()
        with self._changed:
            self._readers[me] -= 1
            if not self._readers[me]:
                del self._readers[me]
                self._tell()

    def _holds(self, thread: int) -> bool:
        return self._writer == thread or thread in self._readers

    def _wait_to_read(self) -> None:
        self._waiting_readers += 1
        try:
            while self._writer is not None or (self._waiting_writers and not self._admitted):
                self._changed.wait()
        finally:
            self._waiting_readers -= 1
            self._admitted = max(self._admitted - 1, 0)
            self._tell()

    def _begin_writing(self) -> None:
        me = self._here()
        with self._changed:
            if self._must_wait_to_write(me):
                self._waiting_writers += 1
                try:
                    while self._must_wait_to_write(me):
                        self._changed.wait()
                finally:
                    self._waiting_writers -= 1
                    self._tell()
            self._writer = me
            self._writes += 1

    def _must_wait_to_write(self, me: int) -> bool:
        if self._writer not in (None, me) or self._readers.keys() - {me}:
            return True
        return bool(self._admitted) and not self._holds(me)

    def _end_writing(self) -> None:
        with self._changed:
            self._writes -= 1
            if not self._writes:
                self._writer = None
                self._admitted = self._waiting_readers
                self._tell()

    def _tell(self) -> None:
        """Wakes those who wait, if any do."""
        if self._waiting_readers or self._waiting_writers:
            self._changed.notify_all()


class _Use:
    """A `with` block between two calls: a generator would take longer than what it does."""

    __slots__ = ("_begin", "_end")

    def __init__(self, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self._begin = begin
        self._end = end

    def __enter__(self) -> None:
        self._begin()

    def __exit__(self, *_: object) -> None:
        self._end()

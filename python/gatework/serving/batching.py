"""Requests that are there at the same time run together."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..autograd import Array
from .errors import BadRequest, Overloaded
from .joining import Joining
from .settings import Settings

__all__ = ["Batcher"]

_log = logging.getLogger("gatework.serving")


@dataclass(eq=False)
class _Job:
    arrays: list[Array]
    future: asyncio.Future[list[Array]]
    since: float

    @property
    def rows(self) -> int:
        return len(self.arrays[0])


@dataclass(eq=False)
class _Line:
    """Jobs that can be in one batch."""

    jobs: deque[_Job] = field(default_factory=deque)
    rows: int = 0

    def take(self, most: int) -> list[_Job]:
        """The first jobs, of so many rows at most together; one in any case."""
        taken = [self.jobs.popleft()]
        rows = taken[0].rows
        while self.jobs and rows + self.jobs[0].rows <= most:
            taken.append(self.jobs.popleft())
            rows += taken[-1].rows
        self.rows -= rows
        return taken


class Batcher:
    """Runs jobs one batch after the other, in another thread; each batch is what fits together.

    All of it happens in the event loop but the running. Jobs that can be joined are, up to
    ``max_batch`` rows, the oldest first; while one batch runs the next gathers.

    Args:
        joining: says which jobs can be in one batch, and runs it.
        executor: where it runs.
        settings: ``max_batch``, ``max_wait``, ``max_queue``.
        on_batch: told the rows of each batch, and the seconds for which its oldest job waited.
    """

    def __init__(
        self,
        joining: Joining,
        executor: Executor,
        settings: Settings,
        on_batch: Callable[[int, float], None] = lambda rows, waited: None,
    ) -> None:
        self._joining = joining
        self._executor = executor
        self._settings = settings
        self._on_batch = on_batch
        self._lines: dict[Any, _Line] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._running = False
        self.waiting = 0  # rows

    async def compute(self, arrays: list[Array]) -> list[Array]:
        """The outputs for some rows, in flat order.

        Raises:
            Overloaded: too many rows wait already.
            BadRequest: the program refuses arrays of that shape.
        """
        most = self._settings.max_batch
        rows = len(arrays[0])
        if self.waiting and self.waiting + rows > self._settings.max_queue:
            raise Overloaded(
                f"the queue must not exceed {self._settings.max_queue} rows: {self.waiting} wait"
            )
        parts = [[array[i : i + most] for array in arrays] for i in range(0, rows, most)]
        futures = [self._put(part) for part in parts]
        self._start()
        try:
            found = [await future for future in futures]
        finally:
            for future in futures:  # the client went, or one part failed
                future.cancel()
        if len(found) == 1:
            return found[0]
        return [np.concatenate(column) for column in zip(*found, strict=True)]

    def _put(self, arrays: list[Array]) -> asyncio.Future[list[Array]]:
        loop = asyncio.get_running_loop()
        job = _Job(arrays, loop.create_future(), loop.time())
        key = self._joining.key(arrays)
        line = self._lines.setdefault(key, _Line())
        line.jobs.append(job)
        line.rows += job.rows
        self.waiting += job.rows
        return job.future

    def _start(self) -> None:
        """Starts the next batch, if none runs and one is there or has waited long enough."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._lines and not self._running:
            loop = asyncio.get_running_loop()
            latest = loop.time() - self._settings.max_wait
            key, line = min(
                self._lines.items(),
                # Full ones first, then by age.
                key=lambda item: (
                    item[1].rows < self._settings.max_batch,
                    item[1].jobs[0].since,
                ),
            )
            oldest = line.jobs[0].since
            if line.rows < self._settings.max_batch and oldest > latest:
                self._timer = loop.call_at(oldest + self._settings.max_wait, self._start)
                return
            jobs = line.take(self._settings.max_batch)
            if not line.jobs:
                del self._lines[key]
            self.waiting -= sum(job.rows for job in jobs)
            jobs = [job for job in jobs if not job.future.done()]
            if jobs:
                self._begin(jobs, loop.time() - oldest)

    def _begin(self, jobs: list[_Job], waited: float) -> None:
        self._running = True
        self._on_batch(sum(job.rows for job in jobs), waited)
        future = asyncio.get_running_loop().run_in_executor(
            self._executor, self._joining.run, [job.arrays for job in jobs]
        )
        future.add_done_callback(functools.partial(self._done, jobs))

    def _done(self, jobs: list[_Job], future: asyncio.Future[list[list[Array]]]) -> None:
        self._running = False
        error = None if future.cancelled() else future.exception()
        if isinstance(error, ValueError):
            error = BadRequest(f"inputs must be ones that the model takes: {error}")
        elif error is not None:
            _log.error("a batch failed", exc_info=error)
        for i, job in enumerate(jobs):
            if job.future.done():
                pass  # nobody waits for it any more
            elif future.cancelled():
                job.future.cancel()
            elif error is not None:
                job.future.set_exception(error)
            else:
                job.future.set_result(future.result()[i])
        self._start()

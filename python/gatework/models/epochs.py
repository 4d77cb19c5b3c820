"""Epochs over a source of batches, whether or not an epoch is one pass over it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from .data_adapter import Source


class Epochs:
    """Yields the batches of one epoch after the other.

    Without `steps` an epoch is a pass over the source. With `steps` an epoch goes on where the last
    one stopped and starts the source anew only when that is used up.

    Attributes:
        num_batches: batches of an epoch; None until a source of unknown length has been seen once.
    """

    def __init__(self, source: Source, steps: int | None = None, steps_name: str = "steps") -> None:
        whole = isinstance(steps, int) and not isinstance(steps, bool)
        if steps is not None and (not whole or steps < 1):
            raise ValueError(f"{steps_name} must be a positive integer or None, not {steps!r}")
        if steps is None and getattr(source, "endless", False):
            raise ValueError(f"{steps_name} must be given for a dataset without end, not None")
        self.source = source
        self.steps = steps
        self.num_batches = steps or source.num_batches
        self._current: Iterator[Any] | None = None
        # With `steps`: the epoch in which the present pass began, and its batches taken.
        self._pass = [0, 0]
        self._resumes = False

    def batches(self, epoch: int, skip: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch; none when a generator is used up.

        Args:
            epoch: its number.
            skip: how many of them are done already.
        """
        if self.steps is None:
            count = skip
            for batch in self.source.batches(epoch, skip):
                yield batch
                count += 1
            self.num_batches = self.num_batches or count
            return
        for step in range(skip, self.steps):
            batch = self._next(epoch, restart=step == 0)
            if batch is None:
                if step > 0:
                    warnings.warn(
                        f"data ended after {step} of {self.steps} steps: the epoch ends early",
                        stacklevel=2,
                    )
                return
            yield batch

    def _next(self, epoch: int, restart: bool) -> Any:
        if self._resumes:
            self._resumes = False
            self._current = self.source.batches(*self._pass)
        if self._current is not None:
            batch = next(self._current, None)
            if batch is not None or not (restart and self.source.restartable):
                self._pass[1] += 1
                return batch
        self._current = self.source.batches(epoch)
        self._pass = [epoch, 1]
        return next(self._current, None)

    def position(self) -> dict[str, Any]:
        """Where the data stands, for `go_to` in another process."""
        return {"seed": self.source.seed, "pass": self._pass}

    def go_to(self, position: dict[str, Any]) -> None:
        """Goes on as the run did whose `position` this is."""
        self.source.seed = position["seed"]
        self._pass = list(position["pass"])
        self._resumes = self.steps is not None and self._pass[1] > 0

    def close(self) -> None:
        """Lets go of a half-read source, ending its worker threads."""
        close = getattr(self._current, "close", None)
        if close is not None:
            close()
        self._current = None

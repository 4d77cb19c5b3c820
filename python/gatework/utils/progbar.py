"""Progbar: the progress bar of `fit` for loops that users write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..callbacks.progress import ProgressBar

__all__ = ["Progbar"]


class Progbar:
    """Shows the progress of a loop.

    Args:
        target: number of steps; None when unknown.
        width: of the bar, in characters.
        verbose: 0 silent, 1 a bar, 2 one line at the end.
        interval: seconds between two drawings at least.
        stateful_metrics: names whose values are shown as they come; all others are averaged.
        stateless_metrics: names whose values are averaged; all others are shown as they come.
        unit_name: what a step is called.

    Raises:
        ValueError: for both kinds of names at once.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "only one of stateful_metrics and stateless_metrics must be given, not both"
            )
        self.target = target
        self.verbose = verbose
        self._stateful = None if stateful_metrics is None else set(stateful_metrics)
        self._stateless = None if stateless_metrics is None else set(stateless_metrics)
        self._seen = 0
        self._sums: dict[str, tuple[Any, int]] = {}
        self._bar = ProgressBar()
        self._bar.width, self._bar.interval, self._bar.unit_name = width, interval, unit_name
        self._bar.set_params({"verbose": verbose, "epochs": 1, "steps": target})
        self._open = False

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Shows step `current` and the values, pairs of a name and its value at this step.

        Args:
            current: steps done.
            values: what to show behind the bar.
            finalize: whether this is the end; when None, once `current` reaches the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        steps = max(current - self._seen, 1)
        for name, value in values or ():
            total, count = self._sums.get(name, (0.0, 0))
            if finalize or not self._averages(name):
                self._sums[name] = (value, 1)
            else:
                self._sums[name] = (total + np.mean(value) * steps, count + steps)
        self._seen = current
        if not self._open and self.verbose:
            self._bar.on_predict_begin()
            self._open = True
        logs = {
            name: total / count if count > 1 else total
            for name, (total, count) in self._sums.items()
        }
        if not self.verbose:
            return
        self._bar.on_train_batch_end(current - 1, logs)
        if finalize:
            self._bar.on_epoch_end(0, logs)
            self._open = False

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Goes on by `n` steps."""
        self.update(self._seen + n, values)

    def _averages(self, name: str) -> bool:
        if self._stateless is not None:
            return name in self._stateless
        return self._stateful is None or name not in self._stateful

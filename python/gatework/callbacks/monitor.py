"""What the callbacks that watch one metric share: which direction is better, and by how much."""

from __future__ import annotations

import warnings
from typing import Any

from .base import Callback, Logs


class MonitorCallback(Callback):
    """Watches `monitor`.

    Args:
        monitor: a name in the logs, such as "val_loss".
        mode: "min", "max", or "auto" to go by the metric itself.
        baseline: the best value so far, if any.
        min_delta: smaller changes are no improvement.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0.0,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode must be 'auto', 'min' or 'max', not {mode!r}")
        self.monitor = monitor
        self.mode = mode
        self.best = baseline
        self.min_delta = abs(min_delta)
        self._sign = {"min": -1.0, "max": 1.0}.get(mode, 0.0)

    def _direction(self) -> float:
        """+1 when greater is better, -1 when less is."""
        if self._sign == 0.0:
            self._sign = self._guess_direction()
        return self._sign

    def _guess_direction(self) -> float:
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return -1.0
        for metric in getattr(self.model, "metrics", ()):
            for candidate in (metric, *getattr(metric, "metrics", ())):
                if candidate.name == name or name.endswith(f"_{candidate.name}"):
                    direction = getattr(candidate, "_direction", None)
                    if direction is not None:
                        return 1.0 if direction == "up" else -1.0
        raise ValueError(
            f"mode must be 'min' or 'max' for monitor={self.monitor!r}: which direction is better "
            "cannot be told from its name"
        )

    def is_improvement(self, value: float, reference: float | None) -> bool:
        """True when `value` beats `reference` by more than `min_delta`; anything beats None."""
        if reference is None:
            return True
        sign = self._direction()
        return bool(sign * (value - reference) > self.min_delta)

    def monitored(self, logs: Logs) -> Any:
        """The watched value, or None after a warning."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__} finds no {self.monitor!r} in the logs; "
                f"there are: {', '.join(logs or {})}",
                stacklevel=3,
            )
        return value

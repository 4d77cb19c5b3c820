"""Progress on the terminal: an epoch line, a bar with step count and times, loss and metrics."""

from __future__ import annotations

import time
from typing import Any

from .base import Callback, Logs
from .console import Console

# The bar is redrawn at most this often; in between a batch costs one look at the clock.
REFRESH_SECONDS = 0.05


def format_value(value: Any) -> str:
    """A metric with 4 digits after the point, in scientific notation when tiny."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{number:.4f}" if abs(number) > 1e-3 or number == 0 else f"{number:.4e}"


def format_step_time(seconds: float) -> str:
    """Time per step in the unit that suits it."""
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/step"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms/step"
    return f"{seconds * 1e6:.0f}us/step"


def format_duration(seconds: float) -> str:
    """A duration as 7s, 1:07 or 1:00:07."""
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"


class ProgressBar(Callback):
    """Shows the progress of `fit`, `evaluate` and `predict`; added by them unless `verbose=0`.

    `verbose` 1 draws a bar, 2 writes one line per epoch, "auto" means 1. Where lines cannot be
    drawn over (a file, a pipe) the bar appears once, when the epoch is done.
    """

    width = 20
    interval: float | None = None  # REFRESH_SECONDS
    unit_name = "step"

    def __init__(self) -> None:
        super().__init__()
        self.verbose: int = 1
        self.epochs = 1
        self.target: int | None = None
        self._console = Console()
        self._bar: Any = None
        self._in_fit = False
        self._seen = 0
        self._epoch_line = ""
        self._start = self._last = 0.0

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    # ---- hooks

    def on_train_begin(self, logs: Logs = None) -> None:
        self._in_fit = True

    def on_train_end(self, logs: Logs = None) -> None:
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch_line = f"Epoch {epoch + 1}/{self.epochs}" if self.epochs > 1 else ""
        if self.verbose == 1 and self._epoch_line:
            self._console.write(self._epoch_line + "\n")
        self._open()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._finish(logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._step(batch, logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._epoch_line = ""
            self._open()

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._in_fit:
            self._step(batch, logs)

    def on_test_end(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._epoch_line = ""
        self._open()

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._step(batch, None)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finish(None)

    # ---- drawing

    def _open(self) -> None:
        self.close()
        self._seen = 0
        self._start = time.perf_counter()
        self._last = 0.0
        if self.verbose == 1 and self._console.isatty():
            self._bar = self._new_bar()

    def _new_bar(self) -> Any:
        import threading

        from tqdm import tqdm

        class Bar(tqdm):  # type: ignore[misc]  # tqdm has no types
            # No watcher thread: the bar is redrawn by the training loop alone.
            monitor_interval = 0

        Bar.set_lock(threading.RLock())
        return Bar(
            total=self.target,
            file=self._console,
            bar_format=self._bar_format(),
            ascii=self._symbols(),
            leave=True,
            mininterval=0,
            dynamic_ncols=True,
        )

    def _bar_format(self) -> str:
        if not self.target:
            return "{n_fmt:>7}/Unknown {desc}"
        return f"{{n_fmt}}/{{total_fmt}} {{bar:{self.width}}} {{desc}}"

    def _symbols(self) -> str:
        return "─━" if self._console.can_write("─━") else ".="

    def _step(self, batch: int, logs: Logs) -> None:
        self._seen = batch + 1
        if self._bar is None:
            return
        now = time.perf_counter()
        if now - self._last < (REFRESH_SECONDS if self.interval is None else self.interval):
            return
        self._last = now
        per_step = (now - self._start) / self._seen
        spent = now - self._start
        if self.target:
            spent = per_step * max(self.target - self._seen, 0)
        self._draw(self._times(spent, per_step), logs)

    def _times(self, spent: float, per_step: float) -> str:
        step = format_step_time(per_step).removesuffix("step") + self.unit_name
        return f"{format_duration(spent)} {step}"

    def _draw(self, times: str, logs: Logs) -> None:
        self._bar.n = self._seen
        self._bar.set_description_str(times + self._metrics(logs), refresh=True)

    def _metrics(self, logs: Logs) -> str:
        return "".join(f" - {name}: {format_value(v)}" for name, v in (logs or {}).items())

    def _finish(self, logs: Logs) -> None:
        spent = time.perf_counter() - self._start
        # An epoch of unknown length has now been counted.
        self.target = self.target or self._seen
        per_step = spent / max(self._seen, 1)
        times = self._times(spent, per_step)
        if self._bar is not None:
            self._bar.total = self.target
            self._bar.bar_format = self._bar_format()
            # The last line stays: better wrapped than cut at the width of the terminal.
            self._bar.dynamic_ncols = self._bar.ncols = None
            self._draw(times, logs)
            self.close()
        elif self.verbose == 1:
            symbols = self._symbols()
            filled = min(self.width, self.width * self._seen // max(self.target, 1))
            done = symbols[1] * filled + symbols[0] * (self.width - filled)
            self._line(f"{self._seen}/{self.target} {done} {times}{self._metrics(logs)}")
        elif self.verbose == 2:
            head = f"{self._epoch_line} - " if self._epoch_line else ""
            count = f"{self._seen}/{self.target} - {times.replace(' ', ' - ')}"
            self._line(head + count + self._metrics(logs))

    def _line(self, text: str) -> None:
        self._console.write(text + "\n")
        self._console.flush()

    def close(self) -> None:
        """Ends the bar where it stands."""
        if self._bar is not None:
            bar, self._bar = self._bar, None
            bar.close()

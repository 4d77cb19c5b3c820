"""The progress bar and the table of a training run."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from gatework.callbacks import Callback


class PerplexityTable(Callback):
    """One bar for the whole run (tokens/s, ETA, loss), one line of perplexities per epoch.

    Args:
        tokens_per_epoch: tokens that one epoch trains on.
        epochs: number of epochs the bar is drawn for.
        validation: called after each epoch; gives the validation perplexity.
        rivals: name and validation perplexity of each counted model, shown beside it.

    Attributes:
        history: one dictionary per epoch finished, with "epoch", "train", "validation",
            "tokens_per_second" and "seconds" (since training began).
    """

    def __init__(
        self,
        tokens_per_epoch: int,
        epochs: int,
        validation: Callable[[], float],
        rivals: dict[str, float],
    ) -> None:
        super().__init__()
        self.tokens_per_epoch = tokens_per_epoch
        self.epochs = epochs
        self.validation = validation
        self.rivals = rivals
        self.history: list[dict[str, float]] = []
        self._bar: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        from tqdm import tqdm

        self._start = time.perf_counter()
        titles = "".join(f"{name:>14}" for name in self.rivals)
        print(f"{'epoch':>5}{'train':>10}{'validation':>12}{titles}{'tokens/s':>12}{'time':>8}")
        self._bar = tqdm(
            total=self.tokens_per_epoch * self.epochs,
            unit="token",
            unit_scale=True,
            leave=False,
            dynamic_ncols=True,
            mininterval=0.2,
            bar_format="{l_bar}{bar}| {rate_fmt}, {remaining} left{postfix}",
            disable=None,  # no bar where nobody watches: a pipe, a log
        )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._epoch_start = time.perf_counter()
        self._done = 0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        steps = int((self.params or {}).get("steps") or 1)
        done = self.tokens_per_epoch * (batch + 1) // steps
        if logs and "loss" in logs:
            self._bar.set_postfix_str(f"loss {float(logs['loss']):.3f}", refresh=False)
        self._bar.update(done - self._done)
        self._done = done

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        seconds = time.perf_counter() - self._epoch_start
        row = {
            "epoch": epoch + 1,
            "train": math.exp(float((logs or {})["loss"])),
            "validation": self.validation(),
            "tokens_per_second": self.tokens_per_epoch / seconds,
            "seconds": time.perf_counter() - self._start,
        }
        self.history.append(row)
        rivals = "".join(f"{value:>14.1f}" for value in self.rivals.values())
        self._bar.clear()
        print(
            f"{row['epoch']:>5}{row['train']:>10.1f}{row['validation']:>12.1f}{rivals}"
            f"{row['tokens_per_second']:>12,.0f}{row['seconds']:>7.0f}s",
            flush=True,
        )
        self._bar.refresh()

    def close(self) -> None:
        """Take the bar off the screen; also after an interruption."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        self.close()

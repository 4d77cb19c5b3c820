"""Saving the model while it trains."""

from __future__ import annotations

import os
import warnings
from typing import Any

from .base import Logs
from .console import announce
from .monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, every epoch or every so many batches.

    Args:
        filepath: ends in ".keras" (or ".h5"), or in ".weights.h5" with `save_weights_only`; fields
            such as "{epoch:02d}-{val_loss:.2f}" are filled from the epoch and the logs.
        monitor, mode: see `MonitorCallback`; used with `save_best_only`.
        verbose: 1 prints each save.
        save_best_only: saves only when `monitor` improves.
        save_weights_only: saves weights instead of the model.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: the value that the first save must beat.

    Raises:
        ValueError: for another ending, or another `save_freq`.
    """

    saved_attributes = ("best", "_batches_since_save")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, baseline=initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        if save_freq != "epoch" and (
            isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1
        ):
            raise ValueError(f"save_freq must be 'epoch' or an integer >= 1, not {save_freq!r}")
        if save_weights_only and not self.filepath.endswith(".weights.h5"):
            raise ValueError(f"filepath must end in '.weights.h5', not {self.filepath!r}")
        if not self.filepath.endswith((".keras", ".h5")):
            raise ValueError(f"filepath must end in '.keras', not {self.filepath!r}")
        self._epoch = 0
        self._batches_since_save = 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if isinstance(self.save_freq, str):
            return
        self._batches_since_save += 1
        if self._batches_since_save >= self.save_freq:
            self._batches_since_save = 0
            self._save(self._epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, None, logs)

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        path = self._path(epoch, batch, logs or {})
        if not self._should_save(epoch, path, logs or {}):
            return
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _should_save(self, epoch: int, path: str, logs: dict[str, Any]) -> bool:
        head = f"\nEpoch {epoch + 1}:"
        if not self.save_best_only:
            if self.verbose > 0:
                announce(f"{head} saving model to {path}")
            return True
        current = logs.get(self.monitor)
        if not isinstance(current, int | float):
            warnings.warn(
                f"ModelCheckpoint cannot tell the best model: {self.monitor!r} is "
                f"{'not in the logs' if current is None else 'not a number'}; it saves anyway",
                stacklevel=4,
            )
            return True
        better = self.is_improvement(current, self.best)
        if self.verbose > 0:
            best = "None" if self.best is None else f"{self.best:.5f}"
            text = (
                f"improved from {best} to {current:.5f}, saving model to {path}"
                if better
                else f"did not improve from {best}"
            )
            announce(f"{head} {self.monitor} {text}")
        if better:
            self.best = current
        return better

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        fields = {"epoch": epoch + 1, **({} if batch is None else {"batch": batch + 1}), **logs}
        try:
            return self.filepath.format(**fields)
        except (KeyError, IndexError) as error:
            raise KeyError(
                f"filepath must use only the fields {', '.join(sorted(fields))}, "
                f"not {error} in {self.filepath!r}"
            ) from error

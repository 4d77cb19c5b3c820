"""The record of a training run."""

from __future__ import annotations

from typing import Any

from .base import Callback, Logs


class History(Callback):
    """Collects the logs of every epoch; `fit` returns one.

    Attributes:
        history: name of a loss or metric -> its values, one per epoch.
        epoch: the epochs' numbers, from 0.
    """

    saved_attributes = ("history", "epoch")

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def __getstate__(self) -> dict[str, Any]:
        # A record alone: the model does not go where it goes.
        return {**self.__dict__, "_model": None}

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

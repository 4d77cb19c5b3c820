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

    def plot(self, *names: str) -> Any:
        """Draws the values over the epochs, those of validation in the same frame.

        Needs matplotlib, the extra `gatework[plot]`.

        Args:
            *names: losses and metrics without "val_"; all of them when none is given.

        Returns:
            A matplotlib Figure; `figure.savefig("history.png")` writes it to a file.

        Raises:
            ImportError: without matplotlib.
            ValueError: for a name that is not in the history, or no history at all.
        """
        from .history_plot import draw

        return draw(self.history, self.epoch, names)

    def __getstate__(self) -> dict[str, Any]:
        # A record alone: the model does not go where it goes.
        return {**self.__dict__, "_model": None}

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

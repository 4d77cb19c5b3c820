"""Evaluating with the moving average of the weights."""

from __future__ import annotations

from typing import Any

from .base import Callback, Logs


class SwapEMAWeights(Callback):
    """Puts the optimizer's moving averages into the model during `evaluate` and `predict`.

    Args:
        swap_on_epoch: also swaps at the end of each epoch, so that what is saved then are the
            averages, and back before the next.

    Raises:
        ValueError: when the optimizer was not made with `use_ema=True`.
    """

    saved_attributes = ("_averages_in_model",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._averages_in_model = False

    def _swap(self, averages_in_model: bool) -> None:
        if averages_in_model == self._averages_in_model:
            return
        for variable, average in self._pairs():
            held = variable.numpy().copy()
            variable.assign(average.numpy().copy())
            average.assign(held)
        self._averages_in_model = averages_in_model

    def _pairs(self) -> list[tuple[Any, Any]]:
        optimizer = self.model.optimizer
        if not getattr(optimizer, "use_ema", False):
            raise ValueError("optimizer must be made with use_ema=True for SwapEMAWeights")
        return list(zip(optimizer._trainable_variables, optimizer._averages, strict=True))

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if not self.swap_on_epoch:
            return
        self._swap(True)
        if self.params and epoch == self.params["epochs"] - 1:
            # fit ends by copying the averages into the model: they are there already.
            for variable, average in self._pairs():
                average.assign(variable.numpy().copy())

    def on_test_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Logs = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._swap(False)

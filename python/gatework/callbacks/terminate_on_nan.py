"""Stopping a run that has gone wrong."""

from __future__ import annotations

import math
from typing import Any

from .base import Callback, Logs
from .console import announce


class TerminateOnNaN(Callback):
    """Stops `fit` at the batch whose loss is NaN or infinite, and says where that began.

    The update of that batch is not made: the model keeps the weights that it had before.

    Args:
        raise_error: raises RuntimeError instead of stopping.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error
        self._where = ""

    def on_train_begin(self, logs: Logs = None) -> None:
        self._where = ""
        # Asked by the training step, while the weights are still those of before the batch.
        self.model._on_bad_loss = self._look

    def _look(self, x: Any, y: Any, sample_weight: Any) -> None:
        from ..models.first_bad import first_bad

        self._where = first_bad(self.model, x, y, sample_weight)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if not self._where and (loss is None or math.isfinite(loss)):
            return
        where = f": {self._where}" if self._where else ""
        shown = math.nan if loss is None else loss
        if self.raise_error:
            raise RuntimeError(f"loss is {shown} at batch {batch}{where}")
        announce(f"\nBatch {batch}: loss is {shown}, training stops{where}")
        self.model.stop_training = True

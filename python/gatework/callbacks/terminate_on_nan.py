"""Stopping a run that has gone wrong."""

from __future__ import annotations

import math

from .base import Callback, Logs
from .console import announce


class TerminateOnNaN(Callback):
    """Stops `fit` after the batch whose loss is NaN or infinite.

    Args:
        raise_error: raises RuntimeError instead of stopping.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"loss is {loss} at batch {batch}")
        announce(f"\nBatch {batch}: loss is {loss}, training stops")
        self.model.stop_training = True

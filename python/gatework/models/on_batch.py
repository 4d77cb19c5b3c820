"""Training, testing and predicting a single batch."""

from __future__ import annotations

from typing import Any

from ..callbacks.callback_list import plain_logs
from ..preprocessing.batch import pack_x_y_sample_weight
from .array_source import only_class_weight
from .arrays import convert_parts, to_tensors
from .expected import Expected
from .interface import TrainerInterface
from .predictions import Predictions


class BatchMethods(TrainerInterface):
    """`train_on_batch`, `test_on_batch` and `predict_on_batch`."""

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[Any, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Makes one update with a batch; returns loss and metrics of this batch as `evaluate`."""
        self._require_compiled("train_on_batch")
        self._weights_lock.refuse_beside_training("train_on_batch", self.name)
        data = self._one_batch(x, y, sample_weight, class_weight)
        before = self._lookups
        if before is None and self._trained_on_batches:
            self._lookups = self._looked_up()
        try:
            self.reset_metrics()
            with self._weights_lock.writing():
                logs = plain_logs(self.train_step(data))
            self._trained_on_batches = True  # weights and metrics have all been created
            return logs if return_dict else self._in_order(logs)
        finally:
            self._lookups = before

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Returns loss and metrics of a batch as `evaluate` does."""
        self._require_compiled("test_on_batch")
        self._weights_lock.refuse_beside_training("test_on_batch", self.name)
        data = self._one_batch(x, y, sample_weight)
        self.reset_metrics()
        with self._weights_lock.reading():
            logs = plain_logs(self.test_step(data))
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """Returns the outputs for a batch, as NumPy arrays."""
        batch = self._one_batch(x)
        predictions = Predictions()
        with self._weights_lock.reading():
            predictions.add(batch, self._predicted(batch))
        return predictions.joined()

    def _one_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[Any, float] | None = None,
    ) -> Any:
        x, y, sample_weight = convert_parts(x, y, sample_weight, Expected.of(self))
        if class_weight is not None:
            sparse = self._has_sparse_labels()
            sample_weight = only_class_weight(y, sample_weight, class_weight, sparse)
        if y is not None and self._compile_loss is not None:
            self._compile_loss.check_labels(y)
        return to_tensors(pack_x_y_sample_weight(x, y, sample_weight))

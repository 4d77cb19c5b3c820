"""Training, testing and predicting a single batch."""

from __future__ import annotations

from typing import Any

from ..autograd import as_array, as_tensor
from ..callbacks.callback_list import plain_logs
from ..preprocessing.batch import pack_x_y_sample_weight
from ..tree import map_structure
from .arrays import class_weights, count_samples, to_arrays
from .interface import TrainerInterface


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
        data = self._one_batch(x, y, sample_weight, class_weight)
        self.reset_metrics()
        logs = plain_logs(self.train_step(data))
        return logs if return_dict else self._in_order(logs)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Returns loss and metrics of a batch as `evaluate` does."""
        self._require_compiled("test_on_batch")
        data = self._one_batch(x, y, sample_weight)
        self.reset_metrics()
        logs = plain_logs(self.test_step(data))
        return logs if return_dict else self._in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """Returns the outputs for a batch, as NumPy arrays."""
        return map_structure(as_array, self.predict_step(self._one_batch(x)))

    def _one_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[Any, float] | None = None,
    ) -> Any:
        x = to_arrays(x, "x")
        y = None if y is None else to_arrays(y, "y")
        if class_weight is not None:
            if sample_weight is not None:
                raise ValueError("only one of sample_weight and class_weight must be given")
            sample_weight = class_weights(y, class_weight, self._has_sparse_labels())
        elif sample_weight is not None:
            sample_weight = to_arrays(sample_weight, "sample_weight")
        count_samples(x=x, y=y, sample_weight=sample_weight)
        if y is not None and self._compile_loss is not None:
            self._compile_loss.check_labels(y)
        packed = pack_x_y_sample_weight(x, y, sample_weight)
        return map_structure(lambda leaf: None if leaf is None else as_tensor(leaf), packed)

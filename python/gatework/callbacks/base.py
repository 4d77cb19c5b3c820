"""The Callback base class: hooks that `fit`, `evaluate` and `predict` call."""

from __future__ import annotations

from typing import Any, ClassVar

from .._suggest import NamedArguments

Logs = dict[str, Any] | None


class Callback(NamedArguments):
    """Override the hooks of interest; `self.model` and `self.params` are set before the first.

    `params` holds "verbose", "epochs" and "steps". `logs` holds the loss and metrics so far, as
    floats. Setting `self.model.stop_training = True` ends `fit` after the current batch.

    A callback that remembers something from epoch to epoch names those attributes (numbers,
    strings, arrays, and lists and dictionaries of them) in `saved_attributes`; then
    `BackupAndRestore` saves them and puts them back. One with `runs_last` is called after the
    others.
    """

    saved_attributes: ClassVar[tuple[str, ...]] = ()
    runs_last: ClassVar[bool] = False

    def __init__(self) -> None:
        self.params: dict[str, Any] | None = None
        self._model: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def set_model(self, model: Any) -> None:
        self._model = model

    @property
    def model(self) -> Any:
        return self._model

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """The same as `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        """The same as `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Before an epoch of `fit`."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """After an epoch of `fit` and its validation; `logs` has the "val_" entries too."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of `fit`."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of `fit`."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of `evaluate` or of validation."""

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of `evaluate` or of validation."""

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a batch of `predict`; `logs["outputs"]` holds its result."""

    def on_train_begin(self, logs: Logs = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs = None) -> None:
        """After the last epoch; not called when `fit` ends by an exception."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Before `evaluate` or validation."""

    def on_test_end(self, logs: Logs = None) -> None:
        """After `evaluate` or validation."""

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Before `predict`."""

    def on_predict_end(self, logs: Logs = None) -> None:
        """After `predict`."""

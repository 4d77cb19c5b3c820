"""The callbacks of one run, called in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..tree import flatten
from .base import Callback, Logs
from .csv_logger import CSVLogger
from .history import History
from .progress import ProgressBar
from .tensorboard import TensorBoard

_BATCH_HOOKS = {
    f"on_{kind}_batch_{moment}"
    for kind in ("train", "test", "predict")
    for moment in ("begin", "end")
}


def plain_logs(logs: Logs) -> dict[str, Any]:
    """Returns logs with numbers as Python floats, nested dictionaries flattened, names sorted."""
    plain: dict[str, Any] = {}
    for name in sorted(logs or {}):
        value = (logs or {})[name]
        if isinstance(value, dict):
            plain.update(plain_logs(value))
            continue
        try:
            plain[name] = float(value)
        except (TypeError, ValueError):
            # A metric of several numbers, or a string: passed on as it is.
            plain[name] = value
    return plain


def _runs_last(callback: Any) -> bool:
    return bool(getattr(callback, "runs_last", False))


class CallbackList(Callback):
    """Calls the same hook of every callback.

    Per-batch hooks that no callback overrides cost nothing: they are found once, up front.

    Args:
        callbacks: callbacks, nested lists of them, or None.
        add_history: adds a `History` unless there is one.
        add_progbar: adds a `ProgressBar` unless there is one.
        model: the model that runs.
        **params: given to every callback: "verbose", "epochs", "steps".
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks: list[Any] = flatten(callbacks) if callbacks else []
        for callback in self.callbacks:
            if not isinstance(callback, Callback) and not hasattr(callback, "set_model"):
                raise TypeError(f"callbacks must be Callback objects, not {callback!r}")
            if isinstance(callback, type):
                name = callback.__name__
                raise TypeError(f"callbacks must be objects, not the class {name}; write {name}()")
        self._history = self._ensure(History, add_history)
        self._progress = self._ensure(ProgressBar, add_progbar)
        self.callbacks.sort(key=_runs_last)
        self.set_params(params)
        if model is not None:
            self.set_model(model)
        self._find_listeners()

    def _ensure(self, kind: type[Callback], add: bool) -> Any:
        for callback in self.callbacks:
            if isinstance(callback, kind):
                return callback
        if not add:
            return None
        callback = kind()
        self.callbacks.append(callback)
        self.callbacks.sort(key=_runs_last)
        return callback

    def _find_listeners(self) -> None:
        self._batch_hooks: dict[str, list[Callable[..., None]]]
        if self.callbacks:
            self._batch_hooks = {name: self._listeners(name) for name in _BATCH_HOOKS}
        else:
            self._batch_hooks = {name: [] for name in _BATCH_HOOKS}

    def _listeners(self, name: str) -> list[Callable[..., None]]:
        """The overridden hooks called `name`; an instance attribute overrides too."""
        alias = name.replace("train_", "")
        found = []
        for callback in self.callbacks:
            own = getattr(callback, name)
            default = getattr(own, "__func__", own) is getattr(Callback, name)
            if default and alias != name:
                plain = getattr(callback, alias)
                default = getattr(plain, "__func__", plain) is getattr(Callback, alias)
            if not default:
                found.append(own)
        return found

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    @property
    def history(self) -> Any:
        """The `History` of the run; None in a list without one."""
        return self._history

    def adopt(self, model: Any) -> None:
        """Makes a list that a user built serve a run of `fit`, with a History if it lacks one."""
        self._history = self._ensure(History, True)
        self.set_model(model)

    def append(self, callback: Callback) -> None:
        """Adds a callback at the end."""
        self.callbacks.append(callback)
        self.callbacks.sort(key=_runs_last)
        self._find_listeners()

    def close(self) -> None:
        """Leaves the terminal and files in order when a run ends by an exception."""
        for callback in self.callbacks:
            if isinstance(callback, CSVLogger | ProgressBar | TensorBoard):
                callback.close()

    def _each(self, hook: str, logs: Logs, *args: Any) -> None:
        plain = plain_logs(logs)
        for callback in self.callbacks:
            getattr(callback, hook)(*args, plain)
        if logs:
            # A callback may add entries (the learning rate, say) that later ones and History see.
            logs.update(plain)

    def _batch(self, hooks: Sequence[Callable[..., None]], batch: int, logs: Logs) -> None:
        if hooks:
            plain = plain_logs(logs)
            for hook in hooks:
                hook(batch, logs=plain)

    def on_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self.on_train_batch_begin(batch, logs)

    def on_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.on_train_batch_end(batch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._batch(self._batch_hooks["on_train_batch_begin"], batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._batch(self._batch_hooks["on_train_batch_end"], batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._batch(self._batch_hooks["on_test_batch_begin"], batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._batch(self._batch_hooks["on_test_batch_end"], batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._batch(self._batch_hooks["on_predict_batch_begin"], batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._batch(self._batch_hooks["on_predict_batch_end"], batch, logs)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._each("on_epoch_begin", logs, epoch)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._each("on_epoch_end", logs, epoch)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._each("on_train_begin", logs)

    def on_train_end(self, logs: Logs = None) -> None:
        self._each("on_train_end", logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        self._each("on_test_begin", logs)

    def on_test_end(self, logs: Logs = None) -> None:
        self._each("on_test_end", logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._each("on_predict_begin", logs)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._each("on_predict_end", logs)

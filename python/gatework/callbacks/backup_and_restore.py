"""Going on with a run that was killed."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from .base import Callback, Logs


class BackupAndRestore(Callback):
    """Saves the state of `fit` as it goes; the next `fit` with the same folder goes on from there.

    The same program started again continues to the same bits as a run without interruption. The
    state holds weights, the optimizer's variables, the seeds of dropout and shuffling, the global
    generators of Python and NumPy, epoch and batch, metrics, and what callbacks name in
    `saved_attributes`. Data must come in the same order again: arrays and datasets with a length
    do; a generator is read again from its start and batches already used are left out.

    The backup is one file, replaced whole: a process killed while writing leaves the last one.

    Args:
        backup_dir: folder for the backup; made when missing.
        save_freq: "epoch", or a number of batches.
        double_checkpoint: also keeps the backup before the last, used should that be unreadable.
        delete_checkpoint: removes the backup when `fit` ends; False keeps it.

    Raises:
        ValueError: for an empty `backup_dir`, another `save_freq`, a model that is not built when
            `fit` begins, or a backup of another model.
    """

    runs_last = True

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not os.fspath(backup_dir):
            raise ValueError("backup_dir must name a folder, not be empty")
        if save_freq != "epoch" and (
            isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1
        ):
            raise ValueError(f"save_freq must be 'epoch' or an integer >= 1, not {save_freq!r}")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._latest = os.path.join(self.backup_dir, "training_state.npz")
        self._previous = os.path.join(self.backup_dir, "training_state.previous.npz")
        self._resumed: bytes | None = None
        self._batches_since_save = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        if not self.model.built:
            raise ValueError(
                f"{self.model.name} must be built before fit with BackupAndRestore: give it an "
                "Input, or call it on a batch"
            )
        self._clean()
        self._resumed = self._restore()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if self._resumed is not None:
            # Within an epoch: undo what callbacks did at its start, which they had done before.
            if self._run.batch:
                self._run.restore(self._resumed)
            self._resumed = None

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if isinstance(self.save_freq, str):
            return
        self._batches_since_save += 1
        if self._batches_since_save >= self.save_freq:
            self._batches_since_save = 0
            self._save()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save()

    def on_train_end(self, logs: Logs = None) -> None:
        if self.delete_checkpoint:
            self._clean()
            for path in (self._latest, self._previous):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            # The folder may hold files of others.
            with contextlib.suppress(OSError):
                os.rmdir(self.backup_dir)

    @property
    def _run(self) -> Any:
        return self.model._run

    def _restore(self) -> bytes | None:
        """Goes on from the newest backup that can be read."""
        from ..utils.files import read_file

        failure: Exception | None = None
        for path in (self._latest, self._previous):
            try:
                data = read_file(path)
                self._run.restore(data)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                failure = failure or error
                continue
            return data
        if failure is not None:
            raise ValueError(f"backup_dir must hold a good backup: {failure}") from failure
        return None

    def _save(self) -> None:
        from ..utils.files import atomic_write, read_file

        data = self._run.capture()
        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint and os.path.exists(self._latest):
            with atomic_write(self._previous) as file:
                file.write(read_file(self._latest))
        with atomic_write(self._latest) as file:
            file.write(data)
        self._clean()

    def _clean(self) -> None:
        """Removes what a process left that was killed while writing."""
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self.backup_dir):
                if name.startswith(".training_state.") and name.endswith(".tmp"):
                    os.unlink(os.path.join(self.backup_dir, name))

"""Epoch results as a table in a file."""

from __future__ import annotations

import csv
import os
from typing import Any

from .base import Callback, Logs


class CSVLogger(Callback):
    """Writes one row per epoch: its number, then the logs in alphabetical order.

    Args:
        filename: the file; replaced unless `append`.
        separator: between columns.
        append: continues an existing file.
    """

    saved_attributes = ("_columns", "_written")

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._columns: list[str] | None = None
        self._written = 0
        self._file: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self.close()
        self._columns = self._existing_columns() if self.append else None
        self._written = 0

    def _open(self) -> Any:
        """The file, opened for the first row: a run that goes on keeps the rows it had written."""
        if self._written:
            os.truncate(self.filename, self._written)
        mode = "a" if self.append or self._written else "w"
        return open(self.filename, mode, newline="", encoding="utf-8")

    def _existing_columns(self) -> list[str] | None:
        try:
            with open(self.filename, newline="", encoding="utf-8") as file:
                header = next(csv.reader(file, delimiter=self.separator), None)
        except FileNotFoundError:
            return None
        return header[1:] if header else None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        if self._file is None:
            self._file = self._open()
        writer = csv.writer(self._file, delimiter=self.separator, lineterminator="\n")
        if self._columns is None:
            names = sorted(logs)
            if names and not any(name.startswith("val_") for name in names):
                # Validation may come in later epochs only (validation_freq); its columns are ready.
                names += [f"val_{name}" for name in names]
            self._columns = names
            writer.writerow(["epoch", *names])
        writer.writerow([epoch, *(logs.get(name, "NA") for name in self._columns)])
        self._file.flush()
        self._written = self._file.tell()

    def on_train_end(self, logs: Logs = None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file, if one is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

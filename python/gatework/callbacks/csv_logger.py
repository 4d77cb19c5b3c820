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

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._columns: list[str] | None = None
        self._file: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:
        self.close()
        self._columns = self._existing_columns() if self.append else None
        self._file = open(  # noqa: SIM115 - open until on_train_end
            self.filename, "a" if self.append else "w", newline="", encoding="utf-8"
        )

    def _existing_columns(self) -> list[str] | None:
        try:
            with open(self.filename, newline="", encoding="utf-8") as file:
                header = next(csv.reader(file, delimiter=self.separator), None)
        except FileNotFoundError:
            return None
        return header[1:] if header else None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
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

    def on_train_end(self, logs: Logs = None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file, if one is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

"""A model inside a pickle: the bytes of its `.keras` file, read with all the checks of one."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..models import Model


@dataclass
class PickledModel:
    """The bytes of a model's `.keras` file."""

    data: bytes

    @classmethod
    def of(cls, model: Model) -> PickledModel:
        """Raises ValueError for a model that cannot be saved."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            model.save(path)
            return cls(path.read_bytes())

    def model(self) -> Any:
        """The model."""
        from ..saving import load_model

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            path.write_bytes(self.data)
            return load_model(path)

"""Where the models saved by other programs lie; tests skip where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def saved_models(data: Path) -> Path:
    """The folder `models` of the data."""
    folder = data / "models"
    if not folder.is_dir():
        pytest.skip(f"no saved models at {folder}")
    return folder

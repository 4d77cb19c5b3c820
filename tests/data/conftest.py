"""Where the models saved by other programs lie; tests skip where they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def saved_models() -> Path:
    """The folder `models` of the data: from GATEWORK_TEST_DATA, or beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("GATEWORK_TEST_DATA", beside)) / "models"
    if not folder.is_dir():
        pytest.skip(f"no saved models at {folder}; set GATEWORK_TEST_DATA to their parent folder")
    return folder

"""Live comparison with other frameworks: each test skips where its framework is missing."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

# Read once, when Keras is imported. PyTorch compiles nothing: on JAX the same tests take ten times
# as long. Golden numbers are from JAX.
os.environ["KERAS_BACKEND"] = "torch"

# What the frameworks warn of in their own code; the module at the end keeps ours under "error".
THEIR_WARNINGS = [
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src",
]


@pytest.fixture(scope="session", autouse=True)
def _repaired() -> None:
    if "keras" in sys.modules:
        from tests.peers.keras_side import repair_schedule_free

        repair_schedule_free()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test of this folder, so that `-m peers` selects them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.peers)
            for warning in THEIR_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))

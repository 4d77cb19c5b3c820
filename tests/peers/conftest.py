"""Live comparison with other frameworks: each test skips where its framework is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Read once, when Keras and JAX are imported.
os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

# What the frameworks warn of in their own code; the module at the end keeps ours under "error".
THEIR_WARNINGS = [
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:keras.src",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test of this folder, so that `-m peers` selects them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.peers)
            for warning in THEIR_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(warning))

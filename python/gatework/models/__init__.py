"""Models: layers that train."""

from __future__ import annotations

from typing import Any

from .cloning import clone_model
from .model import Functional, Model
from .sequential import Sequential

__all__ = [
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]

_FROM_SAVING = frozenset({"load_model", "model_from_json", "save_model"})


def __getattr__(name: str) -> Any:
    # Saving knows models; models must not load it before it is used.
    if name in _FROM_SAVING:
        from .. import saving

        return getattr(saving, name)
    raise AttributeError(f"module 'gatework.models' has no attribute '{name}'")

"""From a model to a plan: one short rule for each class of layers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .plan import CannotCompile, Input, Instruction, Plan, Weight

if TYPE_CHECKING:
    from .model import lower

__all__ = ["CannotCompile", "Input", "Instruction", "Plan", "Weight", "lower"]

# The modules whose rules enter the table when they are imported.
_RULES = (
    "attention",
    "core",
    "merging",
    "normalization",
    "operations",
    "positions",
    "recurrent",
    "sequences",
    "wrappers",
)


def __getattr__(name: str) -> Any:
    # The rules know all layers, which a program in a file has no need of.
    if name == "lower":
        for rules in _RULES:
            importlib.import_module(f".{rules}", __name__)
        from .model import lower

        return lower
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""From a model to a plan: one short rule for each class of layers."""

from __future__ import annotations

from . import (
    attention,
    core,
    merging,
    normalization,
    operations,
    positions,
    recurrent,
    sequences,
    wrappers,
)
from .model import lower
from .plan import CannotCompile, Input, Instruction, Plan, Weight

__all__ = [
    "CannotCompile",
    "Input",
    "Instruction",
    "Plan",
    "Weight",
    "attention",
    "core",
    "lower",
    "merging",
    "normalization",
    "operations",
    "positions",
    "recurrent",
    "sequences",
    "wrappers",
]

"""The table of rules: for each class of layers the function that lowers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .builder import Builder

__all__ = ["RULES", "Rule", "rule"]

Rule = Callable[..., Any]
"""``rule(builder, layer, inputs)``, inputs being values in the structure of the call; returns the
outputs' values. Rules of recurrent layers also take the initial states."""

RULES: dict[type, Rule] = {}


def rule(*classes: type) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function as the rule of layer classes; subclasses need rules of their own."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for cls in classes:
            RULES[cls] = function
        return function

    return register


def identity(builder: Builder, layer: Any, x: Any) -> Any:
    """The rule of layers that change nothing outside of training."""
    return x

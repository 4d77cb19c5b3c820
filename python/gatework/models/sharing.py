"""Layers that a graph calls by themselves and that are parts of other layers of it.

The table of an embedding that projects back is one. Copied, or read from a file, such a layer must
be the part of the other one again, not a second layer with weights of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..layers.base import Layer

__all__ = ["owner_of", "part_at"]


def owner_of(operation: Any, others: Sequence[Any]) -> tuple[Any, list[str]] | None:
    """The layer that holds another one, and the attributes that lead to it; None if none does."""
    for other in others:
        if other is not operation and isinstance(other, Layer):
            path = _path_to(operation, other)
            if path:
                return other, path
    return None


def _path_to(wanted: Any, layer: Layer) -> list[str]:
    for name, child in vars(layer).items():
        if isinstance(child, Layer):
            if child is wanted:
                return [name]
            path = _path_to(wanted, child)
            if path:
                return [name, *path]
    return []


def part_at(owner: Any, path: Sequence[Any]) -> Layer | None:
    """The layer that attributes lead to; None if they lead to something else or nowhere."""
    found = owner
    for name in path:
        found = vars(found).get(name) if isinstance(found, Layer) else None
    return found if isinstance(found, Layer) else None

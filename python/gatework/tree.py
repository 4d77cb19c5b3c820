"""Nested lists, tuples and dictionaries, seen as a flat list of leaves.

Dictionaries are walked in sorted key order, so two equal structures always give their leaves in the
same order. Anything that is not a list, a tuple or a dictionary is a leaf, `None` included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["flatten", "is_nested", "map_structure", "pack_sequence_as"]


def is_nested(structure: Any) -> bool:
    """True for a list, a tuple or a dictionary."""
    return isinstance(structure, list | tuple | dict)


def flatten(structure: Any) -> list[Any]:
    """Returns the leaves of `structure` in order; a lone leaf gives a list of one."""
    leaves: list[Any] = []
    _collect(structure, leaves)
    return leaves


def _collect(structure: Any, leaves: list[Any]) -> None:
    if isinstance(structure, dict):
        for key in sorted(structure):
            _collect(structure[key], leaves)
    elif isinstance(structure, list | tuple):
        for item in structure:
            _collect(item, leaves)
    else:
        leaves.append(structure)


def pack_sequence_as(structure: Any, leaves: Iterable[Any]) -> Any:
    """Puts `leaves` into the shape of `structure`.

    Raises:
        ValueError: when `leaves` are more or fewer than the leaves of `structure`.
    """
    flat = list(leaves)
    expected = len(flatten(structure))
    if len(flat) != expected:
        raise ValueError(f"leaves must be {expected} in number, not {len(flat)}")
    return _pack(structure, iter(flat))


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, dict):
        packed = {key: _pack(structure[key], leaves) for key in sorted(structure)}
        return {key: packed[key] for key in structure}
    if isinstance(structure, list | tuple):
        items = [_pack(item, leaves) for item in structure]
        if isinstance(structure, tuple) and hasattr(structure, "_fields"):
            return type(structure)(*items)
        return items if isinstance(structure, list) else tuple(items)
    return next(leaves)


def map_structure(function: Callable[..., Any], *structures: Any) -> Any:
    """Applies `function` to the leaves of `structures` side by side; the result has their shape.

    Raises:
        ValueError: when the structures have different numbers of leaves.
    """
    first = structures[0]
    if len(structures) == 1 and not is_nested(first):
        return function(first)
    columns = [flatten(structure) for structure in structures]
    if any(len(column) != len(columns[0]) for column in columns):
        counts = ", ".join(str(len(column)) for column in columns)
        raise ValueError(f"structures must have equal numbers of leaves, not {counts}")
    return pack_sequence_as(first, [function(*leaves) for leaves in zip(*columns, strict=True)])

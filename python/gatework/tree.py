"""Nested lists, tuples and dictionaries, seen as a flat list of leaves.

Dictionaries are walked in sorted key order, so two equal structures always give their leaves in the
same order. Anything that is not a list, a tuple or a dictionary is a leaf, `None` included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["flatten", "is_nested", "map_structure", "pack_sequence_as"]

_NESTS = (list, tuple, dict)


def is_nested(structure: Any) -> bool:
    """True for a list, a tuple or a dictionary."""
    return isinstance(structure, _NESTS)


def flatten(structure: Any) -> list[Any]:
    """Returns the leaves of `structure` in order; a lone leaf gives a list of one."""
    if not isinstance(structure, _NESTS):
        return [structure]
    leaves: list[Any] = []
    _collect(structure, leaves)
    return leaves


def _collect(nest: Any, leaves: list[Any]) -> None:
    for item in [nest[key] for key in sorted(nest)] if isinstance(nest, dict) else nest:
        if isinstance(item, _NESTS):
            _collect(item, leaves)
        else:
            leaves.append(item)


def pack_sequence_as(structure: Any, leaves: Iterable[Any]) -> Any:
    """Puts `leaves` into the shape of `structure`.

    Raises:
        ValueError: when `leaves` are more or fewer than the leaves of `structure`.
    """
    flat = list(leaves)
    expected = len(flatten(structure))
    if len(flat) != expected:
        raise ValueError(f"leaves must be {expected} in number, not {len(flat)}")
    return _pack(structure, iter(flat)) if is_nested(structure) else flat[0]


def _pack(nest: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(nest, dict):
        keys = sorted(nest)
        packed = dict(zip(keys, _pack([nest[key] for key in keys], leaves), strict=True))
        return {key: packed[key] for key in nest}
    items = [_pack(item, leaves) if isinstance(item, _NESTS) else next(leaves) for item in nest]
    if isinstance(nest, tuple) and hasattr(nest, "_fields"):
        return type(nest)(*items)
    return items if isinstance(nest, list) else tuple(items)


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

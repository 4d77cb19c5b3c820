"""Matching what users give per output (labels, losses, metrics) to a model's outputs.

A model's output is one tensor, a list of them, or a dictionary; labels and the rest may be given as
a list in the same order or as a dictionary by output name.
"""

from __future__ import annotations

from typing import Any

from ..tree import flatten, is_nested


def _is_deep(y_pred: Any) -> bool:
    """Whether an output lies deeper than in one list or dictionary."""
    items = y_pred.values() if isinstance(y_pred, dict) else y_pred
    return is_nested(y_pred) and any(map(is_nested, items))


def _paths(y_pred: Any, names: list[str | None], path: str = "") -> list[str | None]:
    """As Keras calls outputs that lie deep: the keys on the way, in a list the layer's name."""
    found: list[str | None] = []
    keys = sorted(y_pred) if isinstance(y_pred, dict) else range(len(y_pred))
    for key in keys:
        item, start = y_pred[key], len(found)
        if is_nested(item):
            count = len(flatten(item))
            found += _paths(item, names[start : start + count], f"{path}{key}/")
        else:
            own = key if isinstance(y_pred, dict) else names[start]
            found.append(None if own is None else f"{path}{own}")
    return found


def output_names(y_pred: Any, names: list[str] | None) -> list[str | None]:
    """The names of the outputs in flat order; None where an output has none."""
    if isinstance(y_pred, dict) and not _is_deep(y_pred):
        return sorted(y_pred)
    known = _flat_names(y_pred, names)
    return _paths(y_pred, known) if _is_deep(y_pred) else known


def _flat_names(y_pred: Any, names: list[str] | None) -> list[str | None]:
    count = len(flatten(y_pred))
    if names is not None and len(names) == count:
        return list(names)
    return [None] * count


def select(value: Any, y_pred: Any, names: list[str] | None) -> list[Any]:
    """Returns `value` as a flat list, one item per output of `y_pred`.

    A single item stands for the only output.

    Raises:
        ValueError: when the items cannot be matched to the outputs.
    """
    if not is_nested(y_pred):
        # Nearly every model: one output, one array of labels.
        if not is_nested(value):
            return [value]
        flat = flatten(value)
        if len(flat) == 1:
            return flat
        raise ValueError(f"y must be one array for a model with one output, not {len(flat)}")
    count = len(flatten(y_pred))
    if not is_nested(value):
        if value is None or count == 1:
            return [value] * count
        raise ValueError(f"y must hold one item per output, {count} of them, not one array")
    if isinstance(value, dict) and not _is_deep(y_pred):
        known = output_names(y_pred, names)
        if set(value) <= set(known):
            return [value.get(name) for name in known]
        unknown = sorted(set(value) - set(known), key=str)
        raise ValueError(f"y must be keyed by the output names {known}, not {unknown}")
    flat = flatten(value)
    if len(flat) != count:
        raise ValueError(f"y must hold one item per output, {count} of them, not {len(flat)}")
    return flat


def select_weights(sample_weight: Any, y_pred: Any, names: list[str] | None) -> list[Any]:
    """Sample weights as `select` gives them; one array serves every output."""
    if not is_nested(sample_weight):
        return [sample_weight] * (len(flatten(y_pred)) if is_nested(y_pred) else 1)
    return select(sample_weight, y_pred, names)


def by_output(value: Any, y_pred: Any, names: list[str | None], argument: str) -> list[Any]:
    """Returns what was configured per output: `value` is for one output, a list or a dictionary.

    For outputs that lie deeper than that it has their structure.

    Raises:
        ValueError: when a list has the wrong length or a dictionary an unknown name.
    """
    count = len(names)
    if value is None:
        return [None] * count
    if _is_deep(y_pred) and is_nested(value):
        return _leaves_like(y_pred, value, argument)
    if count == 1 and not isinstance(value, dict):
        return [value]
    if isinstance(value, dict):
        if count == 1 and len(value) == 1:
            return list(value.values())
        if set(value) <= set(names):
            return [value.get(name) if name is not None else None for name in names]
        unknown = sorted(set(value) - set(names), key=str)
        raise ValueError(f"{argument} must be keyed by the output names {names}, not {unknown}")
    if isinstance(value, list | tuple):
        if len(value) == count:
            return list(value)
        raise ValueError(
            f"{argument} must hold one item per output, {count} of them, not {len(value)}"
        )
    return [value] * count


def _leaves_like(structure: Any, value: Any, argument: str) -> list[Any]:
    """What `value` has at each leaf of a structure; a leaf of its own may be a list."""
    if not is_nested(structure):
        return [value]
    keys = sorted(structure) if isinstance(structure, dict) else range(len(structure))
    if isinstance(structure, dict):
        alike = isinstance(value, dict) and sorted(value) == keys
    else:
        alike = isinstance(value, list | tuple) and len(value) == len(structure)
    if not alike:
        raise ValueError(f"{argument} must have the structure of the outputs, not be {value!r}")
    return [leaf for key in keys for leaf in _leaves_like(structure[key], value[key], argument)]

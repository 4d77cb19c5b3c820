"""JSON values as the arrays that a program reads, and its arrays as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import tree
from ..autograd import Array
from ..inference.lowering.plan import Input
from .errors import BadRequest
from .settings import Settings

__all__ = ["Group", "Reader", "joined"]

# Numbers and texts of an error message are cut to so many characters.
_SHOWN = 60


@dataclass(frozen=True, eq=False)
class Group:
    """Rows of a request whose sequences are of equal length.

    Attributes:
        rows: their numbers in the request.
        arrays: for each input, the values, batch axis first.
    """

    rows: list[int]
    arrays: list[Array]


class Reader:
    """Reads the values of a program's inputs.

    Args:
        inputs: the program's.
        settings: bounds.
    """

    def __init__(self, inputs: Sequence[Input], settings: Settings) -> None:
        self._inputs = tuple(inputs)
        self._settings = settings

    def batch(self, given: Any, label: str = "inputs") -> list[Group]:
        """The rows of a request, those with sequences of equal length together.

        Args:
            given: a list of rows, or an object of such lists by the inputs' names. The sequences
                of rows may be of unequal length.
            label: what messages call it.

        Raises:
            BadRequest: it is of another form, shape or size; the message says which.
        """
        values = self._by_input(given, label)
        whole = [self._rectangle(one, value, name) for one, value, name in values]
        rows = len(values[0][1])
        if all(array is not None for array in whole):
            return [Group(list(range(rows)), [array for array in whole if array is not None])]
        lines = [
            [self._array(one, row, f"{name}[{i}]", one.shape[1:]) for i, row in enumerate(value)]
            if array is None
            else list(array)
            for array, (one, value, name) in zip(whole, values, strict=True)
        ]
        found: dict[tuple[tuple[int, ...], ...], list[int]] = {}
        for i in range(rows):
            found.setdefault(tuple(line[i].shape for line in lines), []).append(i)
        return [
            Group(numbers, [np.stack([line[i] for i in numbers]) for line in lines])
            for numbers in found.values()
        ]

    def step(self, given: Any, batch: int) -> list[Array]:
        """One step of a stream: values without an axis of time."""
        return self._stream(given, "step", batch, True)

    def block(self, given: Any, batch: int) -> list[Array]:
        """A block of steps of a stream, all rows of equal length."""
        return self._stream(given, "run", batch, False)

    def _stream(self, given: Any, label: str, batch: int, step: bool) -> list[Array]:
        found = []
        for one, value, name in self._by_input(given, label):
            if len(value) != batch:
                raise BadRequest(
                    f"{name} must hold the {batch} row(s) of the stream, not {len(value)}"
                )
            shape = list(one.shape)
            if step and one.time:
                del shape[1]
            found.append(self._array(one, value, name, [None, *shape[1:]], free=not step))
        return found

    def _by_input(self, given: Any, label: str) -> list[tuple[Input, list[Any], str]]:
        """Each input, its rows and what to call them."""
        names = [one.name for one in self._inputs]
        if len(names) == 1 and not isinstance(given, dict):
            pairs = [(self._inputs[0], given, label)]
        else:
            if not isinstance(given, dict) or given.keys() != set(names):
                wanted = ", ".join(map(repr, names))
                raise BadRequest(f"{label} must be an object of {wanted}, not {_shown(given)}")
            pairs = [(one, given[one.name], f"{label}['{one.name}']") for one in self._inputs]
        most = self._settings.max_rows
        for _, value, name in pairs:
            if type(value) is not list or not 1 <= len(value) <= most:
                raise BadRequest(f"{name} must be a list of 1 to {most} rows, not {_shown(value)}")
            if len(value) != len(pairs[0][1]):
                raise BadRequest(f"{name} must have {len(pairs[0][1])} rows, not {len(value)}")
        return pairs

    def _rectangle(self, one: Input, value: list[Any], name: str) -> Array | None:
        """All rows as one array; None if they are of unequal length."""
        if one.time and len(value) > 1 and len(set(map(_length, value))) > 1:
            return None
        return self._array(one, value, name, [None, *one.shape[1:]])

    def _array(
        self, one: Input, value: Any, name: str, shape: Sequence[int | None], free: bool = True
    ) -> Array:
        """The values as an array of that shape, None for any size; checked."""
        wanted: list[int | None] = list(shape)
        if one.time and free:
            wanted[len(shape) - len(one.shape) + 1] = None  # any length
        try:
            array: Array = np.asarray(value)
        except (ValueError, OverflowError, TypeError):  # ragged, or too large a number
            array = np.empty(0, object)
        kind = "ids, whole numbers" if one.kind == "ids" else "numbers"
        sizes = ", ".join("any" if n is None else str(n) for n in wanted)
        if array.dtype.kind not in ("iu" if one.kind == "ids" else "iuf"):
            raise BadRequest(f"{name} must hold {kind}, of shape ({sizes}), not {_shown(value)}")
        if len(array.shape) != len(wanted) or any(
            n is not None and n != size for n, size in zip(wanted, array.shape, strict=True)
        ):
            raise BadRequest(f"{name} must have shape ({sizes}), not {array.shape}")
        most = self._settings.max_length
        if any(
            n is None and not 1 <= size <= most for n, size in zip(wanted, array.shape, strict=True)
        ):
            raise BadRequest(
                f"{name} must have sequences of 1 to {most} steps, not shape {array.shape}"
            )
        if one.kind == "ids":
            if array.min() < 0 or array.max() >= one.limit:
                worst = array.min() if array.min() < 0 else array.max()
                raise BadRequest(f"{name} must hold ids in [0, {one.limit}), not {worst}")
            return array.astype(np.int64, copy=False)
        with np.errstate(over="ignore"):
            floats = array.astype(np.float32)
        if not np.isfinite(floats).all():
            raise BadRequest(f"{name} must hold finite float32 numbers")
        return floats


def joined(
    groups: Sequence[Group], results: Sequence[Sequence[Array]], rows: int, structure: Any
) -> Any:
    """The outputs of a request, in the model's structure: arrays, or lists of the rows' arrays.

    Args:
        groups: of the request.
        results: for each, its outputs in flat order.
        rows: of the request.
        structure: lists and objects of the outputs' numbers.
    """
    if len(groups) == 1:
        flat: list[Any] = list(results[0])
    else:
        flat = [[None] * rows for _ in results[0]]
        for group, outputs in zip(groups, results, strict=True):
            for lines, output in zip(flat, outputs, strict=True):
                for i, line in zip(group.rows, output, strict=True):
                    lines[i] = line
    return tree.map_structure(lambda i: flat[i], structure)


def _length(row: Any) -> int:
    return len(row) if type(row) is list else -1


def _shown(value: Any) -> str:
    """A value for a message: what it is, and its beginning."""
    if type(value) is list:
        return f"a list of {len(value)}"
    if type(value) is dict:
        return "an object of " + _cut(", ".join(map(repr, value)) or "nothing")
    return _cut(repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."

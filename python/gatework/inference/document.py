"""The text of a `.gwp` file: what a program is, without its arrays. All of it is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd import Array
from .linking import Step
from .lowering.plan import Input
from .program import Program

__all__ = ["described", "read_document"]

_MOST = 1 << 16  # instructions, and values of one
_DEEPEST = 16

Test = tuple[list[Array], list[Array]]


def described(program: Program, test: Test) -> tuple[dict[str, Any], list[Array]]:
    """The text of a program, and the arrays that it names by their numbers."""
    from .. import __version__

    arrays: list[Array] = []

    def number(array: Array | None) -> int | None:
        if array is None:
            return None
        arrays.append(array)
        return len(arrays) - 1

    document: dict[str, Any] = {
        "producer": f"gatework {__version__}",
        "name": program.name,
        "kinds": list(program._kinds),
        "inputs": [
            {
                "name": one.name,
                "place": one.place,
                "kind": one.kind,
                "shape": list(one.shape),
                "limit": one.limit,
                "time": one.time,
            }
            for one in program.inputs
        ],
        "outputs": list(program._outputs),
        "structure": program._structure,
        "output_time": list(program._output_time),
        "unstreamable": program._unstreamable,
        "constants": [[place, number(array)] for place, array in program._constants.items()],
        "steps": [
            {
                "op": step.op,
                "name": step.name,
                "inputs": list(step.inputs),
                "outputs": list(step.outputs),
                "args": step.args,
                "arrays": {name: number(array) for name, array in step.arrays.items()},
            }
            for step in program._steps
        ],
        "test": [[number(array) for array in part] for part in test],
    }
    document["arrays"] = [
        {
            "shape": list(array.shape),
            "ids": array.dtype == np.int64,
            **({"int8": True} if array.dtype == np.int8 else {}),
        }
        for array in arrays
    ]
    return document, arrays


class _Fields:
    """A JSON object whose fields are asked for by name and type."""

    def __init__(self, value: Any, label: str) -> None:
        if type(value) is not dict:
            raise ValueError(f"{label} must be an object, not {_shown(value)}")
        self._value = value
        self._label = label

    def get(self, name: str, *types: Any) -> Any:
        """The field; raises ValueError unless it is there and of one of the types."""
        if name not in self._value:
            raise ValueError(f"{self._label} must have '{name}'")
        found = self._value[name]
        if type(found) not in types:
            raise ValueError(f"{self._label} must have a '{name}' of another type than it has")
        return found

    def has(self, name: str) -> bool:
        """Whether there is such a field."""
        return name in self._value

    def items(self, name: str, *types: Any) -> list[Any]:
        """A list of values of one of the types, not too many."""
        found = self.get(name, list)
        if len(found) > _MOST or any(type(one) not in types for one in found):
            raise ValueError(f"{self._label} must have a list '{name}' of other values")
        return list(found)


def read_document(
    document: Any, read: Callable[[list[tuple[int, ...]], list[str]], list[Array]]
) -> tuple[Program, Test]:
    """The program that a text describes, and its self-test.

    Args:
        document: the value of the text.
        read: gives the arrays of those shapes and types: "f4", "i8" for ids, "i1" for int8.

    Raises:
        ValueError, TypeError: something is missing, of another type, or does not fit.
    """
    top = _Fields(document, "it")
    described = [_Fields(one, "an array") for one in top.items("arrays", dict)]
    shapes = [tuple(one.items("shape", int)) for one in described]
    if any(n < 0 for shape in shapes for n in shape) or any(len(shape) > 8 for shape in shapes):
        raise ValueError("its arrays must have few sizes, none negative")
    arrays = read(shapes, [_type(one) for one in described])
    used: set[int] = set()

    def array(number: Any) -> Array | None:
        if number is None:
            return None
        # Each once: else a small file could have as many packed as it likes.
        if type(number) is not int or not 0 <= number < len(arrays) or number in used:
            raise ValueError(f"it must name arrays in [0, {len(arrays)}), each once")
        used.add(number)
        return arrays[number]

    def step(value: Any) -> Step:
        one = _Fields(value, "an instruction")
        return Step(
            one.get("op", str),
            one.get("name", str),
            tuple(one.items("inputs", int)),
            tuple(one.items("outputs", int)),
            one.get("args", dict),
            {name: array(number) for name, number in one.get("arrays", dict).items()},
        )

    constants: dict[int, Array] = {}
    for pair in top.items("constants", list):
        values = array(pair[1]) if len(pair) == 2 else None
        if values is None or type(pair[0]) is not int:
            raise ValueError("its constants must be pairs of a place and an array")
        constants[pair[0]] = values
    outputs = top.items("outputs", int)
    program = Program(
        top.get("name", str),
        top.items("kinds", str),
        constants,
        [step(one) for one in top.items("steps", dict)],
        [_input(one) for one in top.items("inputs", dict)],
        outputs,
        _structure(top.get("structure", int, list, dict), len(outputs)),
        top.items("output_time", bool),
        top.get("unstreamable", str, type(None)),
    )
    given, wanted = (
        [a for a in map(array, part) if a is not None] for part in _pair(top.items("test", list))
    )
    if given and (len(given) != len(program.inputs) or len(wanted) != len(outputs)):
        raise ValueError("its self-test must have an array for every input and output")
    return program, (given, wanted)


def _type(array: _Fields) -> str:
    """NumPy's name of an array's type."""
    if array.has("int8") and array.get("int8", bool):
        return "i1"
    return "i8" if array.get("ids", bool) else "f4"


def _pair(lists: list[Any]) -> list[Any]:
    if len(lists) != 2 or any(len(one) > _MOST for one in lists):
        raise ValueError("its self-test must be inputs and outputs")
    return lists


def _input(value: Any) -> Input:
    one = _Fields(value, "an input")
    shape = tuple(one.items("shape", int, type(None)))
    kind, limit = one.get("kind", str), one.get("limit", int)
    if not 1 <= len(shape) <= 8 or any(n is not None and n < 0 for n in shape):
        raise ValueError("an input must have few sizes, none negative")
    if kind not in ("floats", "ids", "mask") or limit < 0 or (kind == "ids" and limit == 0):
        raise ValueError("an input must be floats, a mask, or ids with a limit")
    name, place, time = one.get("name", str), one.get("place", int), one.get("time", bool)
    if time and len(shape) < 2:
        raise ValueError("an input of a stream must have an axis of time")
    return Input(name, place, kind, shape, limit, time)


def _structure(value: Any, count: int) -> Any:
    """Lists and objects of the numbers of all outputs, each once."""
    found: list[int] = []

    def checked(one: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError(f"its structure must be at most {_DEEPEST} deep")
        if type(one) is int:
            found.append(one)
            return one
        if type(one) is list:
            return [checked(item, depth + 1) for item in one]
        if type(one) is dict:
            return {name: checked(item, depth + 1) for name, item in one.items()}
        raise ValueError(f"its structure must hold numbers of outputs, not {_shown(one)}")

    result = checked(value, 0)
    if sorted(found) != list(range(count)):
        raise ValueError(f"its structure must hold the numbers of {count} outputs, each once")
    return result


def _shown(value: Any) -> str:
    return type(value).__name__

"""What a program is called with, brought into the arrays that it reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import tree
from ..autograd import Array, as_array
from ..ops.nn import row_numbers
from .lowering.plan import Input

__all__ = ["as_input", "in_order"]


def in_order(inputs: Sequence[Input], x: Any) -> list[Any]:
    """The leaves of ``x`` in the order of the inputs.

    Raises:
        ValueError: if they are of another number, or a dictionary names others.
    """
    if isinstance(x, dict):
        names = [one.name for one in inputs]
        missing = [name for name in names if name not in x]
        if missing:
            raise ValueError(
                f"x must have the keys {', '.join(map(repr, names))}, not {', '.join(map(repr, x))}"
            )
        return [x[name] for name in names]
    leaves = [x] if len(inputs) == 1 and not _holds_arrays(x) else tree.flatten(x)
    if len(leaves) != len(inputs):
        raise ValueError(f"x must be {len(inputs)} arrays, not {len(leaves)}")
    return leaves


def _holds_arrays(x: Any) -> bool:
    return isinstance(x, list | tuple) and any(hasattr(leaf, "shape") for leaf in x)


def as_input(one: Input, x: Any, step: bool = False) -> Array:
    """The array that the program reads for an input.

    Args:
        one: the input.
        x: numbers in any form.
        step: whether x is one step of a stream, without the axis of time.

    Raises:
        ValueError: if the shape does not fit, or an id is no whole number.
    """
    array: Array
    if one.kind == "mask":
        array = np.ascontiguousarray(as_array(x) != 0)
    elif one.kind == "ids":
        given = as_array(x)
        array = np.ascontiguousarray(
            given if given.dtype in (np.int32, np.int64) else row_numbers(given, one.limit)
        )
    else:
        given = as_array(x, "float32")
        array = given if given.flags.c_contiguous else np.ascontiguousarray(given)
    wanted: list[int | None] = [None, *one.shape[1:]]
    if one.time and step:
        del wanted[1]
    elif one.time:
        wanted[1] = None
    if len(array.shape) != len(wanted) or any(
        n is not None and n != found for n, found in zip(wanted, array.shape, strict=True)
    ):
        sizes = ", ".join("any" if n is None else str(n) for n in wanted)
        raise ValueError(f"input '{one.name}' must have shape ({sizes}), not {array.shape}")
    return array

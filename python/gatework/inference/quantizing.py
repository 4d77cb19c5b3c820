"""Weights as int8: whole numbers in [-127, 127] and one float32 scale for each column.

A column of a kernel, or a row of an embedding's table, is its scale times whole numbers. What a
product reads is rounded as it runs, each row to 255 steps up to its own largest magnitude, so that
nothing about the inputs needs to be known before. Data to calibrate with can still help in two
ways: a column's scale is chosen so that the error of its products is least for the inputs seen,
not that of its weights; and what rounding the weights adds to a sum on average is taken off its
bias.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..autograd import Array
from .linking import Step

__all__ = ["Moments", "is_quantized", "quantized", "readers"]

MOST_ROWS = 1 << 16  # of a kernel: so many products of two numbers fit an int32
_LEAST = np.float32(1e-36)  # columns of less are zeros
_SHARES = np.linspace(1.0, 0.5, 11)  # of the largest magnitude, that may become 127


@dataclass(frozen=True, eq=False)
class Moments:
    """What was seen of the rows that a kernel multiplies.

    Attributes:
        mean, square: of each feature, and of its square; float64.
    """

    mean: Array
    square: Array


def readers(step: Step) -> tuple[str, ...]:
    """The arrays of a step that int8 can stand for."""
    if step.op == "recurrent":
        names: tuple[str, ...] = ("kernel", "recurrent_kernel")
    elif step.op == "conv":
        plain = step.args["groups"] == 1 and step.args["dilation"] == 1
        names = ("kernel",) if plain else ()
    else:
        names = {"dense": ("kernel",), "embedding": ("table",)}.get(step.op, ())
    kernels = [array for name in names if (array := step.arrays[name]) is not None]
    if any(array.size == 0 for array in kernels):
        return ()
    axis = 0 if step.args.get("transposed") else -1
    deepest = max((array.size // array.shape[axis] for array in kernels), default=0)
    return names if step.op == "embedding" or deepest <= MOST_ROWS else ()


def is_quantized(step: Step) -> bool:
    """Whether its weights are int8."""
    return any(array is not None and array.dtype == np.int8 for array in step.arrays.values())


def quantized(
    steps: Sequence[Step],
    exclude: Collection[str] = (),
    moments: Mapping[tuple[int, str], Moments] | None = None,
) -> list[Step]:
    """The steps with int8 weights where they can have them.

    Args:
        steps: of float32 weights.
        exclude: names of layers that stay as they are.
        moments: what the kernels were seen to multiply, by the step's number and the array's name.

    Raises:
        ValueError: a weight is not finite.
    """
    found = []
    for i, step in enumerate(steps):
        names = () if {step.name, step.name.split(".")[0]} & set(exclude) else readers(step)
        for name in names:
            array = step.arrays[name]
            assert array is not None
            if not np.isfinite(array).all():
                raise ValueError(
                    f"model must have finite weights to be int8, not the {name} of '{step.name}'"
                )
        seen = {name: (moments or {}).get((i, name)) for name in names}
        found.append(_with_numbers(step, seen) if names else step)
    return found


def _with_numbers(step: Step, seen: Mapping[str, Moments | None]) -> Step:
    arrays = dict(step.arrays)
    for name, moments in seen.items():
        array = arrays[name]
        assert array is not None
        if name == "table":
            numbers, scale = _rounded(array.T, None)
            arrays[name], arrays["table_scale"] = np.ascontiguousarray(numbers.T), scale
            continue
        if step.args.get("transposed"):
            array = array.T
        matrix = array.reshape(-1, array.shape[-1])
        square = None if moments is None else moments.square
        numbers, scale = _rounded(matrix, square)
        label = "recurrent_scale" if name == "recurrent_kernel" else "kernel_scale"
        arrays[name], arrays[label] = np.ascontiguousarray(numbers.reshape(array.shape)), scale
        # Layer normalization takes sums without their bias.
        if moments is not None and step.arrays.get("gamma") is None:
            lost = moments.mean @ (matrix.astype(np.float64) - numbers * scale.astype(np.float64))
            arrays["bias"] = _corrected(step, name, arrays["bias"], lost)
    changed = {"bf16": False, "transposed": False}
    args = {name: changed.get(name, value) for name, value in step.args.items()}
    return replace(step, args=args, arrays=arrays, packed=None)


def _rounded(matrix: Array, square: Array | None) -> tuple[Array, Array]:
    """Numbers (K, N) and scales (N,) of the columns.

    With the mean squares of what each row is multiplied by, the scale of each column is that of the
    least error among some.
    """
    largest = np.max(np.abs(matrix), axis=0).astype(np.float32)
    largest[largest < _LEAST] = 0.0
    best = _numbers(matrix, largest / np.float32(127))
    if square is None:
        return best
    least = _error(matrix, *best, square)
    for share in _SHARES[1:]:
        other = _numbers(matrix, largest * np.float32(share) / np.float32(127))
        error = _error(matrix, *other, square)
        better = error < least
        least[better] = error[better]
        for kept, new in zip(best, other, strict=True):
            kept[..., better] = new[..., better]
    return best


def _numbers(matrix: Array, scale: Array) -> tuple[Array, Array]:
    steps = np.where(scale > 0, scale, np.float32(1))
    numbers = np.clip(np.rint(matrix / steps), -127, 127)
    return np.where(scale > 0, numbers, 0).astype(np.int8), scale


def _error(matrix: Array, numbers: Array, scale: Array, square: Array) -> Array:
    error: Array = square @ np.square(matrix - numbers * scale, dtype=np.float64)
    return error


def _corrected(step: Step, name: str, bias: Array | None, lost: Array) -> Array:
    """The bias, and what rounding a kernel takes from its products on average."""
    columns = len(lost)
    recurrent = name == "recurrent_kernel"
    if recurrent and step.args["cell"] == "gru_v1":
        lost = np.where(np.arange(columns) < columns * 2 // 3, lost, 0)  # the last reads r * h
    both = step.op == "recurrent" and step.args["cell"] == "gru"
    found = np.zeros((2, columns) if both else columns) if bias is None else bias.astype(np.float64)
    if both:
        found[int(recurrent)] += lost
    else:
        found = found + lost
    return found.astype(np.float32)

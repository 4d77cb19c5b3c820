"""What flows between the steps of a program, for calibration and reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..autograd import Array
from .arguments import as_input, in_order
from .linking import Step, link
from .lowering.plan import Input
from .quantizing import Moments, readers

__all__ = ["Parts", "batches_of", "moments", "outputs_of"]

_ROWS = 32  # of a batch


@dataclass(frozen=True, eq=False)
class Parts:
    """A program before it is linked, its steps apart."""

    kinds: Sequence[str]
    constants: dict[int, Array]
    inputs: Sequence[Input]


def batches_of(parts: Parts, x: Any, name: str) -> list[tuple[Array, ...]]:
    """Inputs of a program, as many rows at a time as fit well.

    Raises:
        ValueError: a shape does not fit, there is no row, or not as many of all inputs.
    """
    leaves = in_order(parts.inputs, x)
    arrays = [as_input(one, leaf) for one, leaf in zip(parts.inputs, leaves, strict=True)]
    rows = len(arrays[0])
    if rows == 0 or any(len(array) != rows for array in arrays):
        raise ValueError(
            f"{name} must have rows, as many for each input, not {list(map(len, arrays))}"
        )
    return [tuple(array[i : i + _ROWS] for array in arrays) for i in range(0, rows, _ROWS)]


def outputs_of(
    parts: Parts, steps: Sequence[Step], batches: Sequence[tuple[Array, ...]], places: Sequence[int]
) -> Iterator[dict[int, Array]]:
    """For each batch, the values at those places, each made by a step and of floats."""
    wanted = list(dict.fromkeys(places))
    if not wanted:
        yield from ({} for _ in batches)
        return
    never = [False] * len(wanted)
    core = link(parts.kinds, parts.constants, steps, parts.inputs, wanted, never)
    for batch in batches:
        yield dict(zip(wanted, core.run(batch), strict=True))


def moments(
    parts: Parts, steps: Sequence[Step], batches: Sequence[tuple[Array, ...]]
) -> dict[tuple[int, str], Moments]:
    """Mean and mean square of what each kernel multiplies, by the step's number and its name."""
    given = {one.place: i for i, one in enumerate(parts.inputs)}
    kinds, shown = list(parts.kinds), list(steps)
    sources: dict[tuple[int, str], int] = {}
    for i, step in enumerate(steps):
        for name in readers(step):
            if name == "kernel":
                sources[i, name] = step.inputs[0]
            elif name == "recurrent_kernel":
                sources[i, name] = _all_steps(step, kinds, shown)
    parts = Parts(kinds, parts.constants, parts.inputs)
    made = [p for p in sources.values() if p not in given and p not in parts.constants]
    sums: dict[tuple[int, str], list[Any]] = {}
    for batch, found in zip(batches, outputs_of(parts, shown, batches, made), strict=True):
        for key, place in sources.items():
            values = batch[given[place]] if place in given else found.get(place)
            if values is None:
                values = parts.constants[place]
            rows = _rows(steps[key[0]], values)
            total = sums.setdefault(key, [0, 0.0, 0.0])
            total[0] += len(rows)
            total[1] += rows.sum(axis=0, dtype=np.float64)
            total[2] += np.square(rows, dtype=np.float64).sum(axis=0)
    for (i, _), (_, mean, square) in sums.items():
        if not (np.isfinite(mean).all() and np.isfinite(square).all()):
            raise ValueError(
                f"calibration must give finite values, not what '{steps[i].name}' reads"
            )
    return {key: Moments(m / max(n, 1), q / max(n, 1)) for key, (n, m, q) in sums.items()}


def _all_steps(step: Step, kinds: list[str], shown: list[Step]) -> int:
    """The place of all outputs of a recurrent layer: of a copy of it where it returns the last."""
    if step.args["return_sequences"]:
        return step.outputs[0]
    outputs = tuple(range(len(kinds), len(kinds) + len(step.outputs)))
    kinds += ["floats"] * len(outputs)
    shown.append(replace(step, outputs=outputs, args={**step.args, "return_sequences": True}))
    return outputs[0]


def _rows(step: Step, values: Array) -> Array:
    """The rows that a kernel multiplies: those of the last axis, or windows of a convolution."""
    kernel = step.arrays["kernel"]
    assert kernel is not None
    rows = values.reshape(-1, values.shape[-1])
    # The steps of all windows are the same but for the ends.
    return np.tile(rows, (1, len(kernel))) if step.op == "conv" else rows

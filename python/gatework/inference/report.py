"""What int8 or bfloat16 does to each layer of a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..autograd import Array
from .linking import Step
from .observing import Parts, outputs_of
from .quantizing import is_quantized

__all__ = ["LayerReport", "Report", "errors_of", "sizes_of"]

Errors = tuple[float | None, float | None]


@dataclass(frozen=True)
class LayerReport:
    """A layer with weights.

    Attributes:
        name: the layer's; a layer of several steps has one row for each.
        op: what the step computes, such as "dense" or "recurrent".
        dtype: "float32", "bfloat16" or "int8", of the products.
        bytes: of its weights, as `save` writes them.
        float_bytes: of the same in float32.
        own_error: how far its output lies from that in float32 if it alone is not float32: the
            norm of the difference by that of the output. None: not measured.
        error: the same if all layers are as they are.
    """

    name: str
    op: str
    dtype: str
    bytes: int
    float_bytes: int
    own_error: float | None = None
    error: float | None = None


class Report(tuple[LayerReport, ...]):
    """The layers of a program that have weights, in order; as text, a table."""

    __slots__ = ()

    @property
    def bytes(self) -> int:
        """Of all weights."""
        return sum(one.bytes for one in self)

    @property
    def float_bytes(self) -> int:
        """Of all weights in float32."""
        return sum(one.float_bytes for one in self)

    def __str__(self) -> str:
        head = ("layer", "op", "dtype", "bytes", "of float32", "own error", "error")
        lines = [
            (
                one.name,
                one.op,
                one.dtype,
                f"{one.bytes:,}",
                f"{one.bytes / one.float_bytes:.0%}",
                _percent(one.own_error),
                _percent(one.error),
            )
            for one in self
        ]
        share = f"{self.bytes / max(self.float_bytes, 1):.0%}"
        rows = [head, *lines, ("together", "", "", f"{self.bytes:,}", share, "", "")]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(
                text.ljust(n) if i < 3 else text.rjust(n)
                for i, (text, n) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )


def _percent(error: float | None) -> str:
    return "" if error is None else f"{error:.2%}"


def sizes_of(steps: Sequence[Step], errors: dict[int, Errors]) -> Report:
    """The report of some steps; errors are by their numbers."""
    rows = []
    for i, step in enumerate(steps):
        arrays = {name: array for name, array in step.arrays.items() if array is not None}
        if not arrays:
            continue
        rounded = "bfloat16" if step.args.get("bf16") else "float32"
        scales = sum(array.size for name, array in arrays.items() if name.endswith("_scale"))
        rows.append(
            LayerReport(
                step.name,
                step.op,
                "int8" if is_quantized(step) else rounded,
                sum(array.nbytes for array in arrays.values()),
                4 * (sum(array.size for array in arrays.values()) - scales),
                *errors.get(i, (None, None)),
            )
        )
    return Report(rows)


def errors_of(
    parts: Parts,
    exact: Sequence[Step],
    steps: Sequence[Step],
    batches: Sequence[tuple[Array, ...]],
) -> dict[int, Errors]:
    """How far the outputs of the steps lie from those of the exact ones, by their numbers."""
    changed = [i for i, step in enumerate(steps) if _differs(step, exact[i])]
    weighed = [
        i for i, step in enumerate(steps) if any(a is not None for a in step.arrays.values())
    ]
    places = {i: steps[i].outputs[0] for i in weighed}
    wanted = list(outputs_of(parts, exact, batches, list(places.values())))
    alone = {}
    for i in changed:
        mixed = [*exact[:i], steps[i], *exact[i + 1 :]]
        alone[i] = _distance(
            wanted, list(outputs_of(parts, mixed, batches, [places[i]])), places[i]
        )
    found = list(outputs_of(parts, steps, batches, list(places.values())))
    return {i: (alone.get(i, 0.0), _distance(wanted, found, places[i])) for i in weighed}


def _differs(step: Step, exact: Step) -> bool:
    return is_quantized(step) or step.args.get("bf16") != exact.args.get("bf16")


def _distance(
    wanted: Sequence[dict[int, Array]], found: Sequence[dict[int, Array]], place: int
) -> float:
    difference = norm = 0.0
    for one, two in zip(wanted, found, strict=True):
        difference += float(np.sum(np.square(two[place] - one[place], dtype=np.float64)))
        norm += float(np.sum(np.square(one[place], dtype=np.float64)))
    return (difference / norm) ** 0.5 if norm > 0 else 0.0 if difference == 0 else float("inf")

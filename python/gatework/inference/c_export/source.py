"""The pieces that a C file is put together from: values, weights, states and statements."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...autograd import Array
from ..linking import Step
from .activations import ACTIVATIONS

__all__ = ["Source", "literal"]


class Source:
    """What instructions write to.

    Attributes:
        sizes: floats of each value, for one row and one step.
        statements: the body of the step.
        states: floats of each member of the state that lives from step to step.
        after: statements for when all of them have run.
        checks: inputs of ids, and below what they must be.
        constants: names of the values that never change.
        work: floats of working memory.
        numbers, sums: whole numbers of working memory of products of int8, and their sums.
    """

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.statements: list[str] = []
        self.states: dict[str, int] = {}
        self.after: list[str] = []
        self.checks: list[tuple[int, int]] = []
        self.constants: dict[int, str] = {}
        self.work = 0
        self.numbers = 0
        self.sums = 0
        self._weights: list[str] = []

    def refuse(self, step: Step, why: str) -> Any:
        """Raises ValueError: the instruction cannot be written in C."""
        raise ValueError(f"program must be one that C code can hold, but '{step.name}' {why}")

    def value(self, place: int) -> str:
        """The C name of a value."""
        return f"s->v{place}"

    def result(self, step: Step, size: int, index: int = 0) -> str:
        """Declares an output of so many floats and returns its name."""
        self.sizes[step.outputs[index]] = size
        return self.value(step.outputs[index])

    def given(self, step: Step, size: int | None = None, index: int = 0) -> tuple[str, int]:
        """An input's name and its floats, which must be as many as ``size`` says."""
        place = step.inputs[index]
        if size is not None and self.sizes[place] != size:
            self.refuse(step, f"reads {self.sizes[place]} values, not {size}")
        return self.value(place), self.sizes[place]

    def weight(self, array: Array | None) -> str:
        """The name of a constant array; NULL for none."""
        if array is None:
            return "NULL"
        name = f"w{len(self._weights)}"
        if array.dtype == np.int8:
            numbers = ", ".join(map(str, array.reshape(-1).tolist())) or "0"
            size = max(array.size, 1)
            self._weights.append(f"static const int8_t {name}[{size}] = {{{numbers}}};")
            return name
        values = ", ".join(map(_literal, array.reshape(-1).tolist())) or "0.0f"
        size = max(array.size, 1)
        self._weights.append(f"static const float {name}[{size}] = {{{values}}};")
        return name

    def product(
        self,
        x: str,
        n: int,
        w: str,
        scale: str | None,
        columns: int,
        m: int,
        y: str,
        first: int = 0,
    ) -> str:
        """The statement that adds x[0..n) times a matrix to y[0..m).

        ``w`` is a matrix of so many columns, of which those from ``first`` on are meant, ``scale``
        what its columns are multiples of if it is int8.
        """
        begin = f" + {first}" if first else ""
        if scale is None:
            return f"gw_product({x}, {n}, {w}{begin}, {columns}, {m}, {y});"
        self.numbers, self.sums = max(self.numbers, n), max(self.sums, m)
        return (
            f"gw_product8({x}, {n}, {w}{begin}, {scale}{begin}, {columns}, {m}, {y}, "
            "s->numbers, s->sums);"
        )

    def scale(self, step: Step, name: str) -> str | None:
        """The scales of the columns of a matrix of int8; None of one of floats."""
        return self.weight(step.arrays[name]) if name in step.arrays else None

    def state(self, name: str, size: int) -> str:
        """The name of a state, zeros at first."""
        member = f"state{len(self.states)}_{_identifier(name)}"
        self.states[member] = size
        return f"s->{member}"

    def memory(self, size: int) -> str:
        """The name of working memory that holds nothing from one instruction to the next."""
        self.work = max(self.work, size)
        return "s->work"

    def activation(self, name: str) -> str:
        """The C function of an activation."""
        if name not in ACTIVATIONS:
            raise ValueError(f"program must be one that C code can hold, but it computes '{name}'")
        return f"gw_{name}"

    def add(self, *lines: str) -> None:
        """Adds statements."""
        self.statements += lines

    def weights(self) -> list[str]:
        """The definitions of all constant arrays."""
        return self._weights


def _literal(x: float) -> str:
    if math.isnan(x):
        return "NAN"
    if math.isinf(x):
        return "INFINITY" if x > 0 else "-INFINITY"
    # Hexadecimal: the very number, in as few digits as it has.
    mantissa, exponent = float(np.float32(x)).hex().split("p")
    head, _, digits = mantissa.partition(".")
    digits = digits.rstrip("0")
    return f"{head}{'.' + digits if digits else ''}p{exponent}f"


def literal(x: float) -> str:
    """A float constant of C."""
    return _literal(float(np.float32(x)))


def _identifier(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name)

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
    """

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.statements: list[str] = []
        self.states: dict[str, int] = {}
        self.after: list[str] = []
        self.checks: list[tuple[int, int]] = []
        self.constants: dict[int, str] = {}
        self.work = 0
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
        values = ", ".join(map(_literal, array.reshape(-1).tolist())) or "0.0f"
        size = max(array.size, 1)
        self._weights.append(f"static const float {name}[{size}] = {{{values}}};")
        return name

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

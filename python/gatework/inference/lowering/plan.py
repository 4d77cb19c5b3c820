"""What a model becomes before it is a program: instructions over numbered values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...autograd import Array, Variable

__all__ = ["CannotCompile", "Input", "Instruction", "Plan", "Shape", "Value", "Weight"]

Shape = tuple[int | None, ...]


class CannotCompile(ValueError):
    """A model, or a layer of it, that no program can run; the message names it and says why."""


@dataclass(eq=False, slots=True)
class Value:
    """A value of the program.

    Attributes:
        place: its number.
        shape: sizes, None where they are those of the data.
        kind: "floats", "ids" or "mask".
        time: whether axis 1 is the time of a stream.
        mask: the value that tells which steps are real; None for all.
    """

    place: int
    shape: Shape
    kind: str
    time: bool
    mask: Value | None = None

    def with_mask(self, mask: Value | None) -> Value:
        """The same value with another mask."""
        if mask is self.mask:
            return self
        return Value(self.place, self.shape, self.kind, self.time, mask)

    def with_shape(self, shape: Shape) -> Value:
        """The same value seen in another shape, without its mask."""
        return Value(self.place, shape, self.kind, self.time)


class Weight:
    """An array that an instruction reads: a variable of the model, or what is computed from some.

    Args:
        variables: those it depends on.
        make: computes the array from theirs and the options; by default it is the only variable.
        options: further arguments of ``make``.
    """

    __slots__ = ("make", "options", "variables")

    def __init__(
        self,
        *variables: Variable,
        make: Callable[..., Array] | None = None,
        options: tuple[float, ...] = (),
    ) -> None:
        self.variables = variables
        self.make = make
        self.options = options

    def array(self, copy: bool = False) -> Array:
        """The present value, float32 and contiguous; shared with the variable unless copied."""
        values = [variable._value for variable in self.variables]
        found = values[0] if self.make is None else self.make(*values, *self.options)
        array: Array = np.ascontiguousarray(found, np.float32)
        shared = any(np.may_share_memory(array, value) for value in values)
        return array.copy() if copy and shared else array

    def same_as(self, other: Weight) -> bool:
        """Whether it depends on the same variables in the same way."""
        return (
            self.make is other.make
            and self.options == other.options
            and len(self.variables) == len(other.variables)
            and all(a is b for a, b in zip(self.variables, other.variables, strict=True))
        )


@dataclass(eq=False)
class Instruction:
    """One call of a kernel.

    Attributes:
        op: the kernel, by the name that ``_core.Program`` knows.
        name: the layer, for error messages and states.
        inputs, outputs: places of values.
        args: numbers, names and None.
        weights: arrays by the name of the argument; None where there is none.
        packed: for a recurrent cell, gives the packed weights that its layer has already.
    """

    op: str
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    args: dict[str, Any]
    weights: Mapping[str, Weight | None]
    packed: Callable[[], Any] | None = None

    def same_as(self, other: Instruction) -> bool:
        """Whether it is the same call, of weights that are the same variables."""
        return (
            self.op == other.op
            and self.name == other.name
            and self.inputs == other.inputs
            and self.outputs == other.outputs
            and self.args == other.args
            and _same_weights(self.weights, other.weights)
        )


@dataclass(frozen=True)
class Input:
    """What a program reads.

    Attributes:
        name: the name of the model's input.
        place: the value.
        kind: "floats", "ids" or "mask".
        shape: sizes, None where any will do.
        limit: ids must be below; 0 for others.
        time: whether axis 1 is the time of a stream.
    """

    name: str
    place: int
    kind: str
    shape: Shape
    limit: int
    time: bool


@dataclass(eq=False)
class Plan:
    """A whole program before its weights are packed.

    Attributes:
        kinds: of all values.
        constants: values that never change.
        instructions: in order.
        inputs: in flat order.
        outputs: places, in flat order.
        structure: how the model returns them: lists, tuples and dictionaries of indices.
        output_time: for each output, whether axis 1 is the time of a stream.
        inexact: why results may differ from the model's in their last bits; None: they do not.
        unstreamable: why the program cannot stream; None: it can.
    """

    kinds: list[str] = field(default_factory=list)
    constants: dict[int, Array] = field(default_factory=dict)
    instructions: list[Instruction] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    structure: Any = None
    output_time: list[bool] = field(default_factory=list)
    inexact: str | None = None
    unstreamable: str | None = None

    def variables(self) -> list[Variable]:
        """All variables that instructions read."""
        return [
            variable
            for instruction in self.instructions
            for weight in instruction.weights.values()
            if weight is not None
            for variable in weight.variables
        ]

    def same_as(self, other: Plan) -> bool:
        """Whether both come from the same layers with the same settings."""
        return (
            self.kinds == other.kinds
            and self.inputs == other.inputs
            and self.outputs == other.outputs
            and self.structure == other.structure
            and len(self.instructions) == len(other.instructions)
            and all(
                one.same_as(two)
                for one, two in zip(self.instructions, other.instructions, strict=True)
            )
            and self.constants.keys() == other.constants.keys()
            and all(np.array_equal(self.constants[k], other.constants[k]) for k in self.constants)
        )


def _same_weights(one: Mapping[str, Weight | None], two: Mapping[str, Weight | None]) -> bool:
    return one.keys() == two.keys() and all(
        (a is None and b is None) or (a is not None and b is not None and a.same_as(b))
        for a, b in ((one[name], two[name]) for name in one)
    )

"""From a plan to a program that runs: arrays in the place of variables, weights packed."""

from __future__ import annotations

import operator
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from .. import _core, runtime
from ..autograd import Array, Variable
from .lowering.plan import Input, Plan

__all__ = ["Step", "Versions", "freeze", "link", "link_present"]

_version = operator.attrgetter("version")

# The arrays of a recurrent cell, which are packed into one argument, in the order of the packer.
_CELL = ("kernel", "recurrent_kernel", "bias", "peepholes", "projection", "gamma", "beta")
_SCALES = ("kernel_scale", "recurrent_scale")  # of its columns where they are int8


@dataclass(frozen=True, eq=False)
class Step:
    """An instruction with its arrays.

    Attributes:
        op, name, inputs, outputs, args: as in ``Instruction``.
        arrays: by the name of the argument; None where there is none.
        packed: the packed weights of a recurrent cell, if they are there already.
    """

    op: str
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    args: dict[str, Any]
    arrays: dict[str, Array | None]
    packed: _core.PackedWeights | None = None

    def described(self) -> tuple[str, str, tuple[int, ...], tuple[int, ...], dict[str, Any]]:
        """What ``_core.Program`` reads."""
        if self.op != "recurrent":
            return self.op, self.name, self.inputs, self.outputs, {**self.args, **self.arrays}
        args = {name: self.args[name] for name in self.args if name not in ("cell", "bf16")}
        packed = self.packed
        if packed is None:
            w, u, b, p, q, *norm = (self.arrays.get(name) for name in _CELL)
            cell, bf16 = self.args.get("cell", ""), self.args.get("bf16", False)
            scales = {name: self.arrays[name] for name in _SCALES if name in self.arrays}
            packed = _core.PackedWeights(cell, w, u, b, p, q, bf16, *norm, **scales)  # type: ignore[arg-type]
        return self.op, self.name, self.inputs, self.outputs, {**args, "weights": packed}


def freeze(plan: Plan, copy: bool, packed: bool = True) -> list[Step]:
    """The instructions with the present values of the variables.

    Without ``copy`` they read the memory of the variables, until one is assigned to. Without
    ``packed`` no weights are packed.
    """
    return [
        Step(
            one.op,
            one.name,
            one.inputs,
            one.outputs,
            one.args,
            {
                name: None if weight is None else weight.array(copy)
                for name, weight in one.weights.items()
            },
            None if one.packed is None or not packed else one.packed(),
        )
        for one in plan.instructions
    ]


def link(
    kinds: Sequence[str],
    constants: dict[int, Array],
    steps: Sequence[Step],
    inputs: Sequence[Input],
    outputs: Sequence[int],
    output_time: Sequence[bool],
) -> _core.Program:
    """Packs the weights for this processor and checks everything.

    Raises:
        ValueError, TypeError: something does not fit; only of what a file says, not a model.
    """
    return _core.Program(
        list(kinds),
        list(constants.items()),
        [step.described() for step in steps],
        [one.place for one in inputs],
        list(outputs),
        [one.time for one in inputs],
        list(output_time),
    )


@dataclass(frozen=True, slots=True)
class Versions:
    """What the weights of a plan were when programs of it were made.

    Attributes:
        variables: the weights, each once.
        numbers: how often each had been written to.
        isa: the instruction set that they are packed for.
    """

    variables: tuple[Variable, ...]
    numbers: tuple[int, ...]
    isa: str

    @classmethod
    def of(cls, plan: Plan) -> Versions:
        """Those of the present; to be asked for before the weights are read."""
        variables = tuple({id(one): one for one in plan.variables()}.values())
        return cls(variables, tuple(map(_version, variables)), runtime.isa())

    def are_present(self) -> bool:
        return self.isa == runtime.isa() and tuple(map(_version, self.variables)) == self.numbers


def link_present(plan: Plan, constants: Container[int] | None = None) -> _core.Program:
    """A program that reads the memory of the variables, until one is assigned to.

    Args:
        plan: what it does.
        constants: the places of those that it reads; None: all.
    """
    return link(
        plan.kinds,
        {at: x for at, x in plan.constants.items() if constants is None or at in constants},
        freeze(plan, copy=False),
        plan.inputs,
        plan.outputs,
        plan.output_time,
    )

"""A program for sequences of unequal length at once: a mask tells which steps each of them has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import _core
from ..autograd import Array
from .linking import Step, link
from .lowering.plan import Input

__all__ = ["RaggedProgram", "ragged"]

# What each step of a sequence goes through by itself.
_STEP_BY_STEP = frozenset(
    {"embedding", "nonzero", "masking", "shift", "activation", "softmax", "row_norm", "dense"}
    | {"add", "subtract", "multiply", "divide", "maximum", "minimum", "either", "both"}
)


@dataclass(frozen=True, eq=False)
class RaggedProgram:
    """What a program computes, of rows padded to one length; each gets what it gets alone.

    Attributes:
        sequences: whether an output has the steps of the input, for each in flat order. What
            stands there behind the steps of a row means nothing.
    """

    sequences: tuple[bool, ...]
    _core: _core.Program

    def __call__(self, x: Array, lengths: Sequence[int]) -> list[Array]:
        """The outputs in flat order for rows of so many real steps each."""
        mask = np.arange(x.shape[1]) < np.asarray(lengths)[:, None]
        found: Any = self._core.run((np.ascontiguousarray(x), mask))
        return found if isinstance(found, list) else [found]


def ragged(program: Any) -> RaggedProgram | None:
    """The program for rows of unequal length; None where padding would change what a row gets.

    It packs weights of its own. Steps that look at others than their own, and are not of a
    recurrent layer, would see the padding: such a program has none.

    Args:
        program: a compiled program.
    """
    if len(program.inputs) != 1 or not program.inputs[0].time:
        return None
    [given] = program.inputs
    kinds = [*program._kinds, "mask"]
    real = len(kinds) - 1
    padded = {given.place}
    steps: list[Step] = []
    for step in program._steps:
        if not padded.intersection(step.inputs):
            steps.append(step)
        elif step.op == "recurrent":
            found = _masked(step, padded, real, kinds)
            if found is None:
                return None
            steps += found
            if step.args["return_sequences"]:
                padded.add(step.outputs[0])
        elif step.op in _STEP_BY_STEP and padded.issuperset(step.inputs):
            steps.append(step)
            padded.update(step.outputs)
        else:
            return None
    inputs = [*program.inputs, Input("mask", real, "mask", (None, None), 0, True)]
    core = link(kinds, program._constants, steps, inputs, program._outputs, program._output_time)
    return RaggedProgram(tuple(place in padded for place in program._outputs), core)


def _masked(step: Step, padded: set[int], real: int, kinds: list[str]) -> list[Step] | None:
    """A recurrent step that passes over padding, and what makes its mask."""
    x, *others = step.inputs
    if x not in padded or (step.args["go_backwards"] and step.args["return_sequences"]):
        return None
    before: list[Step] = []
    mask = real
    if step.args["masked"]:
        own, *others = others
        if own not in padded:
            return None
        kinds.append("mask")
        mask = len(kinds) - 1
        before = [Step("both", step.name, (own, real), (mask,), {}, {})]
    if padded.intersection(others):
        return None
    return [*before, replace(step, inputs=(x, mask, *others), args={**step.args, "masked": True})]

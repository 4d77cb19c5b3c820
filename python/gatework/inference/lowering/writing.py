"""What a model's plan becomes where only the next token matters: the scores after the last step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .plan import Input, Instruction, Plan

__all__ = ["after_the_last_step", "ends_in", "split", "without_softmax"]

# Each step by itself, its only moving operand the first.
_PER_STEP = frozenset({"activation", "column_norm", "dense", "row_norm", "shift", "softmax"})
_WITH_CONSTANT = frozenset({"add", "divide", "maximum", "minimum", "multiply", "subtract"})
# Masks that are as cheap to compute again as to keep.
_CHEAP_MASKS = frozenset({"both", "either", "nonzero"})


def _copy(plan: Plan) -> Plan:
    return replace(
        plan,
        kinds=list(plan.kinds),
        instructions=list(plan.instructions),
        inputs=list(plan.inputs),
        outputs=list(plan.outputs),
        output_time=list(plan.output_time),
    )


def ends_in(plan: Plan) -> str:
    """The operation, or the activation, that puts out the only output."""
    last = _maker(plan, plan.outputs[0])
    if last is None:
        return ""
    name: str = last.args.get("activation", last.op)
    return name


def without_softmax(plan: Plan) -> Plan:
    """The same plan, which puts out the logits that it took the softmax of."""
    place = plan.outputs[0]
    found = _copy(plan)
    last = _maker(found, place)
    assert last is not None
    assert last.op == "softmax"
    found.instructions.remove(last)
    found.outputs = [last.inputs[0]]
    if _maker(found, last.inputs[0]) is None:  # an output is computed, not an input
        found.instructions.append(
            replace(last, op="reshape", args={"target": None}, inputs=last.inputs)
        )
        found.outputs = [place]
    return found


def after_the_last_step(plan: Plan) -> Plan:
    """The same plan with an output of the last step only, (batch, 1, ...).

    What follows the last instruction that knows of several steps, such as the scores of a whole
    vocabulary, is then computed for one.
    """
    if not plan.output_time[0]:
        return plan
    found = _copy(plan)
    readers: dict[int, int] = {}
    for one in found.instructions:
        for place in one.inputs:
            readers[place] = readers.get(place, 0) + 1
    place = found.outputs[0]
    at = len(found.instructions)
    while (maker := _maker(found, place)) is not None:
        alone = all(one in plan.constants for one in maker.inputs[1:])
        known = maker.op in _PER_STEP or (maker.op in _WITH_CONSTANT and len(maker.inputs) == 2)
        if not (known and alone) or readers.get(place, 0) > (place != plan.outputs[0]):
            break
        at, place = found.instructions.index(maker), maker.inputs[0]
    last = len(found.kinds)
    found.kinds.append("floats")
    step = Instruction("last_step", "last_step", (place,), (last,), {}, {})
    if at == len(found.instructions):
        found.outputs = [last]
    else:
        first = found.instructions[at]
        moved = tuple(last if i == 0 else one for i, one in enumerate(first.inputs))
        found.instructions[at] = replace(first, inputs=moved)
    found.instructions.insert(at, step)
    return found


def _maker(plan: Plan, place: int) -> Instruction | None:
    return next((one for one in plan.instructions if place in one.outputs), None)


def split(plan: Plan, sequence: int) -> tuple[Plan | None, Plan, list[int]] | None:
    """A plan in two: what does not depend on the sequence that comes step by step, and the rest.

    Args:
        plan: of one output, lowered for that sequence.
        sequence: which of the inputs it is.

    Returns:
        The first part, None where there is nothing in it; the second, whose inputs are the
        sequence, what the first puts out, and the other inputs that it reads itself; the numbers
        of these inputs. None where the parts cannot be kept apart.
    """
    moving = {plan.inputs[sequence].place}
    steady: list[Instruction] = []
    rest: list[Instruction] = []
    for one in plan.instructions:
        if moving.isdisjoint(one.inputs):
            steady.append(one)
        else:
            rest.append(one)
            moving.update(one.outputs)
    if plan.outputs[0] not in moving:
        return None
    made = {place: one for one in steady for place in one.outputs}
    wanted = _wanted(plan, rest, made)
    if wanted is None:
        return None
    masks, between = wanted
    second, first = _copy(plan), _copy(plan)
    second.instructions = [*masks, *rest]
    read = {place for one in second.instructions for place in one.inputs}
    others = [i for i, one in enumerate(plan.inputs) if i != sequence and one.place in read]
    second.inputs = [
        plan.inputs[sequence],
        *(Input(f"steady_{place}", place, "floats", (None,), 0, False) for place in between),
        *(plan.inputs[i] for i in others),
    ]
    first.instructions = steady
    first.outputs = between
    first.output_time = [False] * len(between)
    first.inputs = [one for i, one in enumerate(plan.inputs) if i != sequence]
    return (first if between else None), second, others


def _wanted(
    plan: Plan, rest: list[Instruction], made: dict[int, Instruction]
) -> tuple[list[Instruction], list[int]] | None:
    """The masks that the rest computes again, and the values that it is given."""
    again: dict[int, Instruction] = {}
    between: list[int] = []

    def read(places: tuple[int, ...]) -> Iterator[int]:
        for place in places:
            maker = made.get(place)
            if maker is None:
                continue
            if plan.kinds[place] != "mask":
                yield place
            elif maker.op not in _CHEAP_MASKS:
                yield -1
            elif place not in again:
                yield from read(maker.inputs)
                again[place] = maker

    for one in rest:
        for place in read(one.inputs):
            if place < 0:
                return None
            if place not in between:
                between.append(place)
    return list(again.values()), between

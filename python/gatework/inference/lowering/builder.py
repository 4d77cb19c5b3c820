"""Puts a plan together, value by value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...autograd import Array, Variable
from .plan import CannotCompile, Input, Instruction, Plan, Shape, Value, Weight

__all__ = ["Builder", "weight"]


def weight(variable: Variable | None) -> Weight | None:
    """The weight that a variable is; None for none."""
    return None if variable is None else Weight(variable)


class Builder:
    """What the rules of the layers write to.

    Attributes:
        layer: the layer that is being lowered, for messages and names.

    Args:
        bf16: products round their operands to bfloat16 in all layers, not only where a policy says
            so.
    """

    def __init__(self, bf16: bool = False) -> None:
        self._bf16 = bf16
        self.plan = Plan()
        self.layer: Any = None
        self._moving: set[int] | None = None
        self._steady = False

    def only(self, sequence: Value) -> None:
        """Tells that this input alone comes step by step: what does not depend on it is computed
        once, and may do what streams cannot."""
        self._moving = {sequence.place}

    def calls(self, values: Iterable[Any]) -> bool:
        """Notes what the layer is called with; returns what to give to ``called``."""
        before = self._steady
        if self._moving is not None:
            places = {value.place for value in values if isinstance(value, Value)}
            self._steady = self._moving.isdisjoint(places)
        return before

    def called(self, before: bool) -> None:
        """The layer of ``calls`` is done."""
        self._steady = before

    # --- values

    def input(self, name: str, shape: Shape, kind: str, time: bool) -> Value:
        """A new input of the program."""
        value = self._value(shape, kind, time)
        self.plan.inputs.append(Input(name, value.place, kind, shape, 0, time))
        return value

    def constant(self, array: Any) -> Value:
        """A value that is always the same."""
        values: Array = np.ascontiguousarray(array, np.float32)
        value = self._value(np.shape(array), "floats", False)
        self.plan.constants[value.place] = values.reshape(np.shape(array))
        return value

    def limit_ids(self, ids: Value, limit: int) -> None:
        """Tells the input whose ids these are that they index a table of so many rows."""
        for i, one in enumerate(self.plan.inputs):
            if one.place == ids.place:
                least = min(limit, one.limit) if one.limit else limit
                self.plan.inputs[i] = Input(
                    one.name, one.place, one.kind, one.shape, least, one.time
                )

    def output(self, value: Value) -> int:
        """Makes a value an output and returns its index among them."""
        if value.kind != "floats":
            self.refuse("puts out ids, not floats")
        made = {place for one in self.plan.instructions for place in one.outputs}
        if value.place not in made or value.place in self.plan.outputs:
            value = self.emit("reshape", [value], value.shape, value.time, target=None)
        self.plan.outputs.append(value.place)
        self.plan.output_time.append(value.time)
        return len(self.plan.outputs) - 1

    def _value(self, shape: Shape, kind: str, time: bool) -> Value:
        value = Value(len(self.plan.kinds), tuple(shape), kind, time)
        self.plan.kinds.append(kind)
        return value

    # --- instructions

    def emit(
        self,
        op: str,
        inputs: Sequence[Value],
        shape: Shape,
        time: bool,
        *,
        kind: str = "floats",
        weights: Mapping[str, Weight | None] | None = None,
        **args: Any,
    ) -> Value:
        """Adds an instruction of one output."""
        return self.emit_many(op, inputs, [(shape, kind, time)], weights or {}, args)[0]

    def emit_many(
        self,
        op: str,
        inputs: Sequence[Value],
        outputs: Sequence[tuple[Shape, str, bool]],
        weights: Mapping[str, Weight | None],
        args: dict[str, Any],
        *,
        name: str | None = None,
        packed: Callable[[], Any] | None = None,
    ) -> list[Value]:
        """Adds an instruction; ``outputs`` are their shapes, kinds and whether they have time."""
        values = [self._value(*one) for one in outputs]
        if self._moving is not None and any(value.place in self._moving for value in inputs):
            self._moving.update(value.place for value in values)
        self.plan.instructions.append(
            Instruction(
                op,
                name or self.layer.name,
                tuple(value.place for value in inputs),
                tuple(value.place for value in values),
                args,
                weights,
                packed,
            )
        )
        return values

    def rounds(self, layer: Any) -> bool:
        """Whether the products of a layer round their operands to bfloat16."""
        return self._bf16 or bool(layer._bf16)

    # --- what does not work

    def refuse(self, why: str) -> Any:
        """Raises CannotCompile: no program can run this layer."""
        layer = self.layer
        raise CannotCompile(
            f"model must be made of layers that programs have, not '{layer.name}' "
            f"({type(layer).__name__}): it {why}"
        )

    def cannot_stream(self, why: str) -> None:
        """Notes that the program cannot stream; the first reason stays."""
        if self.plan.unstreamable is None and not self._steady:
            self.plan.unstreamable = f"'{self.layer.name}' {why}"

    def inexact(self, why: str) -> None:
        """Notes that results may differ from the layer's own in their last bits."""
        if self.plan.inexact is None:
            self.plan.inexact = f"'{self.layer.name}' {why}"

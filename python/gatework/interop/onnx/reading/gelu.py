"""Gelu: an operator since version 20, before that five nodes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .builder import Builder, Node
from .elementwise import activation, close
from .values import View

__all__ = ["erf", "gelu"]


def gelu(builder: Builder, node: Node, x: Any, *, approximate: str = "none") -> View:
    if approximate != "none":
        node.refuse(f"approximate must be 'none', not {approximate!r}")
    return activation("gelu")(builder, node, x)


def erf(builder: Builder, node: Node, x: Any) -> Any:
    """Gelu, which is written as 0.5 * x * (1 + erf(x / sqrt(2))) where it is no operator."""
    source, last = _gelu_around(builder, node)
    if source is None or last is None:
        node.refuse("it must be part of 0.5 * x * (1 + Erf(x / sqrt(2)))")
    builder.values[last.outputs[0]] = activation("gelu")(builder, node, builder.values[source])
    return None


def _gelu_around(builder: Builder, node: Node) -> tuple[str | None, Node | None]:
    """What a gelu takes, and the last of its nodes."""
    scale = builder.makers.get(node.inputs[0])
    plus = builder.only_consumer(node)
    if scale is None or plus is None or plus.op != "Add":
        return None, None
    root = _factor(builder, scale)
    if root is None or not close(root, math.sqrt(0.5)) or _other(builder, plus, node) != 1.0:
        return None, None
    source = next(name for name in scale.inputs if not _is_number(builder, name))
    # What follows multiplies by x and by a half, in either order, x halved before or not.
    found, factor, times = plus, 1.0, 0
    while (factor, times) != (0.5, 1):
        after = builder.only_consumer(found)
        if after is None or after.op != "Mul" or times > 1:
            return None, None
        other = after.inputs[after.inputs[0] == found.outputs[0]]
        if other == source:
            times += 1
        elif _is_number(builder, other):
            factor *= float(builder.values[other].ravel()[0])
        else:
            half = builder.makers.get(other)
            value = None if half is None else _factor(builder, half)
            if half is None or value is None or source not in half.inputs:
                return None, None
            factor, times = factor * value, times + 1
        builder.done.add(id(after))
        found = after
    builder.done.add(id(plus))
    return source, found


def _is_number(builder: Builder, name: str) -> bool:
    value = builder.values.get(name)
    return isinstance(value, np.ndarray) and value.size == 1


def _factor(builder: Builder, node: Node) -> float | None:
    """By what a node multiplies its other operand."""
    numbers = [i for i, name in enumerate(node.inputs) if _is_number(builder, name)]
    if node.op not in ("Mul", "Div") or len(node.inputs) != 2 or len(numbers) != 1:
        return None
    value = float(builder.values[node.inputs[numbers[0]]].ravel()[0])
    if node.op == "Div":
        return 1.0 / value if numbers == [1] and value else None
    return value


def _other(builder: Builder, node: Node, one: Node) -> float | None:
    """The number beside the result of a node."""
    name = node.inputs[node.inputs[0] == one.outputs[0]]
    return float(builder.values[name].ravel()[0]) if _is_number(builder, name) else None

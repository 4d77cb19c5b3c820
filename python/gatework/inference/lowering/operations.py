"""Rules of operators between tensors of a model: sums, products and the like."""

from __future__ import annotations

from typing import Any

from ...layers.operation import OPERATIONS_BY_FUNCTION
from .builder import Builder
from .merging import common_time
from .plan import Value
from .table import rule

_BINARY = {
    "add": "add",
    "divide": "divide",
    "maximum": "maximum",
    "minimum": "minimum",
    "multiply": "multiply",
    "subtract": "subtract",
    "true_divide": "divide",
}


@rule(*(OPERATIONS_BY_FUNCTION[name] for name in _BINARY if name in OPERATIONS_BY_FUNCTION))
def _binary(b: Builder, operation: Any, x1: Any, x2: Any) -> Value:
    pair = [_operand(b, one) for one in (x1, x2)]
    shape = _broadcast(b, [one.shape for one in pair if one.shape])
    return b.emit(_BINARY[operation.function], pair, shape, common_time(b, pair))


def _operand(b: Builder, x: Any) -> Value:
    if isinstance(x, Value):
        if x.kind != "floats":
            b.refuse("reads ids or a mask, not floats")
        return x
    if type(x) not in (int, float):
        b.refuse("is given something else than tensors of the model and numbers")
    return b.constant(x)


def _broadcast(b: Builder, shapes: list[Any]) -> Any:
    first, *others = shapes
    if not others or first == others[0]:
        return first
    if len(first) != len(others[0]):
        b.refuse("joins tensors of unequal numbers of axes")
    sizes: list[int | None] = []
    for one, two in zip(first, others[0], strict=True):
        if one is not None and two is not None and one != two and 1 not in (one, two):
            b.refuse(f"joins the shapes {first} and {others[0]}")
        sizes.append(two if one == 1 else one if two in (1, None) else two)
    return tuple(sizes)

"""Rules of the layers that join several inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...layers import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from .builder import Builder
from .plan import Value
from .table import rule

__all__ = ["common_time"]

_OPERATIONS = {
    Add: "add",
    Average: "add",
    Maximum: "maximum",
    Minimum: "minimum",
    Multiply: "multiply",
    Subtract: "subtract",
}


@rule(*_OPERATIONS)
def _merge(b: Builder, layer: Any, inputs: Any) -> Value:
    values = _listed(b, inputs)
    op = _OPERATIONS[type(layer)]
    if op not in ("add", "subtract") and any(value.mask is not None for value in values):
        b.refuse("leaves out masked steps of its inputs")
    shape = layer.compute_output_shape([value.shape for value in values])
    time = common_time(b, values)
    mask = _mask_of_all(b, values)
    axes = max(len(value.shape) for value in values)
    values = [_with_axes(b, value, axes) for value in values]
    found = values[0]
    if len(values) == 1:  # an output of its own
        found = b.emit("reshape", [found], shape, time, target=None)
    for value in values[1:]:
        found = b.emit(op, [found, value], shape, time)
    if isinstance(layer, Average):
        found = b.emit("divide", [found, b.constant(len(values))], shape, time)
    return found.with_mask(mask)


@rule(Concatenate)
def _concatenate(b: Builder, layer: Any, inputs: Any) -> Value:
    values = _listed(b, inputs)
    shape = layer.compute_output_shape([value.shape for value in values])
    axis = layer.axis % len(shape)
    if axis == 0:
        b.refuse("joins batches")
    masked = any(value.mask is not None for value in values)
    if masked and axis != len(shape) - 1:
        b.refuse(f"joins masked inputs along axis {axis}")
    time = common_time(b, values)
    if axis == 1 and time:
        b.cannot_stream("joins sequences one after the other")
    found = b.emit("concatenate", values, shape, time, axis=axis)
    # Inputs without a mask are real throughout, and so are their features among the others.
    return found.with_mask(_mask_of_all(b, values))


def _listed(b: Builder, inputs: Any) -> list[Value]:
    if not isinstance(inputs, list | tuple):
        b.refuse("must be called with a list")
    for value in inputs:
        if value.kind != "floats":
            b.refuse("reads ids, not floats")
    return list(inputs)


def common_time(b: Builder, values: Sequence[Value]) -> bool:
    """Whether what is made of the values has an axis of time."""
    time = any(value.time for value in values)
    if time and any(not v.time and len(v.shape) > 2 and v.shape[1] != 1 for v in values):
        b.cannot_stream("joins a sequence with one that is not of the stream")
    return time


def _mask_of_all(b: Builder, values: Sequence[Value]) -> Value | None:
    """Real where any of the inputs is; None if one of them is everywhere."""
    masks = [value.mask for value in values]
    found = masks[0]
    for mask in masks[1:]:
        if found is None or mask is None:
            return None
        if mask is not found:
            found = b.emit("either", [found, mask], found.shape, found.time, kind="mask")
    return found


def _with_axes(b: Builder, value: Value, axes: int) -> Value:
    """The value with new axes behind the batch."""
    missing = axes - len(value.shape)
    if missing == 0:
        return value
    target = (*[1] * missing, *(-1 if n is None else n for n in value.shape[1:]))
    if target.count(-1) > 1:
        b.refuse("broadcasts an input of unknown sizes")
    shape = (value.shape[0], *[1] * missing, *value.shape[1:])
    return b.emit("reshape", [value], shape, False, target=target)

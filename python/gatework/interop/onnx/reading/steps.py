"""Sequences whose real steps stand in front, as ``sequence_lens`` counts them: masks, read back.

``export_model`` writes a mask that may have holes as a number of nodes: they count the real steps,
bring them to the front, and spread the outputs again. Each of those nodes is known here by what it
computes of the mask, so that the layers between them get the mask itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .builder import Builder, Node
from .operation import Operation
from .values import Spread, Steps, View

__all__ = ["convert_steps", "cumsum", "gather_nd", "real_steps", "spread_where", "topk"]

# What a node makes of numbers derived from a mask and of constants.
RULES = {
    ("ReduceSum", "real"): "sum",
    ("Cast", "sum"): "lengths",
    ("CumSum", "real"): "count",
    ("Sub", "count"): "before",
    ("Max", "before"): "place",
    ("Greater", "count"): "started",
    ("Greater", "lengths"): "some",
    ("Unsqueeze", "order"): "order",
    ("Unsqueeze", "place"): "place",
    ("Unsqueeze", "started"): "started",
    ("Unsqueeze", "some"): "some",
}
# The constant beside each: the axis of time, one less, not below zero, more than zero.
CONSTANTS = {"sum": 1, "count": 1, "before": 1, "place": (0, 2), "started": 0, "some": 0}


def real_steps(builder: Builder, view: View) -> Steps | None:
    """A mask (batch, time) as numbers, if somebody counts its steps."""
    if view.tensor.dtype != "bool" or view.rank != 2:
        return None
    return Steps("real", view)


def convert_steps(builder: Builder, node: Node, operands: list[Any]) -> Any:
    """What a node computes of a mask."""
    at = next(i for i, x in enumerate(operands) if isinstance(x, Steps))
    steps: Steps = operands[at]
    others = [x for i, x in enumerate(operands) if i != at]
    if node.op == "Where" and at == 0:
        return spread_where(builder, node, operands[0], operands[1], operands[2])
    if node.op == "Where" and steps.kind == "count" and at == 1:
        far = isinstance(operands[2], np.ndarray) and operands[2].size == 1
        if _is_mask(operands[0], steps) and far and int(operands[2].ravel()[0]) >= 1 << 31:
            return Steps("key", steps.mask)
    if node.op == "TopK" and steps.kind == "key":
        return topk(builder, node, *operands, **node.attributes)
    if node.op == "GatherND" and at == 1:
        return gather_nd(builder, node, *operands, **node.attributes)
    found = RULES.get((node.op, steps.kind))
    if found is not None and at == 0 and _fits(node, found, others):
        return Steps(found, steps.mask)
    node.refuse("numbers of steps must only bring steps to the front and back")


def _fits(node: Node, kind: str, others: list[Any]) -> bool:
    """Whether the other operand is the constant that makes it so."""
    wanted = CONSTANTS.get(kind)
    if node.op == "Cast" or wanted is None:
        return True
    if not others or not isinstance(others[0], np.ndarray) or others[0].size != 1:
        return False
    value = int(others[0].ravel()[0])
    if node.op == "ReduceSum" and node.attributes.get("keepdims", 1):
        return False
    if node.op == "Unsqueeze":
        return value == (1 if kind == "some" else 2)
    if node.op == "CumSum" and any(node.attributes.values()):
        return False
    return value == (0 if kind == "place" else wanted)


def _is_mask(value: Any, steps: Steps) -> bool:
    return isinstance(value, View) and value.tensor is steps.mask.tensor


def cumsum(
    builder: Builder, node: Node, x: Any, axis: Any, *, exclusive: int = 0, reverse: int = 0
) -> Any:
    node.refuse("it must count the real steps of a mask")


def topk(
    builder: Builder,
    node: Node,
    x: Any,
    k: Any,
    *,
    axis: int = -1,
    largest: int = 1,
    sorted: int = 1,
) -> list[Any]:
    whole = isinstance(x, Steps) and isinstance(k, np.ndarray) and k.size == 1
    if not whole or axis not in (1, -1) or largest or not sorted or builder.used(node, 0):
        node.refuse("it must order the steps of a mask")
    if k.ravel()[0] != x.mask.shape()[1]:
        node.refuse("it must order all steps of a mask")
    return [None, Steps("order", x.mask)]


def gather_nd(builder: Builder, node: Node, x: Any, index: Any, *, batch_dims: int = 0) -> Any:
    if not isinstance(index, Steps) or batch_dims != 1:
        node.refuse("it must bring the steps of a mask to the front, or back")
    view = builder.view(node, x)
    if view.rank != 3:
        node.refuse(f"it must have a sequence with three axes, not {view.rank}")
    if index.kind == "order" and view.packed is None:
        return replace(view, packed=index.mask.tensor)
    if index.kind == "place" and view.packed is index.mask.tensor:
        return Spread(replace(view, packed=None), index.mask.tensor)
    node.refuse("it must bring the steps of a mask to the front, or back")


def spread_where(builder: Builder, node: Node, condition: Any, yes: Any, no: Any) -> Any:
    """Outputs where the steps were: the layer's own outputs with the mask."""
    if isinstance(condition, Steps) and condition.kind == "some" and isinstance(yes, View):
        return yes  # a layer keeps the initial state of a row without steps
    mask = condition.mask.tensor if isinstance(condition, Steps) else condition.tensor
    if not isinstance(yes, Spread) or yes.mask is not mask:
        node.refuse("it must choose between spread outputs and those before the first step")
    layer, call = _layer(yes.view.tensor)
    zero = not isinstance(condition, Steps)
    given = not isinstance(no, np.ndarray)
    states = layer._inbound[call].kwargs.get("initial_state")
    if (not given and no.any()) or (not zero and given != (states is not None)):
        node.refuse("before the first step outputs must be the initial state")
    if hasattr(layer, "zero_output_for_mask"):
        layer.zero_output_for_mask = zero
    elif not zero:
        node.refuse("masked steps of both directions must put out zeros")
    return yes.view


def _layer(tensor: Any) -> tuple[Any, int]:
    """The recurrent layer whose outputs a tensor has, as they are or turned; and its call."""
    layer, call, _ = tensor._keras_history
    if isinstance(layer, Operation):
        return _layer(layer._inbound[call].args[0])
    return layer, call

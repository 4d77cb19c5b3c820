"""Products with weights and tables of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from .... import layers
from .builder import Builder, Node
from .values import Atom, View

__all__ = ["einsum", "gemm", "matmul"]


def matmul(builder: Builder, node: Node, a: Any, b: Any) -> Any:
    if isinstance(b, np.ndarray) and b.ndim == 2 and not isinstance(a, np.ndarray):
        return _dense(builder, node, builder.view(node, a), b)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        constant, place = (a, 0) if isinstance(a, np.ndarray) else (b, 1)
        other = builder.view(node, b if place == 0 else a)
        if min(constant.ndim, other.rank) < 2:
            node.refuse("its operands must have two axes or more")
        tensor = builder.plain(node, other)
        return View.of(builder.operate("MatMul", tensor, constant, place))
    left, right = builder.plain(node, a), builder.plain(node, b)
    if min(left.ndim, right.ndim) < 2:
        node.refuse("its operands must have two axes or more")
    return View.of(builder.operate("MatMul", [left, right]))


def gemm(
    builder: Builder,
    node: Node,
    a: Any,
    b: Any,
    c: Any = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> Any:
    if transA or not isinstance(b, np.ndarray) or b.ndim != 2:
        node.refuse("B must be a constant matrix, and transA 0")
    view = builder.view(node, a)
    if view.rank != 2:
        node.refuse(f"A must have two axes, not {view.rank}")
    kernel = (b.T if transB else b) * np.float32(alpha)
    bias = None
    if c is not None:
        if not isinstance(c, np.ndarray) or c.size not in (1, kernel.shape[1]):
            node.refuse("C must be a constant with one value per column of B")
        bias = np.broadcast_to(c.reshape(-1), kernel.shape[1:]) * np.float32(beta)
    return _dense(builder, node, view, kernel, bias)


def einsum(builder: Builder, node: Node, *operands: Any, equation: str) -> View:
    compact = equation.replace(" ", "")
    terms = compact.partition("->")[0].split(",")
    if "." in compact or "->" not in compact or len(terms) != len(operands):
        node.refuse(f"its equation must name every axis, not be {equation!r}")
    constants = [i for i, x in enumerate(operands) if isinstance(x, np.ndarray)]
    tensors = [builder.plain(node, x) for i, x in enumerate(operands) if i not in constants]
    if len(constants) > 1 or not tensors:
        node.refuse("at most one of its operands must be a constant")
    inputs = tensors[0] if len(tensors) == 1 else tensors
    if not constants:
        return View.of(builder.operate("Einsum", inputs, equation=compact))
    place = constants[0]
    return View.of(builder.operate("Einsum", inputs, operands[place], place, equation=compact))


def _dense(
    builder: Builder, node: Node, view: View, kernel: np.ndarray, bias: np.ndarray | None = None
) -> View:
    """A Dense layer over the last axis, with the bias that a node after a MatMul adds."""
    if not view.axes or view.sizes()[-1] not in (None, kernel.shape[0]):
        node.refuse(f"its operands must fit each other, not {view.sizes()} and {kernel.shape}")
    if not view.home or view.home[-1] != view.axes[-1] or len(view.home) < 2:
        view = builder.viewed(view)
    target = node
    if bias is None:
        after = builder.only_consumer(node)
        if after is not None and after.op == "Add":
            other = after.inputs[1] if after.inputs[0] == node.outputs[0] else after.inputs[0]
            value = builder.values.get(other)
            if isinstance(value, np.ndarray) and value.shape == kernel.shape[1:]:
                bias, target = value, after
                builder.done.add(id(after))
    if len(view.home) < 2:
        node.refuse(f"its operand must have two axes or more, not {view.rank}")
    layer = layers.Dense(kernel.shape[1], use_bias=bias is not None, name=builder.name_for(node))
    tensor = builder.call(layer, view.tensor, [kernel] if bias is None else [kernel, bias])
    group = () if kernel.shape[1] == 1 else (Atom(kernel.shape[1]),)
    result = View(tensor, (*view.home[:-1], group), (*view.axes[:-1], group))
    if target is not node:
        builder.values[target.outputs[0]] = result
    return result

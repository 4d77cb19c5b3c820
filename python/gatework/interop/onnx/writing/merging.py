"""Layers that join several inputs into one, and what becomes of their masks."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from typing import Any

from .graph import Graph, Value

__all__ = ["arithmetic", "average", "concatenate", "dot", "extreme", "multiply"]


def _aligned(inputs: Sequence[Value]) -> list[Value]:
    """Inputs of one number of axes: fewer get new ones behind the batch axis."""
    rank = max(x.rank for x in inputs)
    found = []
    for x in inputs:
        missing = rank - x.rank
        if missing:
            wide = x.unsqueeze(*range(1, 1 + missing))
            shape = (x.shape[0], *(1,) * missing, *x.shape[1:])
            x = Value(x.graph, wide.name, shape, x.dtype, x.mask)
        found.append(x)
    return found


def _either(inputs: Sequence[Value]) -> Value | None:
    """The mask of elementwise results: what is real in any input, if all have masks."""
    found: Value | None = None
    for x in inputs:
        if x.mask is None:
            return None
        found = x.mask if found is None else x.graph.op("Or", found, x.mask, dtype="bool")
    return found


def _spread(mask: Value, x: Value) -> Value:
    """A mask (batch, time) with an axis for each of x's, and those sizes."""
    wide = mask.unsqueeze(*range(2, x.rank)) if x.rank > 2 else mask
    return Value(x.graph, wide.name, dtype="bool")


def arithmetic(kind: str) -> Callable[..., Value]:
    def convert(graph: Graph, layer: Any, inputs: Any) -> Value:
        first, *others = _aligned(inputs)
        result = first
        for other in others:
            result = graph.op(kind, result, other)
        return Value(graph, result.name, mask=_either(inputs))

    return convert


def average(graph: Graph, layer: Any, inputs: Any) -> Value:
    total = arithmetic("Add")(graph, layer, inputs)
    return Value(graph, (total / float(len(inputs))).name, mask=total.mask)


def multiply(graph: Graph, layer: Any, inputs: Any) -> Value:
    product: Value | None = None
    aligned = _aligned(inputs)
    masks = [None if x.mask is None else _spread(x.mask, x) for x in aligned]
    for x, mask in zip(aligned, masks, strict=True):
        one = x if mask is None else mask.where(x, 1.0)
        product = one if product is None else product * one
    assert product is not None  # the layer asks for inputs
    result = Value(graph, product.name, mask=_either(inputs))
    if result.mask is not None:
        real = masks[0]
        for mask in masks[1:]:
            real = graph.op("Or", real, mask, dtype="bool")
        assert real is not None
        result.name = real.where(product, 0.0).name
    return result


def extreme(kind: str) -> Callable[..., Value]:
    """Max or Min; a masked step of an input leaves the choice to the others."""

    def convert(graph: Graph, layer: Any, inputs: Any) -> Value:
        found, *others = _aligned(inputs)
        real = None if found.mask is None else _spread(found.mask, found)
        for x in others:
            one, mask = x, None if x.mask is None else _spread(x.mask, x)
            if mask is not None:
                one = mask.where(one, found)
            if real is not None:
                found = real.where(found, one)
            both = mask is not None and real is not None
            real = graph.op("Or", real, mask, dtype="bool") if both else None
            found = graph.op(kind, found, one)
        return Value(graph, found.name, mask=_either(inputs))

    return convert


def concatenate(graph: Graph, layer: Any, inputs: Any) -> Value:
    result = graph.concat(inputs, axis=layer.axis)
    masks = [x.mask for x in inputs]
    if all(mask is None for mask in masks):
        return result
    axis = layer.axis % inputs[0].rank
    if axis != 1 and axis != inputs[0].rank - 1:
        raise ValueError("with masks its axis must be that of time or the last one")
    whole = [_all_real(graph, x) if x.mask is None else x.mask for x in inputs]
    if axis == 1 and inputs[0].rank > 2:
        result.mask = graph.concat(whole, axis=1, dtype="bool")
    else:
        found = whole[0]
        for mask in whole[1:]:
            found = graph.op("Or", found, mask, dtype="bool")
        result.mask = found
    return result


def _all_real(graph: Graph, x: Value) -> Value:
    """A mask (batch, time) that leaves out nothing: what is above zero, and what is not."""
    given = x if x.dtype == "float32" else x.cast("float32")
    one = given.reduce("ReduceMax", *range(2, x.rank)) if x.rank > 2 else given
    above = graph.op("Greater", one, 0.0, dtype="bool")
    return graph.op("Or", above, graph.op("Not", above, dtype="bool"), dtype="bool")


def dot(graph: Graph, layer: Any, inputs: Any) -> Value:
    x, y = inputs
    first, second = layer._axes_of([x.shape, y.shape])
    if layer.normalize:
        x, y = _normalized(x, first), _normalized(y, second)
    letters = iter(string.ascii_lowercase[2:])
    left = ["a", *(next(letters) for _ in x.shape[1:])]
    right = ["a", *(next(letters) for _ in y.shape[1:])]
    left[first] = right[second] = "b"
    rest = [c for c in left + right[1:] if c not in "ab"]
    equation = f"{''.join(left)},{''.join(right)}->a{''.join(rest)}"
    result = graph.op("Einsum", x, y, equation=equation)
    return result if rest else result.unsqueeze(1)


def _normalized(x: Value, axis: int) -> Value:
    """The vectors along an axis brought to norm one; zeros stay zeros."""
    squares = (x * x).reduce("ReduceSum", axis, keepdims=True)
    norm = x.graph.op("Sqrt", x.graph.op("Max", squares, 1e-24))
    return Value(x.graph, (x / norm).name, x.shape)

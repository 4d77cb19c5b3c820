"""Functions of ``gatework.ops`` on symbolic tensors: what stands between layers in a graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .... import activations
from .activations import FORMULAS, NODES, activate
from .graph import Graph, Value

__all__ = ["convert_operation", "is_known_function"]

END = np.iinfo(np.int64).max  # the end of an axis, as Slice says it


def _float(graph: Graph, x: Any) -> Value:
    """A value as float32; numbers and arrays as constants."""
    if isinstance(x, Value) and x.dtype != "float32":
        return Value(graph, x.cast("float32").name, x.shape)
    return graph.value(x)


def _truth(graph: Graph, x: Any) -> Value:
    if isinstance(x, Value):
        return x if x.dtype == "bool" else x.cast("bool")
    return graph.constant(np.asarray(x, bool))


def _axes(axis: Any, rank: int) -> list[int]:
    if axis is None:
        return list(range(rank))
    listed = [axis] if isinstance(axis, int) else list(axis)
    return [one % rank for one in listed]


def _node(kind: str, dtype: str = "float32") -> Callable[..., Value]:
    """A node of the same meaning, all of whose operands are floats."""

    def convert(graph: Graph, *operands: Any) -> Value:
        return graph.op(kind, *(_float(graph, x) for x in operands), dtype=dtype)

    return convert


def _logical(kind: str) -> Callable[..., Value]:
    def convert(graph: Graph, *operands: Any) -> Value:
        return graph.op(kind, *(_truth(graph, x) for x in operands), dtype="bool")

    return convert


def _reduce(kind: str) -> Callable[..., Value]:
    def convert(graph: Graph, x: Any, axis: Any = None, keepdims: bool = False) -> Value:
        given = _float(graph, x)
        return given.reduce(kind, *_axes(axis, x.rank), keepdims=keepdims)

    return convert


def _activation(name: str) -> Callable[..., Value]:
    def convert(graph: Graph, x: Any, **config: Any) -> Value:
        function = activations.FUNCTIONS[name]
        if config and config != _defaults(function):
            raise ValueError(f"{name} must have its default arguments, not {config}")
        given = _float(graph, x)
        return activate(graph, given, function)

    return convert


def _gelu(graph: Graph, x: Any, approximate: bool = True) -> Value:
    given = _float(graph, x)
    return activate(graph, given, activations.FUNCTIONS["gelu_tanh" if approximate else "gelu"])


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return {parameter.name: parameter.default for parameter in parameters}


def _softmax(kind: str) -> Callable[..., Value]:
    def convert(graph: Graph, x: Any, axis: Any = -1) -> Value:
        if not isinstance(axis, int):
            raise ValueError(f"axis must be one, not {axis}")
        return graph.op(kind, _float(graph, x), axis=axis)

    return convert


def _getitem(graph: Graph, x: Value, key: Any) -> Value:
    keys = list(key) if isinstance(key, (list, tuple)) else [key]
    if keys.count(Ellipsis) > 1 or any(isinstance(k, (Value, list, np.ndarray)) for k in keys):
        raise ValueError(f"an index must be numbers, slices and None, not {key!r}")
    named = sum(k is not None and k is not Ellipsis for k in keys)
    if Ellipsis in keys:
        place = keys.index(Ellipsis)
        keys[place : place + 1] = [slice(None)] * (x.rank - named)
    cuts: list[tuple[int, int, int, int]] = []
    gone: list[int] = []
    new: list[int] = []
    axis = 0
    for place, k in enumerate(keys):
        if k is None:
            new.append(place - len(gone))
            continue
        if isinstance(k, slice):
            if k != slice(None):
                step = 1 if k.step is None else k.step
                ends = (0, END) if step > 0 else (-1, -END)
                start = ends[0] if k.start is None else k.start
                cuts.append((axis, start, ends[1] if k.stop is None else k.stop, step))
        else:
            cuts.append((axis, int(k), int(k) + 1 if int(k) != -1 else END, 1))
            gone.append(axis)
        axis += 1
    result = x
    if cuts:
        columns = [graph.integers(*column) for column in zip(*cuts, strict=True)]
        where, starts, stops, steps = columns
        result = graph.op("Slice", x, starts, stops, where, steps, dtype=x.dtype)
    if gone:
        result = graph.op("Squeeze", result, graph.integers(*gone), dtype=x.dtype)
    if new:
        result = graph.op("Unsqueeze", result, graph.integers(*new), dtype=x.dtype)
    return result


def _transpose(graph: Graph, x: Value, axes: Sequence[int] | None = None) -> Value:
    order = range(x.rank)[::-1] if axes is None else [axis % x.rank for axis in axes]
    return graph.op("Transpose", x, perm=list(order), dtype=x.dtype)


def _swapaxes(graph: Graph, x: Value, axis1: int, axis2: int) -> Value:
    order = list(range(x.rank))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return graph.op("Transpose", x, perm=order, dtype=x.dtype)


def _moveaxis(graph: Graph, x: Value, source: Any, destination: Any) -> Value:
    moved, places = _axes(source, x.rank), _axes(destination, x.rank)
    rest = [axis for axis in range(x.rank) if axis not in moved]
    perm: list[int] = []
    for place in range(x.rank):
        perm.append(moved[places.index(place)] if place in places else rest.pop(0))
    return graph.op("Transpose", x, perm=perm, dtype=x.dtype)


def _reshape(graph: Graph, x: Value, newshape: Any) -> Value:
    sizes = [newshape] if isinstance(newshape, int) else list(newshape)
    if any(size is None for size in sizes):
        raise ValueError(f"newshape must hold numbers, not {sizes}")
    return graph.op("Reshape", x, graph.integers(*sizes), dtype=x.dtype)


def _expand_dims(graph: Graph, x: Value, axis: Any) -> Value:
    axes = [axis] if isinstance(axis, int) else list(axis)
    return graph.op("Unsqueeze", x, graph.integers(*axes), dtype=x.dtype)


def _squeeze(graph: Graph, x: Value, axis: Any = None) -> Value:
    axes = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else _axes(axis, x.rank)
    return graph.op("Squeeze", x, graph.integers(*axes), dtype=x.dtype)


def _concatenate(graph: Graph, xs: Sequence[Any], axis: int = -1) -> Value:
    return graph.concat([_float(graph, x) for x in xs], axis)


def _stack(graph: Graph, xs: Sequence[Any], axis: int = 0) -> Value:
    return graph.concat([_float(graph, x).unsqueeze(axis) for x in xs], axis)


def _flip(graph: Graph, x: Value, axis: Any = None) -> Value:
    axes = _axes(axis, x.rank)
    ends = [[-1] * len(axes), [-END] * len(axes), axes, [-1] * len(axes)]
    return graph.op("Slice", x, *(graph.integers(*column) for column in ends), dtype=x.dtype)


def _where(graph: Graph, condition: Any, x1: Any = None, x2: Any = None) -> Value:
    return _truth(graph, condition).where(_float(graph, x1), _float(graph, x2))


def _clip(graph: Graph, x: Any, x_min: float, x_max: float) -> Value:
    return graph.op("Clip", _float(graph, x), float(x_min), float(x_max))


def _einsum(graph: Graph, *operands: Any, subscripts: str) -> Value:
    return graph.op("Einsum", *(_float(graph, x) for x in operands), equation=subscripts)


def _variance(graph: Graph, x: Any, axis: Any = None, keepdims: bool = False) -> Value:
    given, axes = _float(graph, x), _axes(axis, x.rank)
    centered = given - given.reduce("ReduceMean", *axes, keepdims=True)
    return (centered * centered).reduce("ReduceMean", *axes, keepdims=keepdims)


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    **{name: _activation(name) for name in [*NODES, *FORMULAS] if name in activations.FUNCTIONS},
    "abs": _node("Abs"),
    "absolute": _node("Abs"),
    "add": _node("Add"),
    "cast": lambda graph, x, dtype: x.cast(np.dtype(dtype).name),
    "ceil": _node("Ceil"),
    "clip": _clip,
    "concatenate": _concatenate,
    "cos": _node("Cos"),
    "divide": _node("Div"),
    "einsum": _einsum,
    "equal": _node("Equal", "bool"),
    "exp": _node("Exp"),
    "expand_dims": _expand_dims,
    "expm1": lambda graph, x: _node("Exp")(graph, x) - 1.0,
    "flip": _flip,
    "floor": _node("Floor"),
    "gelu": _gelu,
    "getitem": _getitem,
    "greater": _node("Greater", "bool"),
    "greater_equal": _node("GreaterOrEqual", "bool"),
    "less": _node("Less", "bool"),
    "less_equal": _node("LessOrEqual", "bool"),
    "log": _node("Log"),
    "log1p": lambda graph, x: _node("Log")(graph, _float(graph, x) + 1.0),
    "log_softmax": _softmax("LogSoftmax"),
    "logical_and": _logical("And"),
    "logical_not": _logical("Not"),
    "logical_or": _logical("Or"),
    "logical_xor": _logical("Xor"),
    "logsumexp": _reduce("ReduceLogSumExp"),
    "matmul": _node("MatMul"),
    "max": _reduce("ReduceMax"),
    "maximum": _node("Max"),
    "mean": _reduce("ReduceMean"),
    "min": _reduce("ReduceMin"),
    "minimum": _node("Min"),
    "moveaxis": _moveaxis,
    "multiply": _node("Mul"),
    "negative": _node("Neg"),
    "power": _node("Pow"),
    "prod": _reduce("ReduceProd"),
    "reciprocal": _node("Reciprocal"),
    "reshape": _reshape,
    "rsqrt": lambda graph, x: 1.0 / _node("Sqrt")(graph, x),
    "sign": _node("Sign"),
    "sin": _node("Sin"),
    "softmax": _softmax("Softmax"),
    "sqrt": _node("Sqrt"),
    "square": lambda graph, x: _float(graph, x) * _float(graph, x),
    "squeeze": _squeeze,
    "stack": _stack,
    "std": lambda graph, x, **given: graph.op("Sqrt", _variance(graph, x, **given)),
    "stop_gradient": lambda graph, x: x,
    "subtract": _node("Sub"),
    "sum": _reduce("ReduceSum"),
    "swapaxes": _swapaxes,
    "transpose": _transpose,
    "true_divide": _node("Div"),
    "var": _variance,
    "where": _where,
}


def is_known_function(operation: Any) -> bool:
    """Whether a node's function has a converter."""
    return operation.function in FUNCTIONS


def convert_operation(
    graph: Graph, operation: Any, args: Any, outputs: Sequence[Any]
) -> list[Value]:
    """The result of an operation on values.

    Raises:
        ValueError: for arguments that ONNX does not have; the message names the operation.
    """
    with graph.scope(operation.name):
        try:
            result = FUNCTIONS[operation.function](graph, *args, **operation.config)
        except ValueError as error:
            named = f"{type(operation).__name__} '{operation.name}'"
            raise ValueError(f"{named} has no ONNX form: {error}") from error
    return [Value(graph, result.name, tuple(outputs[0].shape), result.dtype)]

"""Nodes whose operands are all known: the arithmetic that graphs do on shapes and weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .builder import Node
from .values import Filled, Size

__all__ = ["FOLDS", "fold"]

LARGEST = 1 << 20  # values that a constant may grow to


def fold(node: Node, operands: Sequence[Any]) -> Any:
    """The value of a node whose operands are constants."""
    if node.op not in FOLDS:
        node.refuse("its operands must depend on the inputs, not all be constants")
    try:
        found = FOLDS[node.op](node, *operands)
    except (TypeError, IndexError, ValueError, OverflowError, MemoryError) as error:
        if str(error).startswith(f"{node.op} "):
            raise
        node.refuse(str(error)[:200])
    return tidy(found) if isinstance(found, np.ndarray) else found


def tidy(array: np.ndarray) -> np.ndarray:
    """A shape as int64 once all its sizes are known."""
    if array.dtype != object:
        return array
    if any(isinstance(size, Size) for size in array.ravel()):
        return array
    return array.astype(np.int64)


def integers(node: Node, name: str, value: Any) -> list[int]:
    """A constant vector of whole numbers."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu" or value.ndim > 1:
        node.refuse(f"{name} must be a constant vector of whole numbers")
    return [int(n) for n in value.reshape(-1)]


def axes_of(node: Node, given: Any, rank: int) -> list[int]:
    """Axes from an attribute or an operand, counted from the front."""
    listed = integers(node, "axes", given) if isinstance(given, np.ndarray) else list(given)
    axes = [axis + rank if axis < 0 else axis for axis in listed]
    if any(not 0 <= axis < rank for axis in axes) or len(set(axes)) != len(axes):
        node.refuse(f"axes must differ and lie in [{-rank}, {rank}), not {listed}")
    return axes


def _array(node: Node, value: Any) -> np.ndarray:
    if not isinstance(value, np.ndarray):
        node.refuse("a constant of unknown size must only be a state")
    return value


def _numbers(function: Callable[..., Any]) -> Callable[..., Any]:
    def binary(node: Node, a: Any, b: Any) -> Any:
        left, right = _together(node, a, b)
        return np.asarray(function(left, right))

    return binary


def _at_most(node: Node, count: int) -> None:
    """Refuses to make more values than a shape or a mask has."""
    if count > LARGEST:
        node.refuse(f"its result must have at most {LARGEST} values, not {count}")


def _together(node: Node, *values: Any) -> list[np.ndarray]:
    """Arrays that fit each other."""
    arrays = [_array(node, value) for value in values]
    shape = np.broadcast_shapes(*[array.shape for array in arrays])
    if int(np.prod(shape, dtype=object)) > max(array.size for array in arrays):
        _at_most(node, int(np.prod(shape, dtype=object)))
    return arrays


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind in "iu" or a.dtype == object:
        return np.asarray(np.trunc(a.astype(np.int64) / b.astype(np.int64)).astype(np.int64))
    return np.asarray(a / b)


def _gather(node: Node, data: Any, indices: Any) -> Any:
    axis = node.attributes.get("axis", 0)
    if isinstance(data, Filled):
        return Filled(data.value)
    count = data.size // max(data.shape[axis], 1) * indices.size
    if count > data.size:
        _at_most(node, count)
    return np.asarray(np.take(data, indices, axis=axis))


def _unsqueeze(node: Node, data: Any, axes: Any = None) -> Any:
    if isinstance(data, Filled):
        return Filled(data.value)
    listed = node.attributes.get("axes", axes)
    count = len(listed)
    return np.expand_dims(data, tuple(axes_of(node, listed, data.ndim + count)))


def _squeeze(node: Node, data: Any, axes: Any = None) -> Any:
    if isinstance(data, Filled):
        return Filled(data.value)
    listed = node.attributes.get("axes", axes)
    return np.squeeze(data, None if listed is None else tuple(axes_of(node, listed, data.ndim)))


def _slice(
    node: Node, data: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None
) -> Any:
    if isinstance(data, Filled):
        return Filled(data.value)
    place = [slice(None)] * data.ndim
    for axis, one in slices(node, data.ndim, starts, ends, axes, steps).items():
        place[axis] = one
    return data[tuple(place)]


def slices(
    node: Node, rank: int, starts: Any, ends: Any, axes: Any, steps: Any
) -> dict[int, slice]:
    """What a Slice node takes from each axis it names."""
    given = node.attributes  # until opset 9
    first = integers(node, "starts", starts) if starts is not None else list(given["starts"])
    last = integers(node, "ends", ends) if ends is not None else list(given["ends"])
    named = axes if axes is not None else given.get("axes", np.arange(len(first)))
    where = axes_of(node, named, rank)
    by = integers(node, "steps", steps) if steps is not None else [1] * len(first)
    if not len(first) == len(last) == len(where) == len(by) or 0 in by:
        node.refuse("starts, ends, axes and steps must be of one length, and steps not 0")
    found = {}
    for axis, start, end, step in zip(where, first, last, by, strict=True):
        # Backwards, an end before the first element means that the first is taken too.
        stop = None if step < 0 and end < -(1 << 31) else end
        found[axis] = slice(start, stop, step)
    return found


def _concat(node: Node, *operands: Any) -> Any:
    if all(isinstance(x, Filled) for x in operands) and len({x.value for x in operands}) == 1:
        return Filled(operands[0].value)
    arrays = [_array(node, x) for x in operands]
    if len({id(array) for array in arrays}) < len(arrays):
        _at_most(node, sum(array.size for array in arrays))
    return np.concatenate(arrays, axis=node.attributes["axis"])


def _constant(node: Node) -> Any:
    for key in ("value", "value_float", "value_int", "value_floats", "value_ints"):
        if key in node.attributes:
            value = np.asarray(node.attributes[key])
            return value.astype(np.float32) if value.dtype.kind == "f" else value
    node.refuse("its value must be a dense tensor or numbers")


def _cast(node: Node, data: Any) -> Any:
    if isinstance(data, Filled) or data.dtype == object:
        return data
    return data.astype(dtype_of(node, node.attributes.get("to")))


def dtype_of(node: Node, code: Any) -> np.dtype[Any]:
    """The type that an attribute names; every float is float32."""
    from ..library import load_onnx

    try:
        dtype = np.dtype(load_onnx().helper.tensor_dtype_to_np_dtype(code))
    except (KeyError, TypeError):
        node.refuse(f"its type must be a number, not {code!r}")
    if dtype.kind not in "fiub":
        node.refuse(f"its type must be a number, not {dtype}")
    return np.dtype(np.float32) if dtype.kind == "f" else dtype


def _filled(node: Node, shape: Any) -> Any:
    value = node.attributes.get("value", np.zeros(1, np.float32))
    return _fill(float(np.asarray(value).reshape(-1)[0]), np.asarray(value).dtype, shape)


def _fill(value: float, dtype: Any, shape: np.ndarray) -> Any:
    sizes = shape.tolist()
    small = all(isinstance(n, int) and n >= 0 for n in sizes)
    # Whole numbers are shapes and indices, whose values count; floats are only ever states.
    if small and int(np.prod(sizes, dtype=object)) <= LARGEST and dtype.kind != "f":
        return np.full(sizes, value, dtype)
    return Filled(value, tuple(sizes))


def _expand(node: Node, data: Any, shape: Any) -> Any:
    if isinstance(data, Filled):
        return Filled(data.value)
    if data.size and np.all(data == data.flat[0]) and data.dtype.kind == "f":
        return _fill(float(data.flat[0]), data.dtype, shape)
    sizes = shape.tolist()
    if not all(isinstance(n, int) for n in sizes):
        return data  # a state that is the same in every row: its use checks the size
    total = np.broadcast_shapes(data.shape, tuple(sizes))
    _at_most(node, int(np.prod(total, dtype=object)))
    return np.broadcast_to(data, total).copy()


def _reshape(node: Node, data: Any, shape: Any = None) -> Any:
    if isinstance(data, Filled):
        return Filled(data.value)
    sizes = integers(node, "shape", shape)
    if not node.attributes.get("allowzero"):
        sizes = [data.shape[i] if n == 0 else n for i, n in enumerate(sizes)]
    return data.reshape(sizes)


def _transpose(node: Node, data: Any) -> Any:
    if isinstance(data, Filled):
        return Filled(data.value)
    return data.transpose(node.attributes.get("perm"))


def _range(node: Node, start: Any, limit: Any, delta: Any) -> Any:
    count = int(np.ceil((int(limit) - int(start)) / int(delta)))
    _at_most(node, count)
    return np.arange(int(start), int(limit), int(delta), dtype=np.int64)


def _equal(node: Node, a: Any, b: Any) -> Any:
    left, right = np.broadcast_arrays(*_together(node, a, b))
    same = [x == y for x, y in zip(left.ravel(), right.ravel(), strict=True)]
    return np.array(same, bool).reshape(left.shape)


FOLDS: dict[str, Callable[..., Any]] = {
    "Add": _numbers(np.add),
    "Cast": _cast,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _filled,
    "Div": _numbers(_divide),
    "Equal": _equal,
    "Expand": _expand,
    "Gather": _gather,
    "Identity": lambda node, data: data,
    "Mul": _numbers(np.multiply),
    "Neg": lambda node, data: -_array(node, data),
    "Range": _range,
    "ReduceProd": lambda node, data, axes=None: np.asarray(np.prod(_array(node, data))),
    "Reshape": _reshape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Sub": _numbers(np.subtract),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": lambda node, c, a, b: np.where(*_together(node, c, a, b)),
}

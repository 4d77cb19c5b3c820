"""A layer for operators that no layer of the package stands for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .... import ops
from ....autograd import Tensor, as_array, as_tensor
from ....layers import Layer
from ....saving import register_keras_serializable

__all__ = ["OPERATIONS", "Operation"]

Sizes = tuple[int | None, ...]


def _transpose(x: Tensor, perm: Sequence[int]) -> Tensor:
    return ops.transpose(x, tuple(perm))


def _transposed(shape: Sizes, perm: Sequence[int]) -> Sizes:
    return tuple(shape[axis] for axis in perm)


def _reshape(x: Tensor, sizes: Sequence[int]) -> Tensor:
    return ops.reshape(x, tuple(sizes))


def _reshaped(shape: Sizes, sizes: Sequence[int]) -> Sizes:
    known = math.prod(size for size in sizes if size != -1)
    if None in shape or not known:
        free = None
    else:
        free = math.prod(size for size in shape if size is not None) // known
    return tuple(free if size == -1 else size for size in sizes)


def _take(x: Tensor, axis: int, index: int) -> Tensor:
    place: list[Any] = [slice(None)] * axis
    return x[(*place, index)]


def _taken(shape: Sizes, axis: int, index: int) -> Sizes:
    return shape[:axis] + shape[axis + 1 :]


def _slice(x: Tensor, axis: int, start: int | None, stop: int | None, step: int) -> Tensor:
    place: list[Any] = [slice(None)] * axis
    return x[(*place, slice(start, stop, step))]


def _sliced(shape: Sizes, axis: int, start: int | None, stop: int | None, step: int) -> Sizes:
    size = shape[axis]
    if size is not None:
        size = len(range(*slice(start, stop, step).indices(size)))
    elif start is None and stop is None and abs(step) == 1:
        size = None
    return (*shape[:axis], size, *shape[axis + 1 :])


def _steps(lengths: Tensor, x: Tensor) -> Tensor:
    """(batch, time), true at the first ``lengths`` steps of each row of (batch, time, features)."""
    given, time = as_array(lengths), x.shape[1]
    if given.size and (given.min() < 0 or given.max() > time):
        raise ValueError(
            f"sequence_lens must lie in [0, {time}], not be {given.min()} to {given.max()}"
        )
    return as_tensor(np.arange(time) < given.reshape(-1, 1))


def _rows(x: Tensor, row: Tensor) -> Tensor:
    """The same row for every sample of x."""
    return ops.add(ops.zeros((x.shape[0], 1)), row)


def _einsum(*operands: Tensor, equation: str) -> Tensor:
    return ops.einsum(equation, *operands)


def _summed(*shapes: Sizes, equation: str) -> Sizes:
    terms, output = equation.split("->")
    sizes: dict[str, int | None] = {}
    for term, shape in zip(terms.split(","), shapes, strict=True):
        if len(term) != len(shape):
            raise ValueError(f"{equation} must name every axis of {shapes}")
        for letter, size in zip(term, shape, strict=True):
            known = sizes.setdefault(letter, size)
            if None not in (known, size) and known != size:
                raise ValueError(
                    f"axes named {letter!r} must have one size, not {known} and {size}"
                )
            sizes[letter] = size if known is None else known
    return tuple(sizes[letter] for letter in output)


def _tiled(shape: Sizes, repeats: Sequence[int]) -> Sizes:
    return tuple(None if n is None else n * r for n, r in zip(shape, repeats, strict=True))


def _padded(shape: Sizes, widths: Sequence[Sequence[int]], value: float) -> Sizes:
    return tuple(None if n is None else n + sum(w) for n, w in zip(shape, widths, strict=True))


def _reduction(function: Callable[..., Any]) -> Callable[..., Tensor]:
    def reduce(x: Tensor, axes: Sequence[int], keepdims: bool) -> Tensor:
        return as_tensor(function(x, axis=tuple(axes), keepdims=keepdims))

    return reduce


def _reduced(shape: Sizes, axes: Sequence[int], keepdims: bool) -> Sizes:
    kept = [1 if axis in axes else size for axis, size in enumerate(shape)]
    return tuple(kept if keepdims else (s for i, s in enumerate(kept) if i not in axes))


def _same(shape: Sizes, **_: Any) -> Sizes:
    return shape


def _broadcast(*shapes: Sizes) -> Sizes:
    rank = max(map(len, shapes))
    columns = zip(*[(1,) * (rank - len(s)) + tuple(s) for s in shapes], strict=True)
    found: list[int | None] = []
    for sizes in columns:
        large = {size for size in sizes if size != 1}
        if len(large - {None}) > 1:
            raise ValueError(f"shapes must fit each other, not {shapes}")
        found.append(next(iter(large - {None}), None) if large else 1)
    return tuple(found)


def _concatenated(*shapes: Sizes, axis: int) -> Sizes:
    sizes = [shape[axis] for shape in shapes]
    total = None if None in sizes else sum(size for size in sizes if size is not None)
    first = shapes[0]
    return (*first[:axis], total, *first[axis + 1 :])


def _multiplied(a: Sizes, b: Sizes) -> Sizes:
    return (*_broadcast(a[:-2], b[:-2]), a[-2], b[-1])


class Row(NamedTuple):
    """An operation on values, and on shapes."""

    value: Callable[..., Any]
    shape: Callable[..., Sizes]


OPERATIONS: Mapping[str, Row] = {
    "Transpose": Row(_transpose, _transposed),
    "Reshape": Row(_reshape, _reshaped),
    "Take": Row(_take, _taken),
    "Slice": Row(_slice, _sliced),
    "Steps": Row(_steps, lambda lengths, x: (x[0], x[1])),
    "Rows": Row(_rows, lambda x, row: (x[0], *row)),
    "Concat": Row(lambda *xs, axis: ops.concatenate(list(xs), axis=axis), _concatenated),
    "Einsum": Row(_einsum, _summed),
    "Tile": Row(lambda x, repeats: ops.tile(x, tuple(repeats)), _tiled),
    "Pad": Row(
        lambda x, widths, value: ops.pad(x, [tuple(w) for w in widths], constant_values=value),
        _padded,
    ),
    "MatMul": Row(ops.matmul, _multiplied),
    "Add": Row(ops.add, _broadcast),
    "Sub": Row(ops.subtract, _broadcast),
    "Mul": Row(ops.multiply, _broadcast),
    "Div": Row(ops.divide, _broadcast),
    "Pow": Row(ops.power, _broadcast),
    "Max": Row(ops.maximum, _broadcast),
    "Min": Row(ops.minimum, _broadcast),
    "Equal": Row(ops.equal, _broadcast),
    "Greater": Row(ops.greater, _broadcast),
    "GreaterOrEqual": Row(ops.greater_equal, _broadcast),
    "Less": Row(ops.less, _broadcast),
    "LessOrEqual": Row(ops.less_equal, _broadcast),
    "Xor": Row(ops.logical_xor, _broadcast),
    "And": Row(ops.logical_and, _broadcast),
    "Or": Row(ops.logical_or, _broadcast),
    "Not": Row(ops.logical_not, _same),
    "Where": Row(ops.where, _broadcast),
    "Cast": Row(lambda x, dtype: ops.cast(x, dtype), _same),
    "Clip": Row(lambda x, low, high: ops.clip(x, low, high), _same),
    "Softmax": Row(lambda x, axis: ops.softmax(x, axis=axis), _same),
    "LogSoftmax": Row(lambda x, axis: ops.log_softmax(x, axis=axis), _same),
    "Abs": Row(ops.abs, _same),
    "Neg": Row(ops.negative, _same),
    "Sqrt": Row(ops.sqrt, _same),
    "Log": Row(ops.log, _same),
    "Reciprocal": Row(ops.reciprocal, _same),
    "Floor": Row(ops.floor, _same),
    "Ceil": Row(ops.ceil, _same),
    "Sign": Row(ops.sign, _same),
    "Sin": Row(ops.sin, _same),
    "Cos": Row(ops.cos, _same),
    "ReduceMean": Row(_reduction(ops.mean), _reduced),
    "ReduceSum": Row(_reduction(ops.sum), _reduced),
    "ReduceMax": Row(_reduction(ops.max), _reduced),
    "ReduceMin": Row(_reduction(ops.min), _reduced),
    "ReduceProd": Row(_reduction(ops.prod), _reduced),
    "ReduceLogSumExp": Row(_reduction(ops.logsumexp), _reduced),
}


# Operations whose results are true or false, and those that keep the dtype.
TRUTHS = frozenset(
    {
        *("Steps", "And", "Or", "Xor", "Not"),
        *("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"),
    }
)
MOVES = frozenset({"Transpose", "Reshape", "Take", "Slice", "Tile", "Pad", "Concat"})


@register_keras_serializable(package="gatework.onnx")
class Operation(Layer):
    """One operation of an imported graph.

    Args:
        operation: a name of ``OPERATIONS``.
        attributes: its arguments beside tensors.
        constant: shape and dtype of an operand that is part of the graph, or None; its value is a
            weight that is not trained.
        place: where the constant stands among the operands.

    Called with one tensor, or a list of them. Files with this layer can be read once
    ``gatework.interop.onnx`` is imported.
    """

    def __init__(
        self,
        operation: str,
        attributes: Mapping[str, Any] | None = None,
        constant: Sequence[int] | None = None,
        place: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if operation not in OPERATIONS:
            raise ValueError(f"operation must be one of {', '.join(OPERATIONS)}, not {operation!r}")
        self.operation = operation
        self.attributes = dict(attributes or {})
        self.constant_shape = None if constant is None else tuple(constant)
        self.place = place
        self.constant: Any = None

    def build(self, input_shape: Any = None) -> None:
        if self.constant_shape is not None:
            self.constant = self.add_weight(
                self.constant_shape, initializer="zeros", trainable=False, name="constant"
            )

    def call(self, inputs: Any) -> Any:
        operands = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if self.constant is not None:
            operands.insert(self.place, self.constant)
        return as_tensor(OPERATIONS[self.operation].value(*operands, **self.attributes))

    def compute_output_shape(self, input_shape: Any) -> Any:
        several = bool(input_shape) and isinstance(input_shape[0], (list, tuple))
        shapes = [tuple(s) for s in input_shape] if several else [tuple(input_shape)]
        if self.constant_shape is not None:
            shapes.insert(self.place, self.constant_shape)
        return tuple(OPERATIONS[self.operation].shape(*shapes, **self.attributes))

    def compute_output_dtype(self, inputs: Any) -> str:
        if self.operation in TRUTHS:
            return "bool"
        if self.operation == "Cast":
            return str(self.attributes["dtype"])
        first = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        return str(first.dtype) if self.operation in MOVES else "float32"

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "operation": self.operation,
            "attributes": self.attributes,
            "constant": None if self.constant_shape is None else list(self.constant_shape),
            "place": self.place,
        }

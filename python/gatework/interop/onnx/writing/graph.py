"""An ONNX graph in the making: nodes, weights, names."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ....autograd import Variable
from ..library import load_onnx

__all__ = ["Graph", "Sizes", "Value"]

Sizes = tuple[int | None, ...]


class Value:
    """A tensor of the graph. Arithmetic on it adds nodes to the graph.

    Args:
        graph: the graph.
        name: name of the tensor.
        shape: sizes, None where unknown; empty for values inside of a layer, whose shape nobody
            asks for.
        dtype: dtype of the values.
        mask: the mask that comes with it, a bool tensor (batch, time).
    """

    __slots__ = ("dtype", "graph", "mask", "name", "shape")
    __array_ufunc__ = None  # an array times a value asks the value

    def __init__(
        self,
        graph: Graph,
        name: str,
        shape: Sizes = (),
        dtype: str = "float32",
        mask: Value | None = None,
    ) -> None:
        self.graph, self.name, self.shape, self.dtype, self.mask = graph, name, shape, dtype, mask

    @property
    def rank(self) -> int:
        return len(self.shape)

    def __add__(self, other: Any) -> Value:
        return self.graph.op("Add", self, other)

    def __radd__(self, other: Any) -> Value:
        return self.graph.op("Add", other, self)

    def __sub__(self, other: Any) -> Value:
        return self.graph.op("Sub", self, other)

    def __rsub__(self, other: Any) -> Value:
        return self.graph.op("Sub", other, self)

    def __mul__(self, other: Any) -> Value:
        return self.graph.op("Mul", self, other)

    def __rmul__(self, other: Any) -> Value:
        return self.graph.op("Mul", other, self)

    def __truediv__(self, other: Any) -> Value:
        return self.graph.op("Div", self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return self.graph.op("Div", other, self)

    def __neg__(self) -> Value:
        return self.graph.op("Neg", self)

    def __matmul__(self, other: Any) -> Value:
        return self.graph.op("MatMul", self, other)

    # Operations that several layers need.

    def transpose(self, *order: int) -> Value:
        return self.graph.op("Transpose", self, perm=list(order))

    def reshape(self, *sizes: int) -> Value:
        """0 keeps a size, -1 takes what is left."""
        return self.graph.op("Reshape", self, self.graph.integers(*sizes))

    def unsqueeze(self, *axes: int) -> Value:
        return self.graph.op("Unsqueeze", self, self.graph.integers(*axes))

    def squeeze(self, *axes: int) -> Value:
        return self.graph.op("Squeeze", self, self.graph.integers(*axes))

    def cast(self, dtype: str) -> Value:
        onnx = load_onnx()
        to = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self.graph.op("Cast", self, to=to, dtype=dtype)

    def slice(self, axis: int, start: int, stop: int, step: int = 1) -> Value:
        ends = [self.graph.integers(n) for n in (start, stop, axis, step)]
        return self.graph.op("Slice", self, *ends)

    def flip(self, axis: int) -> Value:
        return self.slice(axis, -1, np.iinfo(np.int64).min, -1)

    def reduce(self, op: str, *axes: int, keepdims: bool = False) -> Value:
        """ReduceSum, ReduceMean, ReduceMax...: their axes became an input in opset 18."""
        if op == "ReduceSum" or self.graph.opset >= 18:
            return self.graph.op(op, self, self.graph.integers(*axes), keepdims=int(keepdims))
        return self.graph.op(op, self, axes=list(axes), keepdims=int(keepdims))

    def size(self, axis: int) -> Value:
        """The size of an axis, shape (1,) of int64."""
        return self.graph.op("Shape", self, start=axis, end=axis + 1, dtype="int64")

    def where(self, yes: Any, no: Any) -> Value:
        """``yes`` where this is true, ``no`` elsewhere."""
        return self.graph.op("Where", self, yes, no)


class Graph:
    """Nodes and weights, in the order in which they were made.

    Args:
        opset: version of the operator set.
    """

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self._names: dict[str, int] = {}
        self._scope: list[str] = []
        self._known: dict[Any, tuple[Value, Any]] = {}
        # What recurrent layers made of a mask, by its name.
        self.packed_steps: dict[str, Any] = {}

    @contextlib.contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """What is made inside the block is named after it."""
        self._scope.append(name)
        try:
            yield
        finally:
            self._scope.pop()

    def fresh(self, name: str) -> str:
        """A name that the graph does not have yet."""
        name = "/".join([*self._scope, name])
        count = self._names.get(name, 0)
        self._names[name] = count + 1
        return self.fresh(f"{name.rpartition('/')[2]}_{count}") if count else name

    def op(self, kind: str, *inputs: Any, dtype: str = "float32", **attributes: Any) -> Value:
        """Adds a node with one output. Inputs are values, numbers, arrays, or None for none."""
        return self.ops(kind, 1, *inputs, dtype=dtype, **attributes)[0]

    def ops(
        self, kind: str, outputs: int, *inputs: Any, dtype: str = "float32", **attributes: Any
    ) -> list[Value]:
        """Adds a node with several outputs."""
        names = ["" if x is None else self.value(x).name for x in inputs]
        while names and not names[-1]:
            names.pop()
        name = self.fresh(kind)
        found = [name if outputs == 1 else f"{name}:{i}" for i in range(outputs)]
        self.nodes.append(load_onnx().helper.make_node(kind, names, found, name=name, **attributes))
        return [Value(self, one, dtype=dtype) for one in found]

    def value(self, x: Any) -> Value:
        """A value as it is, a number or array as a constant."""
        return x if isinstance(x, Value) else self.constant(np.asarray(x, np.float32))

    def integers(self, *numbers: int) -> Value:
        """A constant vector of int64."""
        return self.constant(np.array(numbers, np.int64))

    def constant(self, array: np.ndarray, name: str = "constant") -> Value:
        """A small constant; equal ones are kept once."""
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = (self._initializer(array, name, ()), None)
        return self._known[key][0]

    def weight(self, variable: Variable, name: str, array: np.ndarray | None = None) -> Value:
        """A weight, or what ``array`` makes of it; kept once however often the layer is called."""
        key = (id(variable), name)
        if key not in self._known:
            given = variable.numpy() if array is None else array
            self._known[key] = (self._initializer(given, name, tuple(given.shape)), variable)
        return self._known[key][0]

    def _initializer(self, array: np.ndarray, name: str, shape: Sizes) -> Value:
        label = self.fresh(name)
        tensor = load_onnx().numpy_helper.from_array(np.ascontiguousarray(array), label)
        self.initializers[label] = tensor
        return Value(self, label, shape, array.dtype.name)

    def concat(self, values: Sequence[Value], axis: int, dtype: str = "float32") -> Value:
        return self.op("Concat", *values, axis=axis, dtype=dtype)

    def rename(self, value: Value, name: str) -> str:
        """Gives a result a name, by a node of its own: an input may be a result, or one be two."""
        self.nodes.append(load_onnx().helper.make_node("Identity", [value.name], [name], name=name))
        return name

    def prune(self, outputs: Sequence[str]) -> None:
        """Drops nodes and constants that no output needs, such as masks that nobody used."""
        needed = set(outputs)
        kept = []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        self.nodes = kept[::-1]
        self.initializers = {k: v for k, v in self.initializers.items() if k in needed}

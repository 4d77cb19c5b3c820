"""Tensors without values: shapes on their way through layers before there is data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import ops, tree
from ..autograd import NoValueYet, Tensor, as_tensor, no_recording

__all__ = ["Called", "History", "KerasTensor", "Node", "outputs_on_trial"]


class History(NamedTuple):
    """Where a symbolic tensor comes from."""

    operation: Any
    node_index: int
    tensor_index: int


class KerasTensor:
    """Shape and dtype of a tensor to come.

    Layers, operators and the functions of ``gatework.ops`` take it and give others back.

    Args:
        shape: sizes, None where unknown (the batch axis usually is).
        dtype: dtype of the values.
        name: name for error messages and summaries.
    """

    def __init__(
        self, shape: Sequence[int | None], dtype: str = "float32", name: str | None = None
    ) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype
        self.name = name or "keras_tensor"
        self._keras_history: History | None = None
        # True when a mask will come with the values; the mask itself is known only then.
        self._keras_mask: Any = None

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def defer(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Puts off a function of ``gatework.ops``: it becomes a node of the graph."""
        from .operation import deferred

        return deferred(function, args, kwargs)

    # NumPy's arrays leave mixed operators to this class.
    __array_ufunc__ = None

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise NoValueYet(self)

    __array__ = __bool__ = __float__ = __int__ = __len__ = __iter__ = __index__ = _refuse

    def __getitem__(self, key: Any) -> Any:
        return ops.getitem(self, key)

    def __add__(self, other: Any) -> Any:
        return ops.add(self, other)

    def __radd__(self, other: Any) -> Any:
        return ops.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return ops.subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return ops.subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return ops.multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return ops.multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return ops.true_divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return ops.true_divide(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return ops.floor_divide(other, self)

    def __mod__(self, other: Any) -> Any:
        return ops.mod(self, other)

    def __rmod__(self, other: Any) -> Any:
        return ops.mod(other, self)

    def __pow__(self, other: Any) -> Any:
        return ops.power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return ops.power(other, self)

    def __matmul__(self, other: Any) -> Any:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return ops.matmul(other, self)

    def __neg__(self) -> Any:
        return ops.negative(self)

    def __abs__(self) -> Any:
        return ops.absolute(self)

    def __invert__(self) -> Any:
        return ops.logical_not(self)

    def __and__(self, other: Any) -> Any:
        return ops.logical_and(self, other)

    def __or__(self, other: Any) -> Any:
        return ops.logical_or(self, other)

    def __xor__(self, other: Any) -> Any:
        return ops.logical_xor(self, other)

    def __lt__(self, other: Any) -> Any:
        return ops.less(self, other)

    def __le__(self, other: Any) -> Any:
        return ops.less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return ops.greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return ops.greater_equal(self, other)


class Node:
    """One call of a layer, or of an operation, on symbolic tensors.

    Making it appends it to the ``_inbound`` of the operation and tells the outputs where they come
    from.

    Attributes:
        operation: what was called.
        args, kwargs: with what.
        inputs: the symbolic tensors among these.
        outputs: the symbolic tensors that came out, in flat order.
    """

    __slots__ = ("args", "inputs", "kwargs", "operation", "outputs")

    def __init__(
        self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any
    ) -> None:
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.inputs = [
            leaf for leaf in tree.flatten([args, kwargs]) if isinstance(leaf, KerasTensor)
        ]
        self.outputs: list[KerasTensor] = tree.flatten(outputs)
        index = len(operation._inbound)
        for i, out in enumerate(self.outputs):
            out._keras_history = History(operation, index, i)
        operation._inbound.append(self)


class Called:
    """What a layer knows of its calls on symbolic tensors."""

    name: str
    _inbound: list[Node]

    @property
    def input(self) -> Any:
        """The symbolic tensor it was first called on, or a list of them.

        Raises AttributeError before any such call.
        """
        return _one_or_all(self._first_call().inputs)

    @property
    def output(self) -> Any:
        """The symbolic tensor that its first call gave, or a list of them."""
        return _one_or_all(self._first_call().outputs)

    def _first_call(self) -> Node:
        if not self._inbound:
            raise AttributeError(f"{self.name!r} must be called on a symbolic input first")
        return self._inbound[0]


def _one_or_all(tensors: list[KerasTensor]) -> Any:
    return tensors[0] if len(tensors) == 1 else list(tensors)


def outputs_on_trial(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], name: str
) -> Any:
    """The symbolic outputs of ``function(*args, **kwargs)``, found by calling it on zeros.

    It is called with unknown sizes set to 2, then to 3. What differs between the two outputs
    depends on unknown sizes, and is so itself.
    """

    def called(unknown: int) -> Any:
        def zeros(leaf: Any) -> Any:
            if not isinstance(leaf, KerasTensor):
                return leaf
            sizes = [unknown if n is None else n for n in leaf.shape]
            return as_tensor(np.zeros(sizes, leaf.dtype))

        own_args, own_kwargs = tree.map_structure(zeros, (args, kwargs))
        with no_recording():
            return function(*own_args, **own_kwargs)

    def common(a: Tensor, b: Tensor) -> KerasTensor:
        sizes = [m if m == n else None for m, n in zip(a.shape, b.shape, strict=True)]
        return KerasTensor(sizes, a.dtype, name)

    def of_ones(a: Tensor) -> KerasTensor:
        return KerasTensor([None if n == 1 else n for n in a.shape], a.dtype, name)

    try:
        return tree.map_structure(common, called(2), called(3))
    except ValueError as error:
        # An unknown size beside a known one, which it must equal: it fits as a size of one.
        try:
            return tree.map_structure(of_ones, called(1))
        except Exception:
            raise error from None

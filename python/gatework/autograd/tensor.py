"""Tensors, which a tape can follow, and variables, whose value can be replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .convert import FLOAT32, Array, cast, read

if TYPE_CHECKING:
    from .. import ops
    from .recording import Node
else:

    class _Ops:
        """``gatework.ops``, which imports this module: looked up when an operator is first used."""

        def __getattr__(self, name: str) -> Any:
            from .. import ops as module

            function = getattr(module, name)
            setattr(self, name, function)  # the next time it is an ordinary attribute
            return function

    ops = _Ops()

__all__ = ["Array", "Tensor", "Variable", "as_array", "as_tensor", "wrap"]


class Tensor:
    """An immutable array that a tape can follow.

    It shares memory with the array it is made of where no conversion is needed, so that array must
    not be written to before the gradients that depend on it have been computed.

    Args:
        value: an array, a DLPack or ``__array__`` object, numbers or (nested) lists of them.
        dtype: what to convert to; by default floats become float32, and integers and booleans stay.

    Raises:
        TypeError: ``value`` does not hold real numbers or booleans.
        ValueError: ``value`` is ragged.
    """

    __slots__ = ("__weakref__", "_index", "_keras_mask", "_logits", "_node", "_value")
    __array_priority__ = 100  # NumPy arrays leave mixed operators to this class

    _value: Array
    _node: Node | None  # the operation it is output number _index of
    _index: int
    _keras_mask: Any
    _logits: Tensor | None  # what a softmax or sigmoid was taken of, for a stable cross-entropy

    def __init__(self, value: Any, dtype: Any = None) -> None:
        self._value = as_array(value, dtype)
        self._node = None
        self._index = 0
        self._keras_mask = None
        self._logits = None

    def numpy(self) -> Array:
        """The value as a NumPy array, which shares memory with the tensor."""
        return self._value

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    @property
    def dtype(self) -> str:
        """Name of the dtype, such as "float32"."""
        return self._value.dtype.name

    @property
    def ndim(self) -> int:
        return self._value.ndim

    @property
    def size(self) -> int:
        return self._value.size

    def item(self) -> Any:
        """The value of a tensor of one element as a Python number."""
        return self._value.item()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self._value, dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        return self._value.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._value.__dlpack_device__()

    def __reduce__(self) -> tuple[Any, ...]:
        return wrap, (self._value,)  # a copy stands alone: the tape does not follow it

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __float__(self) -> float:
        return float(self._value)

    def __int__(self) -> int:
        return int(self._value)

    def __index__(self) -> int:
        return self._value.__index__()

    def __repr__(self) -> str:
        return f"<Tensor shape={self.shape} dtype={self.dtype} value={self._value!r}>"

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        return format(self._value.item() if self.size == 1 else self._value, spec)

    __hash__ = object.__hash__  # by identity; defining __eq__ alone would take it away

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("a tensor of rank 0 cannot be iterated over")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> Tensor:
        return ops.getitem(self, key)

    def __add__(self, other: Any) -> Tensor:
        return ops.add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return ops.add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return ops.subtract(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return ops.subtract(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return ops.multiply(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return ops.multiply(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return ops.divide(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ops.divide(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return ops.mod(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return ops.mod(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return ops.power(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return ops.power(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return ops.matmul(other, self)

    def __neg__(self) -> Tensor:
        return ops.negative(self)

    def __abs__(self) -> Tensor:
        return ops.abs(self)

    def __invert__(self) -> Tensor:
        return ops.logical_not(self)

    def __and__(self, other: Any) -> Tensor:
        return ops.logical_and(self, other)

    def __or__(self, other: Any) -> Tensor:
        return ops.logical_or(self, other)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]  # elementwise, as NumPy's
        return ops.equal(self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]  # elementwise, as NumPy's
        return ops.not_equal(self, other)

    def __lt__(self, other: Any) -> Tensor:
        return ops.less(self, other)

    def __le__(self, other: Any) -> Tensor:
        return ops.less_equal(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return ops.greater(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return ops.greater_equal(self, other)

    @property
    def T(self) -> Tensor:
        """The tensor with its axes in reverse order."""
        return ops.transpose(self)

    def reshape(self, *shape: Any) -> Tensor:
        """The same values in another shape, given as one tuple or as several integers."""
        return ops.reshape(self, shape[0] if len(shape) == 1 else shape)


class Variable(Tensor):
    """A tensor whose value can be replaced: a weight.

    Args:
        initializer: the value, or a callable ``(shape, dtype) -> value``.
        shape: shape of the value; needed with a callable.
        dtype: dtype of the value.
        trainable: whether tapes follow it without being told to.
        name: shown in errors and summaries; ``path`` starts out equal to it.

    Raises:
        TypeError: ``name`` is not a string, or the value is not numeric.
        ValueError: the value does not have the shape given.
    """

    # ``assigned`` counts new arrays, ``writes`` changes inside the array itself, which spoil
    # gradients that were to be computed from the old content.
    __slots__ = ("assigned", "constraint", "name", "path", "regularizer", "trainable", "writes")

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: Any = "float32",
        trainable: bool = True,
        name: str = "variable",
    ) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a string, not {type(name).__name__}")
        dtype = np.dtype("float32" if dtype is None else dtype)
        if callable(initializer):
            if shape is None:
                raise ValueError("shape must be given when initializer is a callable, not None")
            initializer = initializer(tuple(shape), dtype=dtype.name)
        value = np.array(as_array(initializer, dtype), order="C")  # the variable owns its array
        if shape is not None and tuple(shape) != value.shape:
            raise ValueError(f"initializer must give shape {tuple(shape)}, not {value.shape}")
        super().__init__(value, dtype)
        self.name = name
        self.path = name
        self.trainable = trainable
        self.regularizer: Callable[[Tensor], Tensor] | None = None
        self.constraint: Callable[[Tensor], Tensor] | None = None
        self.assigned = 0
        self.writes = 0

    @property
    def version(self) -> int:
        """How often the value was changed."""
        return self.assigned + self.writes

    @property
    def value(self) -> Variable:
        return self

    def numpy(self) -> Array:
        """A copy of the value: optimizers write into the array itself."""
        return self._value.copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self._value, dtype=dtype, copy=copy is not False)

    def assign(self, value: Any) -> Variable:
        """Replaces the value.

        Raises:
            ValueError: the shape differs.
        """
        array = np.array(as_array(value, self._value.dtype), order="C")
        if array.shape != self._value.shape:
            raise ValueError(
                f"value of variable '{self.path}' must have shape {self.shape}, not {array.shape}"
            )
        self._value = array
        self.assigned += 1
        return self

    def assign_add(self, value: Any) -> Variable:
        """Replaces the value by its sum with ``value``, of its shape or broadcast to it."""
        return self.assign(self._value + as_array(value, self._value.dtype))

    def assign_sub(self, value: Any) -> Variable:
        """Replaces the value by its difference to ``value``."""
        return self.assign(self._value - as_array(value, self._value.dtype))

    def touch(self) -> None:
        """Tells that the array was written to in place."""
        self.writes += 1

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: getattr(self, name) for name in Variable.__slots__}
        return _rebuild, (self._value.copy(), state)

    def __repr__(self) -> str:
        return (
            f"<Variable path={self.path} shape={self.shape} dtype={self.dtype} "
            f"value={self._value!r}>"
        )


def _rebuild(value: Array, state: dict[str, Any]) -> Variable:
    variable = Variable(value, dtype=value.dtype)
    for name, setting in state.items():
        setattr(variable, name, setting)
    return variable


_new = object.__new__
_ndarray = np.ndarray


def wrap(value: Array) -> Tensor:
    """A Tensor of a result of NumPy, which needs no conversion. NumPy's scalars become arrays."""
    tensor = _new(Tensor)
    tensor._value = value if type(value) is _ndarray else np.asarray(value)
    tensor._node = None
    tensor._index = 0
    tensor._keras_mask = None
    tensor._logits = None
    return tensor


def as_array(x: Any, dtype: Any = None) -> Array:
    """A NumPy array of ``x``: a Tensor, an array, a DLPack or ``__array__`` object, numbers, lists.

    Without ``dtype``, floating-point values become float32, the compute type, and integers and
    booleans keep their type; a Tensor keeps its dtype.

    Raises:
        TypeError: ``x`` holds something other than real numbers and booleans.
        ValueError: ``x`` is ragged.
    """
    if isinstance(x, Tensor):
        value = x._value
        if dtype is None or (value.dtype is FLOAT32 and dtype == "float32"):  # nearly always
            return value
        return value if value.dtype == dtype else cast(value, np.dtype(dtype))
    return read(x, dtype)


def as_tensor(x: Any, dtype: Any = None) -> Tensor:
    """``x`` itself if it is a Tensor of that dtype, else a Tensor of it (see ``as_array``).

    A conversion of a Tensor, or of a list that holds some, is an operation that tapes follow.
    """
    if isinstance(x, Tensor):
        if dtype is None or (x._value.dtype is FLOAT32 and dtype == "float32"):  # nearly always
            return x
        return x if x._value.dtype == dtype else ops.cast(x, dtype)
    if isinstance(x, list | tuple) and any(isinstance(item, Tensor) for item in x):
        return as_tensor(ops.stack(x), dtype)
    return wrap(read(x, dtype))

"""A small eager tape: tensors, variables, and reverse-mode differentiation over NumPy arrays.

An operation computes its value with NumPy or a compiled kernel and, when a tape is recording and one of
its inputs is followed, hangs a node on the result: the inputs and a closure for the vector-Jacobian
product. ``GradientTape.gradient`` walks the nodes backwards in the order they were made
(Griewank & Walther, Evaluating Derivatives, 2008, chapter 3).
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "GradientTape",
    "Tensor",
    "Variable",
    "as_array",
    "as_tensor",
    "is_recording",
    "needs_gradient",
    "no_recording",
    "record",
    "record_many",
]

Array = npt.NDArray[Any]
Gradient = Array | None
Vjp = Callable[[Array], Sequence[Gradient]]
VjpMany = Callable[[tuple[Gradient, ...]], Sequence[Gradient]]

_FLOAT32 = np.dtype(np.float32)
_NATIVE_KINDS = "biu"


def as_array(x: Any, dtype: Any = None) -> Array:
    """A NumPy array of ``x``: a Tensor, an array, a DLPack or ``__array__`` object, numbers or lists.

    Without ``dtype``, floating-point values become float32, the compute type; integers and booleans
    keep their type. Raises TypeError for anything that is not numeric.
    """
    if isinstance(x, Tensor):
        array = x._value
    elif isinstance(x, np.ndarray):
        array = x
    elif isinstance(x, (list, tuple)) and any(isinstance(item, Tensor) for item in x):
        array = np.stack([as_array(item) for item in x])
    elif hasattr(x, "__dlpack__") and not hasattr(x, "__array__"):
        array = np.from_dlpack(x)
    else:
        try:
            array = np.asarray(x)
        except ValueError as error:
            raise ValueError(f"x must be convertible to one array, not ragged: {error}") from error
    if dtype is not None:
        wanted = np.dtype(dtype)
        return array if array.dtype == wanted else array.astype(wanted)
    found = array.dtype
    if found == _FLOAT32 and found.isnative:
        return array
    if found.kind == "f":
        return array.astype(_FLOAT32)
    if found.kind in _NATIVE_KINDS:
        return array if found.isnative else array.astype(found.newbyteorder("="))
    raise TypeError(f"x must be an array of numbers or booleans, not of dtype {found}")


def as_tensor(x: Any, dtype: Any = None) -> Tensor:
    """``x`` itself if it is a Tensor of that dtype, else a new Tensor of it (see ``as_array``)."""
    if isinstance(x, Tensor) and (dtype is None or x._value.dtype == np.dtype(dtype)):
        return x
    return _wrap(as_array(x, dtype))


class _Node:
    """How the outputs of one operation came about."""

    __slots__ = ("inputs", "outputs", "sequence", "versions", "vjp")

    def __init__(self, inputs: Sequence[Tensor], outputs: int, vjp: VjpMany) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.vjp = vjp
        self.sequence = next(_sequence)
        self.versions = [x.writes if isinstance(x, Variable) else 0 for x in inputs]


_sequence = itertools.count(1)


class _State(threading.local):
    """What records on this thread."""

    def __init__(self) -> None:
        self.tapes: list[GradientTape] = []
        self.paused = 0


_state = _State()


class Tensor:
    """An immutable array that a tape can follow.

    Args:
        value: anything ``as_array`` takes.
        dtype: dtype to convert to; by default floats become float32 and integers stay.
    """

    __slots__ = ("__weakref__", "_index", "_keras_mask", "_logits", "_node", "_value", "_watched")
    __array_priority__ = 100

    _value: Array
    _node: _Node | None
    _index: int
    _watched: bool
    _keras_mask: Any
    _logits: Tensor | None

    def __init__(self, value: Any, dtype: Any = None) -> None:
        self._value = as_array(value, dtype)
        self._node = None
        self._index = 0
        self._watched = False
        self._keras_mask = None
        self._logits = None

    def numpy(self) -> Array:
        """The value as a NumPy array; it shares memory with the tensor."""
        return self._value

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    @property
    def dtype(self) -> str:
        return self._value.dtype.name

    @property
    def ndim(self) -> int:
        return self._value.ndim

    @property
    def size(self) -> int:
        return self._value.size

    def item(self) -> Any:
        """The value of a tensor with one element as a Python number."""
        return self._value.item()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self._value, dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        return self._value.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._value.__dlpack_device__()

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
        return format(self._value.item() if self.size == 1 else self._value, spec)

    def __hash__(self) -> int:
        return id(self)

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("a tensor of rank 0 cannot be iterated over")
        return (self[i] for i in range(len(self)))

    # The operators are the operations of ``gatework.ops``, which imports this module.
    def __getitem__(self, key: Any) -> Tensor:
        return _ops().getitem(self, key)

    def __add__(self, other: Any) -> Tensor:
        return _ops().add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return _ops().add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return _ops().subtract(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return _ops().subtract(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return _ops().multiply(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return _ops().multiply(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return _ops().divide(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return _ops().divide(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return _ops().power(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return _ops().power(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return _ops().matmul(self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return _ops().matmul(other, self)

    def __neg__(self) -> Tensor:
        return _ops().negative(self)

    def __abs__(self) -> Tensor:
        return _ops().abs(self)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]  # elementwise, as NumPy's
        return _ops().equal(self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]  # elementwise, as NumPy's
        return _ops().not_equal(self, other)

    def __lt__(self, other: Any) -> Tensor:
        return _ops().less(self, other)

    def __le__(self, other: Any) -> Tensor:
        return _ops().less_equal(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return _ops().greater(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return _ops().greater_equal(self, other)

    @property
    def T(self) -> Tensor:
        return _ops().transpose(self)

    def reshape(self, *shape: Any) -> Tensor:
        new = shape[0] if len(shape) == 1 and not isinstance(shape[0], int) else shape
        return _ops().reshape(self, new)


def _wrap(value: Array) -> Tensor:
    """A Tensor of an array that is known to be of a supported dtype."""
    tensor = Tensor.__new__(Tensor)
    tensor._value = value
    tensor._node = None
    tensor._index = 0
    tensor._watched = False
    tensor._keras_mask = None
    tensor._logits = None
    return tensor


_ops_module: Any = None


def _ops() -> Any:
    global _ops_module
    if _ops_module is None:
        from . import ops

        _ops_module = ops
    return _ops_module


class Variable(Tensor):
    """A tensor whose value can be replaced: a weight.

    Args:
        initializer: the value, or a callable ``(shape, dtype) -> value``.
        shape: shape of the value; needed with a callable.
        dtype: dtype of the value, float32 by default.
        trainable: whether tapes follow it without being told.
        name: name, shown in errors and summaries.
    """

    __slots__ = ("constraint", "name", "path", "regularizer", "trainable", "version", "writes")

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: Any = "float32",
        trainable: bool = True,
        name: str = "variable",
    ) -> None:
        dtype = _FLOAT32 if dtype is None else dtype
        if callable(initializer) and not isinstance(initializer, Tensor):
            if shape is None:
                raise ValueError("shape must be given when initializer is a callable, not None")
            initializer = initializer(tuple(shape), dtype=np.dtype(dtype).name)
        value = np.array(as_array(initializer), dtype=dtype, order="C")
        if shape is not None and tuple(shape) != value.shape:
            raise ValueError(f"initializer must give shape {tuple(shape)}, not {value.shape}")
        super().__init__(value, dtype)
        self.name = name
        self.path = name
        self.trainable = trainable
        self.regularizer: Any = None
        self.constraint: Any = None
        self.version = 0
        self.writes = 0

    @property
    def value(self) -> Variable:
        return self

    def assign(self, value: Any) -> Variable:
        """Replaces the value. Raises ValueError if the shape differs."""
        array = np.array(as_array(value), dtype=self._value.dtype, order="C")
        if array.shape != self._value.shape:
            raise ValueError(
                f"value assigned to '{self.path}' must have shape {self.shape}, not {array.shape}"
            )
        self._value = array
        self.version += 1
        return self

    def assign_add(self, value: Any) -> Variable:
        return self.assign(self._value + as_array(value))

    def assign_sub(self, value: Any) -> Variable:
        return self.assign(self._value - as_array(value))

    def touch(self) -> None:
        """Tells that the array was written to in place."""
        self.version += 1
        self.writes += 1

    def __repr__(self) -> str:
        return (
            f"<Variable path={self.path} shape={self.shape} dtype={self.dtype} "
            f"value={self._value!r}>"
        )


def _followed(t: Tensor) -> bool:
    if t._node is not None or t._watched:
        return True
    if not isinstance(t, Variable) or not t.trainable:
        return False
    return any(tape._follow_variables for tape in _state.tapes)


def is_recording(*inputs: Tensor) -> bool:
    """Whether an operation on these inputs is recorded, so that it must keep what its vjp needs."""
    if not _state.tapes or _state.paused:
        return False
    return any(_followed(t) for t in inputs)


def needs_gradient(t: Tensor) -> bool:
    """Whether a vjp has to compute the gradient of this input."""
    return _followed(t) or (isinstance(t, Variable) and t.trainable)


def record(value: Array, inputs: Sequence[Tensor], vjp: Vjp) -> Tensor:
    """The result of an operation. ``vjp(dy)`` gives the gradient of each input, None where it is zero.

    A vjp must not change ``dy`` in place: it may be shared.
    """
    out = _wrap(value)
    if _state.tapes and not _state.paused and any(_followed(t) for t in inputs):
        out._node = _Node(inputs, 1, lambda dys: vjp(dys[0]))  # type: ignore[arg-type]
    return out


def record_many(
    values: Sequence[Array], inputs: Sequence[Tensor], vjp: VjpMany
) -> tuple[Tensor, ...]:
    """As ``record`` for several results: ``vjp`` gets a tuple of gradients, None where unused."""
    outs = tuple(_wrap(value) for value in values)
    if is_recording(*inputs):
        node = _Node(inputs, len(outs), vjp)
        for i, out in enumerate(outs):
            out._node = node
            out._index = i
    return outs


@contextmanager
def no_recording() -> Iterator[None]:
    """Operations inside are recorded by no tape."""
    _state.paused += 1
    try:
        yield
    finally:
        _state.paused -= 1


def _flatten(structure: Any) -> list[Any]:
    if isinstance(structure, dict):
        return [leaf for value in structure.values() for leaf in _flatten(value)]
    if isinstance(structure, (list, tuple)):
        return [leaf for value in structure for leaf in _flatten(value)]
    return [structure]


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, dict):
        return {key: _pack(value, leaves) for key, value in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(_pack(value, leaves) for value in structure))
    if isinstance(structure, (list, tuple)):
        return type(structure)(_pack(value, leaves) for value in structure)
    return next(leaves)


def _refuse_second_order(_: Array) -> Sequence[Gradient]:
    raise NotImplementedError(
        "gradients of gradients are not supported: the result of GradientTape.gradient was used in "
        "a computation that is differentiated again"
    )


class GradientTape:
    """Records operations so that they can be differentiated.

    Args:
        persistent: keep the recording after ``gradient``, so that it can be called again.
        watch_accessed_variables: follow every trainable Variable; else only what ``watch`` names.

    Raises RuntimeError when ``gradient`` is called twice on a tape that is not persistent.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._follow_variables = watch_accessed_variables
        self._spans: list[list[int]] = []  # [first, last] sequence numbers recorded; 0 = open
        self._watched: list[Tensor] = []
        self._used = False
        self._recording = False

    def __enter__(self) -> GradientTape:
        if self._recording:
            raise ValueError("the tape is already recording")
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._recording:
            self._stop()

    def _start(self) -> None:
        self._spans.append([next(_sequence), 0])
        self._recording = True
        _state.tapes.append(self)

    def _stop(self) -> None:
        self._spans[-1][1] = next(_sequence)
        self._recording = False
        _state.tapes.remove(self)

    def watch(self, tensor: Any) -> None:
        """Follows a tensor, or every tensor of a nested structure."""
        for leaf in _flatten(tensor):
            if not isinstance(leaf, Tensor):
                raise TypeError(f"tensor must be a Tensor or Variable, not {type(leaf).__name__}")
            if leaf._value.dtype.kind != "f":
                raise ValueError(f"tensor must be floating-point to be watched, not {leaf.dtype}")
            leaf._watched = True
            self._watched.append(leaf)

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Operations inside are not recorded by this tape."""
        if not self._recording:
            raise ValueError("the tape is not recording")
        self._stop()
        try:
            yield
        finally:
            self._start()

    def reset(self) -> None:
        """Forgets everything recorded so far."""
        self._watched.clear()
        self._used = False
        self._spans = [[next(_sequence), 0]] if self._recording else []

    def watched_variables(self) -> tuple[Variable, ...]:
        """The variables named in ``watch``."""
        return tuple(v for v in self._watched if isinstance(v, Variable))

    def _recorded(self, node: _Node) -> bool:
        return any(
            first < node.sequence and (last == 0 or node.sequence < last)
            for first, last in self._spans
        )

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """The gradient of ``target`` with respect to ``sources``, in the structure of ``sources``.

        Args:
            target: Tensor, or a structure of them; their sum is differentiated.
            sources: Tensor or Variable, or a (nested) list, tuple or dict of them.
            output_gradients: gradient of each target, ones by default.
            unconnected_gradients: "none" gives None, "zero" gives zeros for sources that the target
                does not depend on.
        """
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError(
                f"unconnected_gradients must be 'none' or 'zero', not {unconnected_gradients!r}"
            )
        if self._used:
            raise RuntimeError(
                "GradientTape.gradient can be called once; make the tape with persistent=True to "
                "call it again"
            )
        leaves = _flatten(sources)
        for leaf in leaves:
            if not isinstance(leaf, Tensor):
                raise TypeError(f"sources must be Tensors or Variables, not {type(leaf).__name__}")
        self._used = not self._persistent
        with no_recording() if self._recording else _nothing():
            found = self._backward(_seeds(target, output_gradients), {id(leaf) for leaf in leaves})
        results = []
        for leaf in leaves:
            value = found.get(id(leaf))
            if value is None and unconnected_gradients == "zero":
                value = np.zeros_like(leaf._value)
            results.append(None if value is None else self._result(value))
        if not self._persistent:
            for tensor in self._watched:
                tensor._watched = False
            self._watched.clear()
        return _pack(sources, iter(results))

    def _result(self, value: Array) -> Tensor:
        out = _wrap(value)
        others = [tape for tape in _state.tapes if tape is not self]
        if others:  # an outer tape would differentiate through this one
            out._node = _Node((), 1, lambda dys: _refuse_second_order(value))
        return out

    def _backward(
        self, seeds: list[tuple[Tensor, Array]], wanted: set[int]
    ) -> dict[int, Array]:
        found: dict[int, Array] = {}
        pending: dict[int, list[Gradient]] = {}  # by node sequence: gradients of its outputs
        nodes: dict[int, _Node] = {}
        heap: list[int] = []

        def add(tensor: Tensor, gradient: Array) -> None:
            key = id(tensor)
            if key in wanted:
                old = found.get(key)
                found[key] = gradient if old is None else old + gradient
            node = tensor._node
            if node is None or not self._recorded(node):
                return
            slots = pending.get(node.sequence)
            if slots is None:
                slots = pending[node.sequence] = [None] * node.outputs
                nodes[node.sequence] = node
                heapq.heappush(heap, -node.sequence)
            old = slots[tensor._index]
            slots[tensor._index] = gradient if old is None else old + gradient

        for tensor, gradient in seeds:
            add(tensor, gradient)
        while heap:
            sequence = -heapq.heappop(heap)
            node = nodes.pop(sequence)
            for x, version in zip(node.inputs, node.versions, strict=True):
                if isinstance(x, Variable) and x.writes != version:
                    raise RuntimeError(
                        f"variable '{x.path}' was changed between the forward pass and gradient()"
                    )
            gradients = node.vjp(tuple(pending.pop(sequence)))
            for x, dx in zip(node.inputs, gradients, strict=True):
                if dx is not None:
                    add(x, dx)
        return found


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _seeds(target: Any, output_gradients: Any) -> list[tuple[Tensor, Array]]:
    targets = _flatten(target)
    given = [None] * len(targets) if output_gradients is None else _flatten(output_gradients)
    if len(given) != len(targets):
        raise ValueError(
            f"output_gradients must have one entry per target ({len(targets)}), not {len(given)}"
        )
    seeds = []
    for tensor, gradient in zip(targets, given, strict=True):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"target must be a Tensor, not {type(tensor).__name__}")
        if gradient is None:
            array = np.ones(tensor.shape, tensor._value.dtype)
        else:
            array = as_array(gradient, tensor._value.dtype)
            if array.shape != tensor.shape:
                raise ValueError(
                    f"output_gradients must have the target's shape {tensor.shape}, "
                    f"not {array.shape}"
                )
        seeds.append((tensor, array))
    return seeds

"""The gradient tape: which operations are recorded, and the walk backwards over them."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np

from ..tree import flatten, pack_sequence_as
from .adding import added
from .convert import FLOAT32
from .recording import Edge, Gradients, Node, Recording, state
from .tensor import Array, Tensor, Variable, as_array, wrap

__all__ = ["GradientTape"]


class GradientTape:
    """Records operations so that they can be differentiated.

    Operations on trainable variables and on watched tensors are recorded while the ``with`` block
    is open, on the thread that opened it. Tapes can be nested, for different sources; gradients of
    gradients are not supported and raise NotImplementedError.

    Args:
        persistent: keep the recording after ``gradient``, so that it can be called again.
        watch_accessed_variables: follow every trainable variable; if false, only what ``watch``
            names.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._follow_variables = watch_accessed_variables
        self._recording = Recording(watch_accessed_variables)
        self._open = False
        self._state = "fresh"  # then "entered", then "used" once a non-persistent tape is

    def __enter__(self) -> GradientTape:
        if self._open:
            raise ValueError("the tape must not be recording when it is entered")
        if self._state == "used":
            self._recording = Recording(self._follow_variables)
        self._state = "entered"
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _start(self) -> None:
        self._open = True
        state.recordings += (self._recording,)

    def _stop(self) -> None:
        self._open = False
        state.recordings = tuple(r for r in state.recordings if r is not self._recording)

    def watch(self, tensor: Any) -> None:
        """Follows a tensor, or every tensor of a nested structure, from here on.

        Raises:
            TypeError: something in it is not a Tensor.
            ValueError: a tensor is not floating-point.
        """
        leaves = flatten(tensor)
        for leaf in leaves:
            if not isinstance(leaf, Tensor):
                raise TypeError(f"tensor must be a Tensor or Variable, not {type(leaf).__name__}")
            if leaf._value.dtype.kind != "f":
                raise ValueError(f"tensor must be floating-point to be watched, not {leaf.dtype}")
        for leaf in leaves:
            self._recording.watched[id(leaf)] = leaf

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Operations inside are not recorded by this tape.

        Raises:
            ValueError: the tape is not recording.
        """
        if not self._open:
            raise ValueError("the tape must be recording to be stopped")
        self._stop()
        try:
            yield
        finally:
            self._start()

    def reset(self) -> None:
        """Forgets everything recorded and watched so far."""
        was_open = self._open
        self._stop()
        self._recording = Recording(self._follow_variables)
        self._state = "entered" if was_open else "fresh"
        if was_open:
            self._start()

    def watched_variables(self) -> tuple[Variable, ...]:
        """The variables followed so far: those watched, then those that operations used."""
        watched = self._recording.watched
        named = {key: v for key, v in watched.items() if isinstance(v, Variable)}
        return tuple((named | self._recording.variables).values())

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """The gradient of ``target`` with respect to ``sources``, in the structure of ``sources``.

        Args:
            target: a Tensor, or a nested structure of them, whose sum is differentiated.
            sources: a Tensor or Variable, or a nested list, tuple or dictionary of them.
            output_gradients: a gradient for each target, None for ones; by default all are ones.
            unconnected_gradients: "none" gives None, "zero" gives zeros, for a source that the
                target does not depend on or that the tape did not follow.

        Returns:
            One Tensor (or None) per source, of the source's shape and dtype.

        Raises:
            RuntimeError: the tape has recorded nothing; or it is not persistent and was used; or a
                variable was changed in place since the operation that used it.
            NotImplementedError: the target depends on another gradient.
        """
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError(
                f"unconnected_gradients must be 'none' or 'zero', not {unconnected_gradients!r}"
            )
        if self._state != "entered":
            raise RuntimeError(_UNUSABLE[self._state])
        # The usual list of weights is not walked as a structure.
        flat = type(sources) is list and set(map(type, sources)) == {Variable}
        leaves = sources if flat else flatten(sources)
        for leaf in () if flat else leaves:
            if not isinstance(leaf, Tensor):
                raise TypeError(f"sources must be Tensors or Variables, not {type(leaf).__name__}")
        seeds = _seeds(target, output_gradients)
        if not self._persistent:
            self._stop()
            self._state = "used"
        found = _backward(self._recording, seeds, leaves, release=not self._persistent)
        results: list[Tensor | None] = []
        for leaf in leaves:
            dx = self._of(leaf, found)
            if dx is None and unconnected_gradients == "zero":
                dx = np.zeros_like(leaf._value)
            results.append(None if dx is None else _result(dx))
        return results if sources is leaves else pack_sequence_as(sources, results)

    def _of(self, source: Tensor, found: dict[Edge, Array | None]) -> Array | None:
        recording = self._recording
        if source._node is None:
            dx = None
            if recording.follows_variables and isinstance(source, Variable) and source.trainable:
                return found[source]
        else:
            dx = found[_origin(source)]
        trainable = isinstance(source, Variable) and source.trainable
        if (trainable and recording.follows_variables) or id(source) in recording.watched:
            as_leaf = found[source]
            dx = as_leaf if dx is None else dx if as_leaf is None else dx + as_leaf
        return dx


def _origin(t: Tensor) -> Edge:
    """The edge to what a result came from."""
    node = t._node
    return (node, t._index) if node is not None and node.outputs else node


_CHANGED = (
    "variable '{}' must not change in place between an operation and its gradient, but it did"
)
_UNUSABLE = {
    "fresh": "the tape has recorded nothing; compute the target inside its 'with' block",
    "used": "gradient can be called once on a tape; make it with persistent=True to call it again",
}


def _seeds(target: Any, output_gradients: Any) -> list[tuple[Tensor, Array]]:
    if output_gradients is None and isinstance(target, Tensor) and target._value.dtype is FLOAT32:
        return [(target, np.ones(target._value.shape, FLOAT32))]  # a loss, nearly always
    targets = flatten(target)
    given = [None] * len(targets) if output_gradients is None else flatten(output_gradients)
    if len(given) != len(targets):
        raise ValueError(
            f"output_gradients must be as many as the targets ({len(targets)}), not {len(given)}"
        )
    seeds = []
    for tensor, gradient in zip(targets, given, strict=True):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"target must be a Tensor, not {type(tensor).__name__}")
        if tensor._value.dtype.kind != "f":
            raise ValueError(f"target must be floating-point, not {tensor.dtype}")
        if gradient is None:
            dy = np.empty(tensor.shape, tensor._value.dtype)
            dy.fill(1)
        else:
            dy = as_array(gradient, tensor._value.dtype)
            if dy.shape != tensor.shape:
                raise ValueError(
                    f"output_gradients must have the target's shape {tensor.shape}, not {dy.shape}"
                )
        seeds.append((tensor, dy))
    return seeds


def _backward(
    recording: Recording, seeds: list[tuple[Tensor, Array]], sources: list[Tensor], release: bool
) -> dict[Edge, Array | None]:
    """The gradients that reach the sources, by edge. Nodes are visited from the last to the first,

    so that all uses of a result have been added up when its own operation is differentiated.
    """
    found: dict[Edge, Array | None] = dict.fromkeys(sources)
    for source in sources:
        if source._node is not None:
            found[_origin(source)] = None
    pending: dict[Node, Any] = {}  # gradients of a node's output, or a list of those of its outputs
    order: list[tuple[int, Node]] = []

    def add(edge: Edge, dy: Array) -> None:
        if edge in found:
            old = found[edge]
            found[edge] = dy if old is None else added(old, dy)
        if isinstance(edge, Tensor):
            return  # a leaf
        node, index = edge if type(edge) is tuple else (edge, None)
        if recording not in node.recordings:
            return  # recorded by another tape alone
        if node not in pending:
            heapq.heappush(order, (node.sequence, node))
            pending[node] = dy if index is None else [None] * node.outputs
        elif index is None:
            pending[node] = added(pending[node], dy)
        if index is not None:
            slots = pending[node]
            slots[index] = dy if slots[index] is None else added(slots[index], dy)

    for tensor, dy in seeds:
        add(tensor, dy)
        if tensor._node is not None:
            add(_origin(tensor), dy)
    before = state.wanted
    state.wanted = frozenset(map(id, sources))
    try:
        with np.errstate(all="ignore"):  # infinities and NaNs flow as IEEE 754 says
            while order:
                node = heapq.heappop(order)[1]
                for variable, writes in node.guards:
                    if variable.writes != writes:
                        raise RuntimeError(_CHANGED.format(variable.path))
                arrived = pending.pop(node)
                gradients = node.vjp(tuple(arrived) if node.outputs else arrived)
                for edge, dx in zip(node.edges, gradients, strict=True):
                    if dx is not None and edge is not None:
                        add(edge, dx)
                if release and len(node.recordings) == 1:  # no other tape can come by
                    node.release()
    finally:
        state.wanted = before
    return found


def _result(dx: Array) -> Tensor:
    flags = dx.flags
    if not (flags.c_contiguous and flags.writeable):  # a value spread over many places
        dx = np.array(dx, order="C")
    out = wrap(dx)
    if state.recordings:  # a tape that goes on recording might differentiate through this
        out._node = Node(state.recordings, (), (), 0, _refuse_second_order)
    return out


def _refuse_second_order(_: Array) -> Gradients:
    raise NotImplementedError(
        "gradients of gradients are not supported: the target depends on a result of "
        "GradientTape.gradient; wrap that result in ops.stop_gradient to treat it as a constant"
    )

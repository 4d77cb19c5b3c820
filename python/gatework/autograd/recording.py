"""What an operation leaves behind for its gradient.

When a tape of this thread follows one of its inputs, an operation hangs a node on its outputs: a
closure for the vector-Jacobian product, and an edge to each input. An edge names where an input
came from, not its value, so that a closure alone decides what stays in memory. All of this happens
once for every operation of a training step: few calls, no objects that are not needed.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

from .tensor import Array, Tensor, Variable, wrap

__all__ = [
    "Edge",
    "Node",
    "Recording",
    "is_recording",
    "needs_gradient",
    "no_recording",
    "record",
    "record_many",
    "state",
]

Gradients = Sequence[Array | None]
Vjp = Callable[[Array], Gradients]
VjpMany = Callable[[tuple[Array | None, ...]], Gradients]

# A node of one output, (node, number of the output) for one of several, or a Tensor for a leaf.
Edge = Any


class Recording:
    """What one tape follows."""

    __slots__ = ("follows_variables", "variables", "watched")

    def __init__(self, follows_variables: bool) -> None:
        self.follows_variables = follows_variables
        self.watched: dict[int, Tensor] = {}  # by id, in the order of ``watch``
        self.variables: dict[int, Variable] = {}  # by id, in the order of first use


class _State(threading.local):
    recordings: tuple[Recording, ...] = ()  # those under way on this thread
    wanted: frozenset[int] | None = None  # ids of the sources, while gradients are computed


state = _State()
_sequence = itertools.count(0, -1)  # the latest node has the lowest, as a heap wants it


class Node:
    """One recorded operation."""

    __slots__ = ("edges", "guards", "outputs", "recordings", "sequence", "vjp")

    def __init__(
        self,
        recordings: tuple[Recording, ...],
        edges: Sequence[Edge | None],
        guards: Sequence[tuple[Variable, int]],
        outputs: int,
        vjp: Callable[[Any], Gradients],
    ) -> None:
        self.recordings = recordings
        self.edges = edges  # None where an input is not followed
        self.guards = guards  # variables, and their writes so far
        self.outputs = outputs  # 0: a single one, whose gradient goes to ``vjp`` without a tuple
        self.vjp = vjp
        self.sequence = next(_sequence)

    def release(self) -> None:
        """Lets go of everything it holds: its tape has been used up."""
        self.recordings = self.edges = self.guards = ()
        self.vjp = _used_up


def _used_up(_: Any) -> Gradients:
    raise RuntimeError("this operation's gradient was already computed and its memory released")


def _edge(t: Tensor, recordings: tuple[Recording, ...]) -> Edge | None:
    """Where ``t`` came from as far as these recordings follow it, else None."""
    node = t._node
    if node is not None:
        if node.recordings is recordings:
            return (node, t._index) if node.outputs else node
        for recording in recordings:
            if recording in node.recordings:
                return (node, t._index) if node.outputs else node
    trainable = isinstance(t, Variable) and t.trainable
    for recording in recordings:
        if trainable and recording.follows_variables:
            return t
        if recording.watched and id(t) in recording.watched:
            return t
    return None


def _node(
    recordings: tuple[Recording, ...],
    inputs: Sequence[Tensor],
    outputs: int,
    vjp: Callable[[Any], Gradients],
) -> Node | None:
    """The node of an operation, None where these recordings follow none of its inputs."""
    edges = []
    guards: Any = ()
    followed = False
    watching = len(recordings) > 1 or recordings[0].watched
    for t in inputs:
        edge: Edge | None = t._node
        # The usual inputs, results of this tape, weights and constants, are told apart here.
        if edge is not None:
            if edge.recordings is not recordings or edge.outputs:
                edge = _edge(t, recordings)
        elif watching:
            edge = _edge(t, recordings)
        if isinstance(t, Variable):
            guards = (*guards, (t, t.writes))
            if t.trainable:
                for recording in recordings:
                    if recording.follows_variables:
                        recording.variables[id(t)] = t
                        edge = t if edge is None else edge
        if edge is not None:
            followed = True
        edges.append(edge)
    return Node(recordings, edges, guards, outputs, vjp) if followed else None


def is_recording(*inputs: Tensor) -> bool:
    """Whether an operation on these inputs is recorded, so that it must keep what its vjp needs."""
    recordings = state.recordings
    if recordings:
        for t in inputs:
            if _edge(t, recordings) is not None:
                return True
    return False


def needs_gradient(t: Tensor) -> bool:
    """Whether the gradient of this input is wanted.

    Called by an operation, it says whether a tape follows ``t``; called inside a vjp, whether the
    gradient under way needs it.
    """
    wanted = state.wanted
    if wanted is not None:
        return t._node is not None or id(t) in wanted
    recordings = state.recordings
    return bool(recordings) and _edge(t, recordings) is not None


def record(value: Array, inputs: Sequence[Tensor], vjp: Vjp) -> Tensor:
    """The result of an operation.

    Args:
        value: the result; must not be written to afterwards.
        inputs: the tensors it depends on.
        vjp: ``vjp(dy)`` gives the gradient of each input, in that input's shape and dtype, None
            where it is zero or not needed. It must not change ``dy``, which may be shared.
    """
    out = wrap(value)
    recordings = state.recordings
    if recordings:
        out._node = _node(recordings, inputs, 0, vjp)
    return out


def record_many(
    values: Sequence[Array], inputs: Sequence[Tensor], vjp: VjpMany
) -> tuple[Tensor, ...]:
    """As ``record`` for several results: ``vjp`` gets a tuple of gradients, None where unused."""
    outs = tuple(wrap(value) for value in values)
    recordings = state.recordings
    if recordings:
        node = _node(recordings, inputs, len(outs), vjp)
        for i, out in enumerate(outs):
            out._node = node
            out._index = i
    return outs


class no_recording:  # used as a statement: with no_recording(): ...
    """Operations inside are recorded by no tape that is open on this thread now."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = state.recordings
        state.recordings = ()

    def __exit__(self, *_: object) -> None:
        state.recordings = self._before

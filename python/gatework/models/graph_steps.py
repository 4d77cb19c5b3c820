"""A graph one step of a sequence after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import tree
from ..autograd import Tensor
from ..layers.base import Layer
from ..layers.operation_steps import mixed_steps
from ..layers.stepping import Steady, not_stepwise, select_rows
from .graph import Graph

__all__ = ["GraphCache"]


class GraphCache:
    """What the calls of a graph remember of the steps so far.

    Calls that do not depend on the sequence, such as those of an encoder, are made once, here.

    Args:
        graph: the graph.
        sequence: which of its inputs is the sequence.
        others: the values of its inputs, None in the place of the sequence.
        batch_size: number of sequences.
        max_length: the most steps they will have.

    Attributes:
        sequence: as given.

    Raises:
        ValueError: a layer or an operation cannot run step by step; the message says why.
    """

    def __init__(
        self, graph: Graph, sequence: int, others: Sequence[Any], batch_size: int, max_length: int
    ) -> None:
        self._graph = graph
        self.sequence = sequence
        steady: dict[int, Any] = {}  # by the place of the tensor in the graph
        for place, value in zip(graph._entries, others, strict=True):
            if value is not None:
                steady[place] = Steady(value, value._keras_mask)
        moving = {id(graph.flat_inputs[sequence])}
        self._steps: list[tuple[Any, int | None, Any, Any]] = []
        self._caches: list[Any] = []
        nodes = [node for node in graph.nodes if node.inputs]
        for node, step in zip(nodes, graph._steps, strict=True):
            operation, source, fill, targets = step
            if not any(id(tensor) in moving for tensor in node.inputs):
                args, kwargs = ((steady[source],), {}) if source is not None else fill(steady)
                for place, leaf in _placed(targets, operation(*args, **kwargs)):
                    steady[place] = Steady(leaf, leaf._keras_mask)
                continue
            moving.update(id(tensor) for tensor in node.outputs)
            self._steps.append(step)
            if isinstance(operation, Layer):
                self._caches.append(operation.initial_cache(batch_size, max_length))
                continue
            reason = mixed_steps(node, moving)
            if reason is not None:
                raise not_stepwise(operation, reason)
            self._caches.append(None)
        self._steady = steady

    def advance(self, part: Tensor) -> Any:
        """The outputs, in their structure, for the next steps of the sequence."""
        graph = self._graph
        slots: list[Any] = [None] * graph._size
        for place, value in self._steady.items():
            slots[place] = value
        slots[graph._entries[self.sequence]] = part
        for i, (operation, source, fill, targets) in enumerate(self._steps):
            args, kwargs = fill(slots) if source is None else ((slots[source],), {})
            outputs, self._caches[i] = operation.call_with_cache(
                args[0], self._caches[i], *args[1:], **kwargs
            )
            if type(targets) is int and isinstance(outputs, Tensor):
                slots[targets] = outputs
                continue
            for place, leaf in _placed(targets, outputs):
                slots[place] = leaf
        return graph._packed(slots)

    def select(self, rows: Any) -> GraphCache:
        """The cache of these rows of the batch."""
        chosen = object.__new__(GraphCache)
        chosen._graph, chosen.sequence, chosen._steps = self._graph, self.sequence, self._steps
        chosen._caches = select_rows(self._caches, rows)
        chosen._steady = select_rows(self._steady, rows)
        return chosen


def _placed(targets: Any, outputs: Any) -> list[tuple[int, Any]]:
    """The outputs of a call beside the places they go to."""
    leaves = tree.flatten(outputs)
    if type(targets) is int:
        return [(targets, leaves[0])]
    return list(zip(targets, leaves, strict=True))

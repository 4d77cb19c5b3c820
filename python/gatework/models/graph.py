"""The graph between symbolic inputs and outputs: its order, and running it on values.

The order of the layers is Keras' own, since files list the weights in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .. import tree
from ..layers.base import Layer
from ..layers.input import InputLayer
from ..layers.symbolic import KerasTensor, Node

__all__ = ["Graph"]


class Graph:
    """Layers and operations from inputs to outputs.

    Args:
        inputs: symbolic tensors in any structure: results of ``Input``, or results of layers, which
            are then entries of their own.
        outputs: symbolic tensors computed from them, in any structure.

    Attributes:
        inputs, outputs: as given; an input that a layer made is replaced by one of ``Input``.
        nodes: the calls, each after those it depends on.
        operations: layers and operations, each once, in Keras' order.

    Raises:
        ValueError: for what is no symbolic tensor, outputs that depend on other inputs, or two
            layers of one name.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        _check_symbolic("inputs", inputs)
        _check_symbolic("outputs", outputs)
        if not all(map(_is_input, tree.flatten(inputs))):
            inputs, outputs = _with_inputs_of_its_own(inputs, outputs)
        self.inputs = inputs
        self.outputs = outputs
        self.flat_inputs: list[KerasTensor] = tree.flatten(inputs)
        self.flat_outputs: list[KerasTensor] = tree.flatten(outputs)
        self.nodes, visits = _in_order(self.flat_inputs, self.flat_outputs)
        self.operations = _operations(self.nodes, visits, self.flat_inputs)
        _check_names(self.operations)
        self._compile()

    @property
    def layers(self) -> list[Layer]:
        return [operation for operation in self.operations if isinstance(operation, Layer)]

    @property
    def is_chain(self) -> bool:
        """Whether it is one layer after the other, each called once, on one input."""
        parents = [id(_node_of(tensor)) for node in self.nodes for tensor in node.inputs]
        return (
            len(self.flat_inputs) == 1
            and len(self.operations) == len(self.nodes)
            and len(parents) == len(set(parents)) == len(self.nodes) - 1
            and all(len(node.inputs) <= 1 for node in self.nodes)
        )

    def _compile(self) -> None:
        """Gives every tensor a place in a list, and every call a step that reads and writes it."""
        places: dict[int, int] = {}
        for tensor in self.flat_inputs:
            places.setdefault(id(tensor), len(places))
        self._steps: list[tuple[Any, int | None, Any, Any]] = []
        for node in self.nodes:
            if not node.inputs:
                continue
            targets = []
            for tensor in node.outputs:
                places[id(tensor)] = len(places)
                targets.append(places[id(tensor)])
            source, fill = _reading(node, places)
            alone = len(targets) == 1
            self._steps.append((node.operation, source, fill, targets[0] if alone else targets))
        self._size = len(places)
        self._entries = [places[id(tensor)] for tensor in self.flat_inputs]
        self._exits = [places[id(tensor)] for tensor in self.flat_outputs]

    def run(self, values: Sequence[Any]) -> Any:
        """The outputs, in their structure, for one value per input in flat order."""
        slots: list[Any] = [None] * self._size
        for place, value in zip(self._entries, values, strict=True):
            slots[place] = value
        for operation, source, fill, targets in self._steps:
            if source is not None:
                outputs = operation(slots[source])
            else:
                args, kwargs = fill(slots)
                outputs = operation(*args, **kwargs)
            if type(targets) is int:
                alone = type(outputs) not in _NESTS
                slots[targets] = outputs if alone else tree.flatten(outputs)[0]
            else:
                for place, leaf in zip(targets, tree.flatten(outputs), strict=True):
                    slots[place] = leaf
        return self._packed(slots)

    def run_symbolically(self, values: Sequence[KerasTensor]) -> Any:
        """As ``run`` on symbolic tensors, without adding calls to the layers' books."""
        slots: list[Any] = [None] * self._size
        for place, value in zip(self._entries, values, strict=True):
            slots[place] = value
        for operation, source, fill, targets in self._steps:
            args, kwargs = fill(slots) if source is None else ((slots[source],), {})
            outputs = tree.flatten(operation._symbolic_outputs(args, kwargs))
            for place, leaf in zip(
                [targets] if type(targets) is int else targets, outputs, strict=True
            ):
                slots[place] = leaf
        return self._packed(slots)

    def _packed(self, slots: list[Any]) -> Any:
        if isinstance(self.outputs, KerasTensor):
            return slots[self._exits[0]]
        found = [slots[place] for place in self._exits]
        if len(found) == 1 and not isinstance(self.outputs, dict):
            return found[0]  # as Keras: a list of one is that one
        return tree.pack_sequence_as(self.outputs, found)


_NESTS = (list, tuple, dict)


def _check_symbolic(argument: str, tensors: Any) -> None:
    flat = tree.flatten(tensors)
    if not flat:
        raise ValueError(f"{argument} must hold at least one symbolic tensor, not none")
    for tensor in flat:
        if not isinstance(tensor, KerasTensor) or tensor._keras_history is None:
            hint = ", the result of Input" if argument == "inputs" else ", the result of a layer"
            raise ValueError(f"{argument} must be symbolic tensors{hint}, not {tensor!r}")


def _node_of(tensor: KerasTensor) -> Node:
    history = tensor._keras_history
    if history is None:
        raise ValueError(f"{tensor!r} must come from Input or a layer, not stand alone")
    node: Node = history.operation._inbound[history.node_index]
    return node


def _is_input(tensor: KerasTensor) -> bool:
    return not _node_of(tensor).inputs


def _in_order(
    inputs: Sequence[KerasTensor], outputs: Sequence[KerasTensor]
) -> tuple[list[Node], dict[int, int]]:
    """The nodes, each after those it depends on, and when each operation was first visited."""
    entries = {id(tensor) for tensor in inputs}
    finished: dict[int, Node] = {}
    visits: dict[int, int] = {}

    def visit(node: Node) -> tuple[Node, Iterator[KerasTensor]]:
        visits.setdefault(id(node.operation), len(visits))
        if not node.inputs and not any(id(tensor) in entries for tensor in node.outputs):
            raise ValueError(
                f"outputs must be computed from inputs alone: '{node.operation.name}' is not "
                "among them"
            )
        return node, iter(node.inputs)

    for output in outputs:
        node = _node_of(output)
        if id(node) in finished:
            continue
        waiting = [visit(node)]
        while waiting:  # a loop, since a chain of layers may be longer than the stack is deep
            node, parents = waiting[-1]
            for tensor in parents:
                parent = _node_of(tensor)
                if id(parent) not in finished:
                    waiting.append(visit(parent))
                    break
            else:
                finished[id(node)] = node
                waiting.pop()
    return list(finished.values()), visits


def _operations(
    nodes: list[Node], visits: dict[int, int], inputs: Sequence[KerasTensor]
) -> list[Any]:
    """The operations from the deepest on, at equal depth in the order of their first visit.

    The depth of a node is its longest way to an output; that of an operation the largest of its
    calls'.
    """
    depths: dict[int, int] = {}
    by_operation: dict[int, int] = {}
    known: dict[int, Any] = {}
    for node in reversed(nodes):
        operation = node.operation
        known[id(operation)] = operation
        depth = max(depths.get(id(node), 0), by_operation.get(id(operation), 0))
        depths[id(node)] = by_operation[id(operation)] = depth
        for tensor in node.inputs:
            parent = id(_node_of(tensor))
            depths[parent] = max(depths.get(parent, 0), depth + 1)
    for tensor in inputs:  # those that no output needs
        operation = _node_of(tensor).operation
        if known.setdefault(id(operation), operation) is operation:
            by_operation.setdefault(id(operation), 0)
            visits.setdefault(id(operation), -1)
    order = sorted(known, key=lambda key: (-by_operation[key], visits[key]))
    return [known[key] for key in order]


def _check_names(operations: Sequence[Any]) -> None:
    seen: set[str] = set()
    for operation in operations:
        if operation.name in seen:
            raise ValueError(
                f"layers of a model must have names of their own: '{operation.name}' is used twice"
            )
        seen.add(operation.name)


def _reading(node: Node, places: dict[int, int]) -> tuple[int | None, Callable[..., Any] | None]:
    """How a call finds its arguments: one place, or a function that fills all of them in.

    ``training`` is left to the call of the model, as Keras does.
    """
    kwargs = {
        name: value
        for name, value in node.kwargs.items()
        if name != "training" and not (name == "mask" and value is None)
    }
    for tensor in node.inputs:
        if id(tensor) not in places:
            raise ValueError(f"inputs of '{node.operation.name}' must be computed before it")
    args = node.args
    if len(args) == 1 and not kwargs:
        if isinstance(args[0], KerasTensor):
            return places[id(args[0])], None
        if isinstance(args[0], list | tuple) and all(isinstance(x, KerasTensor) for x in args[0]):
            row = [places[id(tensor)] for tensor in args[0]]
            return None, lambda slots: (([slots[place] for place in row],), {})

    def fill(slots: list[Any]) -> Any:
        def value(leaf: Any) -> Any:
            return slots[places[id(leaf)]] if isinstance(leaf, KerasTensor) else leaf

        return tree.map_structure(value, (args, kwargs))

    return None, fill


def _with_inputs_of_its_own(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """The same calls once more, from new inputs that take the place of results of layers."""
    replaced: dict[int, KerasTensor] = {}
    entries = []
    for tensor in tree.flatten(inputs):
        if not _is_input(tensor):
            entry = InputLayer(batch_shape=tensor.shape, dtype=tensor.dtype).output
            replaced[id(tensor)] = entry
            tensor = entry
        entries.append(tensor)

    def needed(tensor: KerasTensor) -> list[Node]:
        node = _node_of(tensor)
        return [] if id(tensor) in replaced or not node.inputs else [node]

    finished: set[int] = set()
    waiting = [node for tensor in tree.flatten(outputs) for node in needed(tensor)]
    while waiting:
        node = waiting[-1]
        missing = [
            parent
            for tensor in node.inputs
            for parent in needed(tensor)
            if id(parent) not in finished
        ]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        if id(node) in finished:
            continue
        finished.add(id(node))
        copies = [KerasTensor(out.shape, out.dtype, out.name) for out in node.outputs]
        args, kwargs = tree.map_structure(
            lambda leaf: replaced.get(id(leaf), leaf) if isinstance(leaf, KerasTensor) else leaf,
            (node.args, node.kwargs),
        )
        Node(node.operation, args, kwargs, copies)
        for out, copy in zip(node.outputs, copies, strict=True):
            replaced.setdefault(id(out), copy)
    return tree.pack_sequence_as(inputs, entries), tree.map_structure(
        lambda tensor: replaced.get(id(tensor), tensor), outputs
    )

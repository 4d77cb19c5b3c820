"""The configuration of a graph: layers, their calls, and which tensors come in and go out.

The form is that of Keras 3. That of Keras 2, where a call is a list of
[layer, call, tensor, arguments], is read as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..layers.base import Layer
from ..layers.symbolic import KerasTensor, Node
from .sharing import owner_of, part_at

__all__ = ["GRAPH_KEYS", "graph_config", "graph_from_config"]

GRAPH_KEYS = ("layers", "input_layers", "output_layers")
MAX_DEPTH = 100
MAX_LAYERS = 10_000
_SHARED = "shared_from"


def graph_config(model: Any) -> dict[str, Any]:
    """The configuration of a model made of inputs and outputs."""
    from ..saving import serialize_keras_object

    graph = model._graph
    # A layer may have calls that belong to other models: those here are counted by themselves.
    numbers: dict[int, int] = {}
    calls: dict[int, list[Node]] = {}
    kept = {id(node) for node in graph.nodes}
    for operation in graph.operations:
        own = [node for node in operation._inbound if id(node) in kept]
        calls[id(operation)] = own
        numbers.update({id(node): i for i, node in enumerate(own)})

    def place(tensor: KerasTensor) -> list[Any]:
        operation, index, output = _history(tensor)
        return [operation.name, numbers.get(id(operation._inbound[index]), 0), output]

    def end(tensor: KerasTensor) -> list[Any]:
        # Keras counts the calls of a functional model from one here, and only here.
        name, index, output = place(tensor)
        return [name, index + _offset(_history(tensor)[0]), output]

    def write(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [write(item) for item in value]
        if isinstance(value, dict):
            return {key: write(item) for key, item in value.items()}
        if not isinstance(value, KerasTensor):
            return serialize_keras_object(value)
        return {
            "class_name": "__keras_tensor__",
            "config": {
                "shape": list(value.shape),
                "dtype": value.dtype,
                "keras_history": place(value),
            },
        }

    layers = []
    for operation in graph.operations:
        layer = serialize_keras_object(operation)
        shared = owner_of(operation, graph.operations)
        if shared is not None:
            layer[_SHARED] = [shared[0].name, *shared[1]]
        layer["name"] = operation.name
        layer["inbound_nodes"] = [
            {"args": write(node.args), "kwargs": write(node.kwargs)}
            for node in calls[id(operation)]
            if node.inputs
        ]
        layers.append(layer)
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": _places(graph.inputs, end),
        "output_layers": _places(graph.outputs, end),
    }


def _places(tensors: Any, place: Callable[[Any], list[Any]]) -> Any:
    if isinstance(tensors, dict):
        return {key: _places(value, place) for key, value in tensors.items()}
    if isinstance(tensors, list | tuple):
        return [_places(value, place) for value in tensors]
    return place(tensors)


def _history(tensor: KerasTensor) -> tuple[Any, int, int]:
    assert tensor._keras_history is not None  # tensors of a graph have one
    return tensor._keras_history


def _offset(operation: Any) -> int:
    return int(getattr(operation, "_graph", None) is not None)


def graph_from_config(cls: Any, config: dict[str, Any]) -> Any:
    """The model of a configuration, with new weights.

    Raises:
        ValueError: for calls in a circle, or of layers, calls or tensors that are not there.
    """
    rest = {key: value for key, value in config.items() if key not in GRAPH_KEYS}
    reader = _Reader(config["layers"])
    reader.make_all_calls()
    inputs = reader.ends(config["input_layers"], "input_layers")
    outputs = reader.ends(config["output_layers"], "output_layers")
    return cls(inputs=inputs, outputs=outputs, **rest)


class _Missing(Exception):
    """A tensor that a call needs is not there yet: its layer's name and the number of its call."""


class _Reader:
    """Makes the layers of a configuration, then their calls, each once its tensors are there."""

    def __init__(self, layers: Any) -> None:
        from ..saving import deserialize_keras_object

        if not isinstance(layers, list) or not layers:
            raise ValueError(f"layers must be a list of configurations, not {layers!r:.100}")
        if len(layers) > MAX_LAYERS:
            raise ValueError(f"layers must be at most {MAX_LAYERS} in number, not {len(layers)}")
        self._deserialize = deserialize_keras_object
        self.operations: dict[str, Any] = {}
        self._calls: dict[str, list[Any]] = {}
        for entry in layers:
            if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
                raise ValueError(f"layers must hold configurations, not {entry!r:.100}")
            inner = entry.get("config")
            name = entry.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
            if not isinstance(name, str) or name in self.operations:
                raise ValueError(f"layers must have names of their own, not {name!r:.100}")
            operation = None if entry.get(_SHARED) else deserialize_keras_object(entry)
            if operation is not None and not hasattr(operation, "_inbound"):
                raise ValueError(f"layers must hold layers or operations, not {operation!r:.100}")
            calls = entry.get("inbound_nodes", [])
            if not isinstance(calls, list):
                raise ValueError(f"inbound_nodes of '{name}' must be a list, not {calls!r:.100}")
            self.operations[name] = operation
            self._calls[name] = calls
        for name, entry in zip(self.operations, layers, strict=True):
            if self.operations[name] is None:
                self.operations[name] = self._shared(name, entry[_SHARED])
        self._old = any(isinstance(call, list) for calls in self._calls.values() for call in calls)

    def _shared(self, name: str, path: Any) -> Layer:
        """The layer that the attributes in a path lead to, from a layer of the model on."""
        known = isinstance(path, list) and all(isinstance(part, str) for part in path)
        found = part_at(self.operations.get(path[0]), path[1:]) if known else None
        if found is None or found.name != name:
            raise ValueError(f"{_SHARED} of '{name}' must lead to a layer, not be {path!r:.100}")
        return found

    def make_all_calls(self) -> None:
        """Makes each call when the tensors it needs exist: those waiting for one are kept by it."""
        ready = list(self._calls)
        done = dict.fromkeys(self._calls, 0)
        waiting: dict[tuple[str, int], list[str]] = {}
        while ready:
            name = ready.pop()
            for call in self._calls[name][done[name] :]:
                try:
                    args, kwargs = self._arguments(name, call)
                except _Missing as missing:
                    waiting.setdefault(missing.args[0], []).append(name)
                    break
                if args or kwargs:
                    self.operations[name](*args, **kwargs)
                done[name] += 1
                ready.extend(waiting.pop((name, done[name] - 1), ()))
        stuck = [name for name, calls in self._calls.items() if done[name] < len(calls)]
        if stuck:
            raise ValueError(
                f"inbound_nodes of '{stuck[0]}' must not form a circle, or name calls that are "
                "never made"
            )

    def _arguments(self, name: str, call: Any) -> tuple[list[Any], dict[str, Any]]:
        if isinstance(call, dict):
            args = self._value(call.get("args", []), 0)
            kwargs = self._value(call.get("kwargs", {}), 0)
            if not isinstance(args, list) or not isinstance(kwargs, dict):
                raise ValueError(f"inbound_nodes of '{name}' must hold args and kwargs")
            return args, kwargs
        if isinstance(call, list):
            return self._old_arguments(name, call)
        raise ValueError(f"inbound_nodes of '{name}' must hold calls, not {call!r:.100}")

    def _old_arguments(self, name: str, call: list[Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments as Keras 2 wrote them."""
        tensors: list[Any] = []
        kwargs: dict[str, Any] = {}
        if call and isinstance(call[0], str):
            call = [call]
        for item in call:
            if not isinstance(item, list) or len(item) not in (3, 4):
                raise ValueError(
                    f"inbound_nodes of '{name}' must hold [layer, call, tensor, arguments], "
                    f"not {item!r:.100}"
                )
            tensors.append(self._old_tensor(item[:3]))
            if len(item) == 4:
                if not isinstance(item[3], dict):
                    raise ValueError(f"arguments of '{name}' must be a dict, not {item[3]!r:.100}")
                kwargs.update({key: self._old_value(value) for key, value in item[3].items()})
        if not tensors:
            return [], {}
        if len(tensors) > 1 and hasattr(self.operations[name], "return_state"):
            # Recurrent layers took their states beside the sequence.
            return [tensors[0]], {"initial_state": tensors[1:], **kwargs}
        return [tensors[0] if len(tensors) == 1 else tensors], kwargs

    def _old_value(self, value: Any) -> Any:
        """An argument: a place is told from a list of numbers by the name it begins with."""
        if isinstance(value, list):
            if len(value) in (3, 4) and isinstance(value[0], str) and value[0] in self.operations:
                return self._old_tensor(value[:3])
            return [self._old_value(item) for item in value]
        return value

    def _old_tensor(self, place: list[Any]) -> KerasTensor:
        """A tensor as Keras 2 wrote it: it counted the calls of all models inside from one."""
        name, index, output = place
        inside = hasattr(self.operations.get(name), "_graph") and isinstance(index, int)
        return self.tensor([name, index - 1 if inside and index > 0 else index, output])

    def _value(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError(f"inbound_nodes must be nested at most {MAX_DEPTH} deep, not deeper")
        if isinstance(value, list):
            return [self._value(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        if value.get("class_name") == "__keras_tensor__":
            inner = value.get("config")
            if not isinstance(inner, dict):
                raise ValueError(f"a tensor must have a config, not {inner!r:.100}")
            return self.tensor(inner.get("keras_history"))
        if "class_name" in value:
            return self._deserialize(value)
        return {str(key): self._value(item, depth + 1) for key, item in value.items()}

    def tensor(self, place: Any) -> KerasTensor:
        """The tensor at [layer, call, output]; raises _Missing while its call is not made."""
        if not isinstance(place, list) or len(place) != 3 or not isinstance(place[0], str):
            raise ValueError(f"a tensor must be [layer, call, output], not {place!r:.100}")
        name, index, output = place
        if name not in self.operations:
            raise ValueError(f"a tensor must come from a layer of the model, not {name!r:.100}")
        for number in (index, output):
            if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                raise ValueError(f"a tensor must have numbers from zero, not {place!r:.100}")
        nodes = self.operations[name]._inbound
        if index >= len(nodes):
            if index >= max(len(self._calls[name]), 1):
                raise ValueError(
                    f"'{name}' must have a call number {index}, not {len(self._calls[name])} calls"
                )
            raise _Missing((name, index))
        outputs = nodes[index].outputs
        if output >= len(outputs):
            raise ValueError(f"'{name}' must have an output {output}, not {len(outputs)} of them")
        found: KerasTensor = outputs[output]
        return found

    def ends(self, places: Any, argument: str, depth: int = 0) -> Any:
        """The inputs or outputs of the model, in the structure of their places."""
        if depth > MAX_DEPTH:
            raise ValueError(f"{argument} must be nested at most {MAX_DEPTH} deep, not deeper")
        if isinstance(places, dict):
            return {
                str(key): self.ends(value, argument, depth + 1) for key, value in places.items()
            }
        if not isinstance(places, list) or not places:
            raise ValueError(f"{argument} must hold places of tensors, not {places!r:.100}")
        if len(places) == 3 and isinstance(places[0], str):
            name, index, output = places
            if isinstance(index, int) and index > 0:
                index -= _offset(self.operations.get(name))
            try:
                return self._old_tensor(places) if self._old else self.tensor([name, index, output])
            except _Missing:
                raise ValueError(f"{argument} must name calls that are made") from None
        return [self.ends(value, argument, depth + 1) for value in places]

"""How layers are connected, from the nested lists of Keras 1 and 2 to the form of Keras 3."""

from __future__ import annotations

from typing import Any

__all__ = ["modern_graph"]

# They were called with a list of the sequences and the states.
_RECURRENT = frozenset({"Bidirectional", "GRU", "LSTM", "RNN", "SimpleRNN"})
_CONSTANT = "_CONSTANT_VALUE"


def modern_graph(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a functional model with every call as args and kwargs.

    Raises:
        ValueError: for connections of neither form; the message names the layer.
    """
    layers = []
    for entry in config["layers"]:
        name = str(entry.get("name", entry["config"].get("name")))
        nodes = entry.get("inbound_nodes", [])
        if not isinstance(nodes, list):
            raise ValueError(f"inbound_nodes of {name!r} must be a list, not {nodes!r}")
        calls = [_call(node, entry["class_name"], name) for node in nodes]
        layers.append({**entry, "name": name, "inbound_nodes": calls})
    return {**config, "layers": layers}


def _call(node: Any, class_name: str, name: str) -> dict[str, Any]:
    if isinstance(node, dict):
        return node  # as Keras 3 writes it
    if not isinstance(node, list) or not node:
        raise ValueError(f"inbound_nodes of {name!r} must be lists of tensors, not {node!r}")
    if isinstance(node[0], str):  # one tensor without a list around it
        node = [node]
    kwargs: dict[str, Any] = {}
    tensors = []
    for item in node:
        if not isinstance(item, list) or len(item) not in (3, 4) or not isinstance(item[0], str):
            raise ValueError(
                f"inbound_nodes of {name!r} must name a layer, a call and an output, not {item!r}"
            )
        if item[0] == _CONSTANT:
            tensors.append(item[2])
        else:
            tensors.append(_tensor(item))
        if len(item) == 4 and isinstance(item[3], dict):
            kwargs.update({key: _argument(value) for key, value in item[3].items()})
    if len(tensors) > 1 and class_name in _RECURRENT:
        first, *states = tensors
        return {"args": [first], "kwargs": {**kwargs, "initial_state": states}}
    return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": kwargs}


def _tensor(history: list[Any]) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": list(history[:3])}}


def _argument(value: Any) -> Any:
    """A call's argument; a tensor among them is the name of a layer and two numbers."""
    if isinstance(value, list):
        if (
            len(value) == 3
            and isinstance(value[0], str)
            and all(isinstance(n, int) for n in value[1:])
        ):
            return _tensor(value)
        return [_argument(item) for item in value]
    return value

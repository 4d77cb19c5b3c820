"""Copies of models: the same layers with weights of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import tree
from ..layers.base import Layer
from ..layers.input import InputLayer
from ..layers.symbolic import KerasTensor
from .model import Model
from .sequential import Sequential
from .sharing import owner_of, part_at

__all__ = ["clone_model"]


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Any:
    """A model of new layers, with new weights, put together as those of a model are.

    Args:
        model: a ``Sequential``, a ``Model(inputs, outputs)``, or of a class of its own with
            ``get_config``.
        input_tensors: symbolic inputs to start from instead of new ones, as many as the model has.
        clone_function: ``clone_function(layer)`` gives the new layer; it is made from the layer's
            configuration by default. Inputs are not handed to it.
        call_function: ``call_function(layer, *args, **kwargs)`` calls a new layer; it is called by
            itself by default. Only for ``Model(inputs, outputs)``.
        recursive: whether ``clone_function`` gets the layers of models inside instead of these.

    Raises:
        ValueError: for what is no model, or an argument that its kind of model has no use for.
    """
    if not isinstance(model, Model):
        raise ValueError(f"model must be a Model, not {model!r}")
    copy = clone_function or _made_again
    if recursive:
        copy = _inside_models(copy, call_function)
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError("call_function must be None for a Sequential: layers follow another")
        return _sequential(model, input_tensors, copy)
    if model._graph is not None:
        return _graph(model, input_tensors, copy, call_function or _called)
    for name, value in (
        ("input_tensors", input_tensors),
        ("clone_function", clone_function),
        ("call_function", call_function),
    ):
        if value is not None:
            raise ValueError(f"{name} must be None for a class with a call() of its own")
    return _made_again(model)


def _made_again(layer: Any) -> Any:
    return type(layer).from_config(layer.get_config())


def _called(layer: Any, *args: Any, **kwargs: Any) -> Any:
    return layer(*args, **kwargs)


def _inside_models(
    copy: Callable[[Any], Any], call: Callable[..., Any] | None
) -> Callable[[Any], Any]:
    def deeper(layer: Any) -> Any:
        if isinstance(layer, Sequential):
            return _sequential(layer, None, deeper)
        if isinstance(layer, Model) and layer._graph is not None:
            return _graph(layer, None, deeper, call or _called)
        return copy(layer)

    return deeper


def _copied(layer: Any, copy: Callable[[Any], Any]) -> Any:
    made = copy(layer) if isinstance(layer, Layer) else _made_again(layer)
    if not hasattr(made, "_inbound"):
        raise ValueError(f"clone_function must return a layer, not {made!r}")
    return made


def _sequential(model: Sequential, input_tensors: Any, copy: Callable[[Any], Any]) -> Sequential:
    entry = model._layers[0] if model._layers else None
    start: list[Any] = []
    if input_tensors is not None:
        tensors = tree.flatten(input_tensors)
        if len(tensors) != 1 or not isinstance(tensors[0], KerasTensor):
            raise ValueError(f"input_tensors must be one symbolic input, not {input_tensors!r}")
        start = tensors
    elif isinstance(entry, InputLayer):
        start = [_made_again(entry)]
    layers = [_copied(layer, copy) for layer in model.layers]
    return type(model)([*start, *layers], trainable=model.trainable, name=model.name)


def _graph(
    model: Model, input_tensors: Any, copy: Callable[[Any], Any], call: Callable[..., Any]
) -> Model:
    graph = model._require_graph()
    given = None if input_tensors is None else tree.flatten(input_tensors)
    if given is not None and len(given) != len(graph.flat_inputs):
        raise ValueError(
            f"input_tensors must be {len(graph.flat_inputs)} symbolic inputs, not {len(given)}"
        )
    tensors: dict[int, KerasTensor] = {}
    for i, tensor in enumerate(graph.flat_inputs):
        entry: Any = tensor._keras_history.operation if tensor._keras_history else None
        tensors[id(tensor)] = _made_again(entry).output if given is None else given[i]
    copies: dict[int, Any] = {}

    def new(leaf: Any) -> Any:
        return tensors[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

    def copy_of(operation: Any) -> Any:
        if id(operation) not in copies:
            shared = owner_of(operation, graph.operations)
            part = None if shared is None else part_at(copy_of(shared[0]), shared[1])
            copies[id(operation)] = _copied(operation, copy) if part is None else part
        return copies[id(operation)]

    for node in graph.nodes:
        if not node.inputs:
            continue
        args, kwargs = tree.map_structure(new, (node.args, node.kwargs))
        outputs = tree.flatten(call(copy_of(node.operation), *args, **kwargs))
        tensors.update({id(old): out for old, out in zip(node.outputs, outputs, strict=True)})
    inputs, outputs = (tree.map_structure(new, part) for part in (graph.inputs, graph.outputs))
    return type(model)(inputs, outputs, name=model.name, trainable=model.trainable)

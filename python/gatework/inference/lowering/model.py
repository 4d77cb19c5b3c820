"""Lowers a model: its inputs, its layers in order, its outputs."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from ... import tree
from ...layers import Embedding, Layer, TokenAndPositionEmbedding
from ...layers.symbolic import KerasTensor
from ...models import Model, Sequential
from ...models.model import Functional
from .builder import Builder
from .plan import CannotCompile, Plan, Value
from .table import RULES

__all__ = ["apply", "lower"]


def lower(model: Any, bf16: bool = False) -> Plan:
    """The plan of a built Sequential or functional model.

    Args:
        model: the model.
        bf16: products of all layers round their operands to bfloat16.

    Raises:
        CannotCompile: the model computes something that programs do not have; the message names
            the layer and says what.
    """
    if not isinstance(model, Model):
        raise CannotCompile(f"model must be a Model, not {type(model).__name__}")
    b = Builder(bf16)
    b.layer = model
    inputs = []
    for tensor, name in _inputs_of(b, model):
        ids = _only_ids(model, tensor)
        axes = len(tensor.shape)
        time = axes >= (2 if ids else 3)
        inputs.append(b.input(name, tuple(tensor.shape), "ids" if ids else "floats", time))
    outputs = _run(b, model, inputs)
    b.layer = model
    b.plan.structure = tree.map_structure(b.output, outputs)
    if not any(one.time for one in b.plan.inputs):
        b.cannot_stream("reads no sequence")
    return b.plan


def apply(b: Builder, layer: Any, inputs: Any, **arguments: Any) -> Any:
    """The values a layer makes of others, in the structure in which it returns them."""
    outer, b.layer = b.layer, layer
    found = _applied(b, layer, inputs, arguments)
    b.layer = outer
    return found


def _applied(b: Builder, layer: Any, inputs: Any, arguments: dict[str, Any]) -> Any:
    if isinstance(layer, Model):
        if arguments:
            b.refuse(f"is called with {', '.join(arguments)}")
        return _run(b, layer, tree.flatten(inputs))
    rule = RULES.get(type(layer))
    if rule is None:
        why = "is not among them" if isinstance(layer, Layer) else "is an operation, not a layer"
        b.refuse(why)
    if "call" in vars(layer) or "__call__" in vars(layer):
        b.refuse("calls a function of Python in the place of its own")
    if layer.activity_regularizer is not None:
        b.inexact("adds a loss for its outputs")
    unknown = [name for name in arguments if name not in _taken(rule)]
    if unknown:
        b.refuse(f"is called with {', '.join(unknown)}")
    if not layer.built:
        b.refuse("is not built")
    if not isinstance(layer, Embedding | TokenAndPositionEmbedding):
        for value in tree.flatten(inputs):
            if isinstance(value, Value) and value.kind == "ids":
                b.refuse("reads ids, which only an Embedding can")
    assert rule is not None
    found = rule(b, layer, inputs, **arguments)
    if type(layer).compute_mask is Layer.compute_mask and isinstance(inputs, Value):
        found = found.with_mask(inputs.mask if layer.supports_masking else None)
    return found


def _taken(rule: Any) -> tuple[str, ...]:
    """The arguments of a call, beside the inputs, that a rule knows."""
    code = rule.__code__
    taken: tuple[str, ...] = code.co_varnames[3 : code.co_argcount]
    return taken


def _run(b: Builder, model: Any, inputs: Sequence[Value]) -> Any:
    """What a model, or one inside another, makes of its inputs in flat order."""
    outer, b.layer = b.layer, model
    # A model of the user's may train in a way of its own, as long as it computes like ours.
    if type(model).call not in (Model.call, Functional.call, Sequential.call) or "call" in vars(
        model
    ):
        b.refuse("computes its outputs in a call of its own")
    if model.activity_regularizer is not None:
        b.inexact("adds a loss for its outputs")
    if isinstance(model, Sequential):
        found = _chain(b, model, inputs)
    elif model._graph is None:
        found = b.refuse("has no symbolic inputs and outputs")
    else:
        found = _graph(b, model, inputs)
    b.layer = outer
    return found


def _chain(b: Builder, model: Any, inputs: Sequence[Value]) -> Any:
    if not model.built or len(inputs) != 1:
        b.refuse("is not built: give it an Input, call build() or give it data")
    x: Any = inputs[0]
    for layer in model.layers:
        x = apply(b, layer, x)
    return x


def _graph(b: Builder, model: Any, inputs: Sequence[Value]) -> Any:
    graph = model._graph
    values: dict[int, Any] = {}
    if len(inputs) != len(graph.flat_inputs):
        b.refuse(f"is called with {len(inputs)} inputs, not {len(graph.flat_inputs)}")
    for tensor, value in zip(graph.flat_inputs, inputs, strict=True):
        whole = ("float32", "int32", "int64") if value.kind == "ids" else ("float32",)
        if tensor.dtype not in whole:
            b.refuse(f"rounds its inputs to {tensor.dtype}")
        if len(value.shape) != len(tensor.shape):
            b.refuse("is called with inputs of another number of axes")
        values[id(tensor)] = value

    def fill(leaf: Any) -> Any:
        return values[id(leaf)] if isinstance(leaf, KerasTensor) else leaf

    for node in graph.nodes:
        if not node.inputs:
            continue
        args, kwargs = tree.map_structure(fill, (node.args, node.kwargs))
        kwargs = {
            name: value
            for name, value in kwargs.items()
            if name != "training" and value is not None
        }
        if len(args) > 1 and isinstance(node.operation, Layer):
            names = list(inspect.signature(type(node.operation).call).parameters)[2:]
            given = dict(zip(names, args[1:], strict=False))
            kwargs = kwargs | {name: value for name, value in given.items() if value is not None}
        found = tree.flatten(apply(b, node.operation, args[0], **kwargs))
        for tensor, value in zip(node.outputs, found, strict=True):
            values[id(tensor)] = value
    results = [values[id(tensor)] for tensor in graph.flat_outputs]
    if len(results) == 1 and not isinstance(graph.outputs, dict):
        return results[0]
    return tree.pack_sequence_as(graph.outputs, results)


def _inputs_of(b: Builder, model: Any) -> list[tuple[KerasTensor, str]]:
    """The symbolic inputs, and under which names they are given in a dictionary."""
    if isinstance(model, Sequential):
        if not model.built or model._symbolic is None:
            b.refuse("is not built: give it an Input, call build() or give it data")
        tensor = model._symbolic[0]  # type: ignore[index]
        return [(tensor, tensor._keras_history.operation.name)]
    if model._graph is None:
        b.refuse("computes its outputs in a call of its own")
    graph = model._graph
    if isinstance(graph.inputs, dict) and not any(map(tree.is_nested, graph.inputs.values())):
        return [(graph.inputs[key], key) for key in sorted(graph.inputs)]
    return [(tensor, tensor._keras_history.operation.name) for tensor in graph.flat_inputs]


def _only_ids(model: Any, tensor: KerasTensor) -> bool:
    """Whether only Embeddings read an input, in this model or in those inside it."""
    if isinstance(model, Sequential):
        return bool(model.layers) and _is_embedding(model.layers[0])
    readers = [
        node.operation for node in model._graph.nodes if any(one is tensor for one in node.inputs)
    ]
    return bool(readers) and all(map(_is_embedding, readers))


def _is_embedding(layer: Any) -> bool:
    if isinstance(layer, Sequential):
        return bool(layer.layers) and _is_embedding(layer.layers[0])
    return isinstance(layer, Embedding | TokenAndPositionEmbedding)

"""Lowers a model: its inputs, its layers in order, its outputs."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from ... import tree
from ...layers import Embedding, Layer, TokenAndPositionEmbedding
from ...layers.calling import given_to
from ...layers.symbolic import KerasTensor
from ...models import Model, Sequential
from ...models.model import Functional
from .builder import Builder
from .plan import CannotCompile, Plan, Value
from .table import RULES

__all__ = ["apply", "lower"]


def lower(model: Any, bf16: bool = False, sequence: int | None = None) -> Plan:
    """The plan of a built Sequential or functional model.

    Args:
        model: the model.
        bf16: products of all layers round their operands to bfloat16.
        sequence: the only input, by its number, that comes step by step in a stream; all of them
            by default.

    Raises:
        CannotCompile: the model computes something that programs do not have; the message names
            the layer and says what.
    """
    if not isinstance(model, Model):
        raise CannotCompile(f"model must be a Model, not {type(model).__name__}")
    b = Builder(bf16)
    b.layer = model
    inputs = []
    for i, (tensor, name) in enumerate(_inputs_of(b, model)):
        kind, axes = _kind_of(model, tensor), len(tensor.shape)
        time = axes == 2 if kind == "mask" else axes >= (2 if kind == "ids" else 3)
        time = time and sequence in (None, i)
        inputs.append(b.input(name, tuple(tensor.shape), kind, time))
        if sequence == i:
            b.only(inputs[-1])
    outputs = _run(b, model, inputs)
    b.layer = model
    b.plan.structure = tree.map_structure(b.output, outputs)
    if not any(one.time for one in b.plan.inputs):
        b.cannot_stream("reads no sequence")
    return b.plan


def apply(b: Builder, layer: Any, inputs: Any, **arguments: Any) -> Any:
    """The values a layer makes of others, in the structure in which it returns them."""
    outer, b.layer = b.layer, layer
    before = b.calls(tree.flatten([inputs, arguments]))
    found = _applied(b, layer, inputs, arguments)
    b.called(before)
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
    if not isinstance(layer, Layer):
        return _operated(b, layer, rule, inputs, arguments)
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
            if isinstance(value, Value) and value.kind == "mask":
                b.refuse("reads a mask as if it were a sequence")
    assert rule is not None
    found = rule(b, layer, inputs, **arguments)
    if type(layer).compute_mask is Layer.compute_mask and isinstance(inputs, Value):
        found = found.with_mask(inputs.mask if layer.supports_masking else None)
    return found


def _operated(b: Builder, operation: Any, rule: Any, x: Any, arguments: dict[str, Any]) -> Any:
    """What an operation between tensors makes; it takes no notice of masks."""
    if set(arguments) != {"x2"}:
        b.refuse("is called in a way that is not compiled")
    return rule(b, operation, x, **arguments)


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
        if value.kind != "mask" and tensor.dtype not in whole:
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
        elif len(args) > 1:  # of an operation, which takes no names here
            kwargs = kwargs | dict(zip(("x2",), args[1:], strict=False))
            if len(args) > 2:
                b.layer = node.operation
                b.refuse("is called with more than two operands")
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


def _kind_of(model: Any, tensor: KerasTensor) -> str:
    """What an input is by those who read it: "ids" of Embeddings, "mask", or "floats"."""
    if isinstance(model, Sequential):
        return "ids" if model.layers and _is_embedding(model.layers[0]) else "floats"
    readers = [node for node in model._graph.nodes if any(one is tensor for one in node.inputs)]
    if readers and all(_reads_a_mask(node, tensor) for node in readers):
        return "mask"
    if readers and all(_is_embedding(node.operation) for node in readers):
        return "ids"
    return "floats"


def _reads_a_mask(node: Any, tensor: KerasTensor) -> bool:
    """Whether a call takes a tensor for nothing but a mask."""
    if not isinstance(node.operation, Layer) or isinstance(node.operation, Model):
        return False
    given = given_to(type(node.operation), node.args, node.kwargs)
    names = [name for name, value in given.items() if value is tensor]
    inside = [one for one in tree.flatten([*node.args, node.kwargs]) if one is tensor]
    return len(names) == len(inside) and all(name.endswith("_mask") for name in names)


def _is_embedding(layer: Any) -> bool:
    if isinstance(layer, Sequential):
        return bool(layer.layers) and _is_embedding(layer.layers[0])
    return isinstance(layer, Embedding | TokenAndPositionEmbedding)

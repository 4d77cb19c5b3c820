"""A model as an ONNX graph."""

from __future__ import annotations

import inspect
import os
from typing import Any

import numpy as np

from .... import tree
from ....layers.input import InputLayer
from ....layers.operation import Operation
from ....layers.symbolic import KerasTensor
from ....models import Model
from ....utils.files import atomic_write
from ....utils.steady_weights import reads_weights
from ..library import load_onnx
from .graph import Graph, Sizes, Value
from .operations import convert_operation, is_known_function
from .table import convert, is_known

__all__ = ["export_model"]

OLDEST_OPSET, NEWEST_OPSET, DEFAULT_OPSET = 17, 23, 17
LARGEST_PROTOBUF = (1 << 31) - 1


@reads_weights
def export_model(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    opset: int = DEFAULT_OPSET,
    input_signature: Any = None,
) -> Any:
    """Writes the inference of a model as an ONNX graph.

    Dropout and other noise is left out. Masks are part of the graph: rows may have padding
    anywhere. Axes of unknown size stay so; the first is called "batch".

    Args:
        model: a built Sequential or functional model.
        path: name of the file; None only returns the graph.
        opset: version of ONNX's operators, 17 to 23.
        input_signature: shapes and dtypes of the inputs, in place of the model's own: one, or a
            list, of anything with ``shape`` (batch axis included) and ``dtype``.

    Returns:
        The ``onnx.ModelProto``.

    Raises:
        ImportError: if the onnx package is not installed.
        ValueError: for a model with layers that have no ONNX form; the message lists all of them.
        OSError: where the file system refuses; an old file is then as it was.
    """
    onnx = load_onnx()
    whole = isinstance(opset, int) and not isinstance(opset, bool)
    if not whole or not OLDEST_OPSET <= opset <= NEWEST_OPSET:
        raise ValueError(
            f"opset must be a whole number from {OLDEST_OPSET} to {NEWEST_OPSET}, not {opset!r}"
        )
    inputs, outputs = _ends(model)
    _refuse_unknown(model, inputs, outputs)
    graph = Graph(opset)
    values = _inputs(graph, inputs, input_signature)
    results = walk(graph, inputs, outputs, values)
    names = _output_names(graph, model, outputs)
    named = [
        Value(graph, graph.rename(value, name), value.shape, value.dtype)
        for value, name in zip(results, names, strict=True)
    ]
    graph.prune([value.name for value in named])
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            model.name,
            [_info(value, i) for i, value in enumerate(values)],
            [_info(value, i) for i, value in enumerate(named)],
            list(graph.initializers.values()),
        ),
        opset_imports=[onnx.helper.make_opsetid("", opset)],
        ir_version=onnx.helper.find_min_ir_version_for([onnx.helper.make_opsetid("", opset)]),
        producer_name="gatework",
    )
    size = proto.ByteSize()
    if size > LARGEST_PROTOBUF:
        raise ValueError(f"an ONNX file must have at most {LARGEST_PROTOBUF} bytes, not {size}")
    if path is not None:
        with atomic_write(path) as file:
            file.write(proto.SerializeToString())
    return proto


def _ends(model: Any) -> tuple[list[Any], list[Any]]:
    """The symbolic inputs and outputs of a model."""
    if not isinstance(model, Model):
        raise ValueError(f"model must be a Model, not {model!r}")
    described: Any = model
    try:
        inputs, outputs = described.inputs, described.outputs
    except AttributeError as error:
        raise ValueError(
            f"{model.name} must be a Sequential or functional model that knows its input shapes to "
            f"be exported: {error}"
        ) from error
    return tree.flatten(inputs), tree.flatten(outputs)


def _refuse_unknown(model: Any, inputs: list[Any], outputs: list[Any]) -> None:
    unknown: dict[str, None] = {}
    waiting = [layer for layer, _, _ in calls(inputs, outputs).values()]
    while waiting:
        layer = waiting.pop(0)
        inner = getattr(layer, "layer", None)
        if isinstance(layer, Model):
            waiting += [one for one, _, _ in calls(*_ends(layer)).values()]
        elif not (is_known_function(layer) if isinstance(layer, Operation) else is_known(layer)):
            unknown[f"{type(layer).__name__} '{layer.name}'"] = None
        elif inner is not None:
            waiting.append(inner)
    if unknown:
        raise ValueError(f"{model.name} has layers without an ONNX form: {', '.join(unknown)}")


Calls = dict[tuple[int, int], tuple[Any, tuple[Any, ...], dict[str, Any]]]


def calls(inputs: list[Any], outputs: list[Any]) -> Calls:
    """The calls of layers on the way from inputs to outputs, each after those it needs."""
    known = {id(tensor) for tensor in inputs}
    found: Calls = {}
    waiting: list[tuple[Any, bool]] = [(tensor, False) for tensor in reversed(outputs)]
    while waiting:
        tensor, ready = waiting.pop()
        if id(tensor) in known:
            continue
        layer, node, _ = tensor._keras_history
        key = (id(layer), node)
        if key in found:
            continue
        if isinstance(layer, InputLayer):
            raise ValueError(f"input '{layer.name}' must be one of the model's inputs")
        call = layer._inbound[node]
        if ready:
            found[key] = (layer, call.args, call.kwargs)
            continue
        waiting.append((tensor, True))
        waiting += [(leaf, False) for leaf in reversed(call.inputs)]
    return found


def walk(graph: Graph, inputs: list[Any], outputs: list[Any], values: list[Value]) -> list[Value]:
    """Writes the layers between symbolic tensors; ``values`` stand for the inputs."""
    known: dict[Any, Value] = {id(t): v for t, v in zip(inputs, values, strict=True)}

    def value_of(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        if id(leaf) in known:
            return known[id(leaf)]
        history: Any = leaf._keras_history
        return known[(id(history.operation), history.node_index, history.tensor_index)]

    for (key, node), (layer, args, kwargs) in calls(inputs, outputs).items():
        values_of = [tree.map_structure(value_of, one) for one in args]
        named = {k: tree.map_structure(value_of, v) for k, v in kwargs.items()}
        if isinstance(layer, Operation):
            made = layer._inbound[node].outputs
            results = convert_operation(graph, layer, [*values_of, *named.values()], made)
        else:
            names = list(inspect.signature(type(layer).call).parameters)[2:]
            named |= dict(zip(names, values_of[1:], strict=False))
            results = _call(graph, layer, values_of[0], named)
        for place, result in enumerate(results):
            known[(key, node, place)] = result
    return [value_of(tensor) for tensor in outputs]


def _call(graph: Graph, layer: Any, given: Any, named: dict[str, Any]) -> list[Value]:
    if named.pop("training", None):
        raise ValueError(f"training of {layer.name} must be False: ONNX graphs are for inference")
    mask = named.pop("mask", None)
    if mask is not None:
        if not isinstance(given, Value) or not isinstance(mask, Value):
            raise ValueError(f"mask of {layer.name} must be one tensor for one input")
        given = Value(graph, given.name, given.shape, given.dtype, mask)
    named = {k: v for k, v in named.items() if v is not None}
    if isinstance(layer, Model):
        with graph.scope(layer.name):
            return walk(graph, *_ends(layer), tree.flatten(given))
    results = convert(graph, layer, given, named)
    return results if isinstance(results, list) else [results]


def _inputs(graph: Graph, inputs: list[Any], signature: Any) -> list[Value]:
    specs = inputs if signature is None else tree.flatten(signature)
    if len(specs) != len(inputs):
        raise ValueError(f"input_signature must have {len(inputs)} leaves, not {len(specs)}")
    values = []
    for tensor, spec in zip(inputs, specs, strict=True):
        shape = tuple(tensor.shape) if getattr(spec, "shape", None) is None else tuple(spec.shape)
        own = tuple(tensor.shape)
        if len(shape) != len(own) or any(
            a is not None and a != b for a, b in zip(own[1:], shape[1:], strict=True)
        ):
            raise ValueError(f"input_signature must fit the input's shape {own}, not be {shape}")
        dtype = np.dtype(getattr(spec, "dtype", None) or tensor.dtype).name
        values.append(Value(graph, graph.fresh(tensor.name), shape, dtype))
    return values


def _output_names(graph: Graph, model: Any, outputs: list[Any]) -> list[str]:
    """The keys of a dictionary of outputs, else the names of the layers that make them."""
    given = getattr(model, "output", None)
    if isinstance(given, dict) and len(given) == len(outputs):
        return [graph.fresh(str(key)) for key in sorted(given)]
    return [graph.fresh(tensor._keras_history.operation.name) for tensor in outputs]


def _info(value: Value, place: int) -> Any:
    onnx = load_onnx()
    sizes: Sizes = value.shape
    names = [
        size if size is not None else "batch" if axis == 0 else f"size_{place}_{axis}"
        for axis, size in enumerate(sizes)
    ]
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(value.dtype))
    return onnx.helper.make_tensor_value_info(value.name, kind, names)

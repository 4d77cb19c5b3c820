"""An ONNX graph as a model."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....layers import Activation, Input
from ....layers.symbolic import KerasTensor
from ....models import Model, Sequential
from ..library import load_onnx
from .builder import Builder, Node
from .checks import check_graph
from .source import read_proto
from .table import KNOWN, convert
from .values import View

__all__ = ["import_model"]

LARGEST_INPUT = 1 << 31  # values of one input whose sizes are all known


def import_model(source: Any, *, name: str | None = None) -> Any:
    """Reads an ONNX model.

    LSTM, GRU, RNN, Gather, MatMul, Gemm and others become the layers of the same meaning, which can
    be trained; turning and joining axes around them needs no layer. The model takes and returns
    what the graph does, in the same order and layout.

    Args:
        source: a path, the bytes of a file, or an ``onnx.ModelProto``. Tensors in other files are
            read for a path alone, and only from its folder.
        name: name of the model; the graph's by default.

    Returns:
        A Sequential where the graph is a chain of layers, else a functional model.

    Raises:
        ImportError: if the onnx package is not installed.
        ValueError: if the graph is damaged, or has what cannot be imported; the message lists all
            unknown operators, or names the node and the reason.
        FileNotFoundError: if there is no such file.
    """
    proto, folder = read_proto(source)
    opset = check_graph(proto, KNOWN)
    graph = proto.graph
    wanted = [slot.name for slot in graph.output]
    builder = Builder(wanted, opset, folder)
    nodes = [_node(builder, node) for node in graph.node]
    builder.watch(nodes)
    for tensor in graph.initializer:
        if builder.uses[tensor.name]:
            builder.values[tensor.name] = builder.array(tensor)
    inputs = [
        _input(slot) for slot in graph.input if slot.name not in {t.name for t in graph.initializer}
    ]
    for tensor, slot_name in inputs:
        builder.values[slot_name] = View.of(tensor)
    for node in nodes:
        convert(builder, node)
    outputs = [_result(builder, slot_name) for slot_name in wanted]
    return _model([tensor for tensor, _ in inputs], outputs, _safe(name or graph.name))


def _node(builder: Builder, node: Any) -> Node:
    attributes: dict[str, Any] = {}
    for attribute in node.attribute:
        if attribute.name in attributes:
            raise ValueError(f"{node.op_type} '{node.name}' has {attribute.name!r} twice")
        attributes[attribute.name] = _value(builder, node, attribute)
    return Node(node.op_type, node.name, tuple(node.input), tuple(node.output), attributes)


def _value(builder: Builder, node: Any, attribute: Any) -> Any:
    """The value of an attribute: a number, text, an array, or a list of numbers or texts."""
    kinds = load_onnx().AttributeProto
    if attribute.type == kinds.TENSOR:
        return builder.array(attribute.t)
    if attribute.type == kinds.STRING:
        return attribute.s.decode(errors="replace")
    if attribute.type == kinds.STRINGS:
        return [one.decode(errors="replace") for one in attribute.strings]
    fields = {kinds.FLOAT: "f", kinds.INT: "i", kinds.FLOATS: "floats", kinds.INTS: "ints"}
    if attribute.type not in fields or attribute.ref_attr_name:
        raise ValueError(
            f"{attribute.name} of {node.op_type} '{node.name}' must be numbers, text or a tensor, "
            f"not of type {attribute.type}"
        )
    found = getattr(attribute, fields[attribute.type])
    return found if isinstance(found, (int, float)) else list(found)


def _safe(name: str) -> str | None:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-")[:80] or None


def _input(slot: Any) -> tuple[KerasTensor, str]:
    """A symbolic input of the graph's sizes and type."""
    onnx = load_onnx()
    kind = slot.type.WhichOneof("value")
    if kind != "tensor_type":
        raise ValueError(f"input '{slot.name}' must be a tensor, not {kind}")
    info = slot.type.tensor_type
    if not info.HasField("shape"):
        raise ValueError(f"input '{slot.name}' must have a known number of axes")
    sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in info.shape.dim]
    if not sizes or len(sizes) > 8 or any(size is not None and size < 1 for size in sizes):
        raise ValueError(
            f"input '{slot.name}' must have 1 to 8 axes of sizes above zero, not {sizes[:9]}"
        )
    if math.prod(size or 1 for size in sizes) > LARGEST_INPUT:
        raise ValueError(f"input '{slot.name}' must have at most {LARGEST_INPUT} values")
    try:
        dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(info.elem_type))
    except (KeyError, TypeError):
        dtype = np.dtype(object)
    if dtype.kind not in "fiub":
        raise ValueError(f"input '{slot.name}' must hold numbers, not type {info.elem_type}")
    # Floats of other sizes are computed in float32.
    label = "float32" if dtype.kind == "f" else dtype.name
    return Input(batch_shape=tuple(sizes), dtype=label, name=_safe(slot.name)), slot.name


def _result(builder: Builder, name: str) -> KerasTensor:
    value = builder.values.get(name)
    if value is None or isinstance(value, np.ndarray):
        raise ValueError(f"output '{name}' must depend on the inputs, not be a constant")
    node = Node("Output", name, (), (name,), {})
    return builder.plain(node, value)


def _model(inputs: Sequence[Any], outputs: Sequence[Any], name: str | None) -> Any:
    if not inputs:
        raise ValueError("the graph must have an input")
    outputs = [Activation("linear")(one) if one in inputs else one for one in outputs]
    chain = _chain(inputs, outputs)
    if chain is not None:
        return Sequential([inputs[0], *chain], name=name)
    return Model(
        inputs[0] if len(inputs) == 1 else list(inputs),
        outputs[0] if len(outputs) == 1 else list(outputs),
        name=name,
    )


def _chain(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any] | None:
    """The layers, if each has one input and one output; None otherwise."""
    if len(inputs) != 1 or len(outputs) != 1:
        return None
    found: list[Any] = []
    tensor = outputs[0]
    while tensor is not inputs[0]:
        layer, place, _ = tensor._keras_history
        call = layer._inbound[place]
        single = len(call.args) == 1 and isinstance(call.args[0], KerasTensor) and not call.kwargs
        if not single or getattr(layer, "return_state", False):
            return None
        found.insert(0, layer)
        tensor = call.args[0]
    return found

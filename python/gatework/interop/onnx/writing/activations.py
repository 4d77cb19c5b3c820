"""Activations: as nodes of their own, and by name inside of recurrent nodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .... import activations
from .graph import Graph, Value

__all__ = [
    "activate",
    "elu",
    "leaky_relu",
    "prelu",
    "recurrent_activation",
    "relu",
    "softmax",
]

# The names that have one node, with its attributes.
NODES: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}),
    "tanh": ("Tanh", {}),
    "sigmoid": ("Sigmoid", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {}),
    "celu": ("Celu", {"alpha": 1.0}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "exponential": ("Exp", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hard_sigmoid_keras2": ("HardSigmoid", {"alpha": 0.2, "beta": 0.5}),
    "soft_shrink": ("Shrink", {"lambd": 0.5, "bias": 0.5}),
    "hard_shrink": ("Shrink", {"lambd": 0.5, "bias": 0.0}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
}

# The same for functions inside of LSTM, GRU and RNN nodes: name, alpha, beta.
RECURRENT: dict[str, tuple[str, float | None, float | None]] = {
    "relu": ("Relu", None, None),
    "tanh": ("Tanh", None, None),
    "sigmoid": ("Sigmoid", None, None),
    "linear": ("Affine", 1.0, 0.0),
    "leaky_relu": ("LeakyRelu", 0.2, None),
    "elu": ("Elu", 1.0, None),
    "celu": ("Elu", 1.0, None),
    "softplus": ("Softplus", None, None),
    "softsign": ("Softsign", None, None),
    "hard_sigmoid": ("HardSigmoid", 1 / 6, 0.5),
    "hard_sigmoid_keras2": ("HardSigmoid", 0.2, 0.5),
}


def _clip(x: Value, low: float, high: float) -> Value:
    return x.graph.op("Clip", x, low, high)


def _gelu(x: Value) -> Value:
    if x.graph.opset >= 20:
        return x.graph.op("Gelu", x)
    return 0.5 * x * (1.0 + x.graph.op("Erf", x * math.sqrt(0.5)))


def _gelu_tanh(x: Value) -> Value:
    if x.graph.opset >= 20:
        return x.graph.op("Gelu", x, approximate="tanh")
    inner = x * (1.0 + 0.044715 * x * x) * math.sqrt(2 / math.pi)
    return 0.5 * x * (1.0 + _tanh(inner))


def _sigmoid(x: Value) -> Value:
    return x.graph.op("Sigmoid", x)


def _softplus(x: Value) -> Value:
    return x.graph.op("Softplus", x)


def _tanh(x: Value) -> Value:
    return x.graph.op("Tanh", x)


def _squareplus(x: Value) -> Value:
    return (x + x.graph.op("Sqrt", x * x + 4.0)) / 2.0


def _sparse_plus(x: Value) -> Value:
    # Where x ≥ 1 the square of what is clipped to [0, 2] is 4: x - 1 is missing.
    inside = _clip(x + 1.0, 0.0, 2.0)
    return inside * inside / 4.0 + x.graph.op("Relu", x - 1.0)


def _glu(x: Value) -> Value:
    width = x.shape[-1]
    if width is None or width % 2:
        raise ValueError(f"the last axis of glu must be even, not {width}")
    half = width // 2
    result = x.slice(-1, 0, half) * _sigmoid(x.slice(-1, half, width))
    result.shape = (*x.shape[:-1], half)
    return result


def _sparsemax(x: Value) -> Value:
    """max(x - τ, 0), τ such that each vector sums to one (Martins & Astudillo 2016)."""
    graph = x.graph
    width = x.shape[-1]
    if width is None:
        raise ValueError("the last axis of sparsemax must be known, not None")
    ordered = graph.ops("TopK", 2, x, graph.integers(width), axis=-1)[0]
    # As a product with a triangle, so that it works over the last axis of any rank.
    sums = ordered @ np.triu(np.ones((width, width), np.float32))
    counts = np.arange(1, width + 1, dtype=np.float32)
    inside = graph.op("Greater", 1.0 + counts * ordered, sums, dtype="bool").cast("float32")
    size = inside.reduce("ReduceSum", -1, keepdims=True)
    total = (ordered * inside).reduce("ReduceSum", -1, keepdims=True)
    return graph.op("Relu", x - (total - 1.0) / size)


FORMULAS: dict[str, Callable[[Value], Value]] = {
    "linear": lambda x: x,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "glu": _glu,
    "hard_silu": lambda x: x.graph.op("HardSwish", x),
    "hard_tanh": lambda x: _clip(x, -1.0, 1.0),
    "log_sigmoid": lambda x: -_softplus(-x),
    "mish": lambda x: x * _tanh(_softplus(x)),
    "relu6": lambda x: _clip(x, 0.0, 6.0),
    "silu": lambda x: x * _sigmoid(x),
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": lambda x: _clip((x + 1.0) / 2.0, 0.0, 1.0),
    "sparsemax": _sparsemax,
    "squareplus": _squareplus,
    "tanh_shrink": lambda x: x - _tanh(x),
}


def name_of(function: Any) -> str | None:
    """The name of an activation of the package; None for any other function."""
    name = getattr(function, "__name__", "")
    return name if activations.FUNCTIONS.get(name) is function else None


def activate(graph: Graph, x: Value, function: Any) -> Value:
    """An activation of a value.

    Raises:
        ValueError: for a function that is none of the package's.
    """
    name = name_of(function)
    if name in NODES:
        kind, attributes = NODES[name]
        result = graph.op(kind, x, **attributes)
    elif name in FORMULAS:
        result = FORMULAS[name](x)
    else:
        raise ValueError(f"activation must be one of gatework.activations, not {function!r}")
    return Value(graph, result.name, result.shape or x.shape, mask=x.mask)


def recurrent_activation(argument: str, function: Any) -> tuple[str, float | None, float | None]:
    """Name, alpha and beta of an activation inside of a recurrent node.

    Raises:
        ValueError: for one that ONNX does not have there.
    """
    name = name_of(function)
    if name not in RECURRENT:
        raise ValueError(
            f"{argument} must be one that ONNX has in recurrent nodes ({', '.join(RECURRENT)}), "
            f"not {name or function!r}"
        )
    return RECURRENT[name]


# Activations that are layers of their own.


def elu(graph: Graph, layer: Any, x: Value) -> Value:
    return graph.op("Elu", x, alpha=float(layer.alpha))


def leaky_relu(graph: Graph, layer: Any, x: Value) -> Value:
    return graph.op("LeakyRelu", x, alpha=float(layer.negative_slope))


def prelu(graph: Graph, layer: Any, x: Value) -> Value:
    return graph.op("PRelu", x, graph.weight(layer.alpha, "alpha"))


def relu(graph: Graph, layer: Any, x: Value) -> Value:
    slope, threshold = float(layer.negative_slope), float(layer.threshold)
    if threshold:
        above = graph.op("GreaterOrEqual", x, threshold, dtype="bool")
        result = above.where(x, slope * (x - threshold))
    else:
        result = graph.op("LeakyRelu", x, alpha=slope) if slope else graph.op("Relu", x)
    if layer.max_value is not None:
        result = graph.op("Min", result, float(layer.max_value))
    return result


def softmax(graph: Graph, layer: Any, x: Value) -> Value:
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    mask = x.mask
    result = x if mask is None else mask.where(x, -1e9)
    if len(axes) == 1:
        result = graph.op("Softmax", result, axis=axes[0])
    else:
        powers = graph.op("Exp", result - result.reduce("ReduceMax", *axes, keepdims=True))
        result = powers / powers.reduce("ReduceSum", *axes, keepdims=True)
    return result if mask is None else mask.where(result, 0.0)

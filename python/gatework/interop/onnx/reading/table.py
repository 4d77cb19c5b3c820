"""The closed table of operators that can be imported."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dense, elementwise, gelu, recurrent, selecting, shaping, steps, windows
from .builder import Builder, Node
from .constants import FOLDS, fold
from .values import Filled, Steps, View

__all__ = ["KNOWN", "convert"]

activation = elementwise.activation

CONVERTERS: dict[str, Callable[..., Any]] = {
    "Abs": elementwise.simple("Abs"),
    "Add": elementwise.arithmetic("Add"),
    "And": elementwise.arithmetic("And"),
    "AveragePool": windows.pool("AveragePooling1D"),
    "BatchNormalization": windows.batch_normalization,
    "Cast": elementwise.cast,
    "Ceil": elementwise.simple("Ceil"),
    "Celu": activation("celu", alpha=(1.0, 1.0)),
    "Clip": elementwise.clip,
    "Concat": shaping.concat,
    "CumSum": steps.cumsum,
    "Conv": windows.conv,
    "ConvTranspose": windows.conv_transpose,
    "Cos": elementwise.simple("Cos"),
    "Div": elementwise.arithmetic("Div"),
    "Dropout": elementwise.dropout,
    "Einsum": dense.einsum,
    "Elu": elementwise.elu,
    "Equal": elementwise.arithmetic("Equal"),
    "Erf": gelu.erf,
    "Expand": shaping.expand,
    "Exp": activation("exponential"),
    "Flatten": shaping.flatten,
    "Floor": elementwise.simple("Floor"),
    "GRU": recurrent.gru,
    "Gather": selecting.gather,
    "GatherND": steps.gather_nd,
    "Gelu": gelu.gelu,
    "Gemm": dense.gemm,
    "GlobalAveragePool": windows.global_pool("GlobalAveragePooling1D"),
    "GlobalMaxPool": windows.global_pool("GlobalMaxPooling1D"),
    "Greater": elementwise.arithmetic("Greater"),
    "GreaterOrEqual": elementwise.arithmetic("GreaterOrEqual"),
    "HardSigmoid": elementwise.hard_sigmoid,
    "HardSwish": activation("hard_silu"),
    "Identity": shaping.identity,
    "LSTM": recurrent.lstm,
    "LayerNormalization": windows.layer_normalization,
    "LeakyRelu": elementwise.leaky_relu,
    "Less": elementwise.arithmetic("Less"),
    "LessOrEqual": elementwise.arithmetic("LessOrEqual"),
    "Log": elementwise.simple("Log"),
    "LogSoftmax": elementwise.softmax("log_softmax"),
    "MatMul": dense.matmul,
    "MaxPool": windows.pool("MaxPooling1D"),
    "Max": elementwise.arithmetic("Max"),
    "Min": elementwise.arithmetic("Min"),
    "Mish": activation("mish"),
    "Mul": elementwise.arithmetic("Mul"),
    "Neg": elementwise.simple("Neg"),
    "Not": elementwise.simple("Not"),
    "Or": elementwise.arithmetic("Or"),
    "PRelu": elementwise.prelu,
    "Pad": shaping.pad,
    "Pow": elementwise.arithmetic("Pow"),
    "RNN": recurrent.rnn,
    "Reciprocal": elementwise.simple("Reciprocal"),
    "ReduceLogSumExp": elementwise.reduction("ReduceLogSumExp"),
    "ReduceMax": elementwise.reduction("ReduceMax"),
    "ReduceMean": elementwise.reduction("ReduceMean"),
    "ReduceMin": elementwise.reduction("ReduceMin"),
    "ReduceProd": elementwise.reduction("ReduceProd"),
    "ReduceSum": elementwise.reduction("ReduceSum"),
    "Relu": activation("relu"),
    "Reshape": shaping.reshape,
    "Selu": activation(
        "selu", alpha=(1.67326319217681885, 1.67326319), gamma=(1.05070102214813232, 1.05070102)
    ),
    "Shape": shaping.shape,
    "Shrink": elementwise.shrink,
    "Sigmoid": activation("sigmoid"),
    "Sign": elementwise.simple("Sign"),
    "Sin": elementwise.simple("Sin"),
    "Slice": selecting.slice_,
    "Softmax": elementwise.softmax("softmax"),
    "Softplus": activation("softplus"),
    "Softsign": activation("softsign"),
    "Split": selecting.split,
    "Sqrt": elementwise.simple("Sqrt"),
    "Squeeze": shaping.squeeze,
    "Sub": elementwise.arithmetic("Sub"),
    "Sum": elementwise.arithmetic("Add"),
    "Tanh": activation("tanh"),
    "Tile": shaping.tile,
    "TopK": steps.topk,
    "Transpose": shaping.transpose,
    "Unsqueeze": shaping.unsqueeze,
    "Xor": elementwise.arithmetic("Xor"),
    "Where": elementwise.where,
}

# What may be done with steps in front: turning axes, and layers that know how many there are.
KEEP_PACKED = frozenset(
    {"GRU", "GatherND", "Identity", "LSTM", "RNN", "Reshape", "Squeeze", "Transpose", "Unsqueeze"}
)

# Every operator that can be imported, at least where its operands are constants.
KNOWN = frozenset(CONVERTERS) | frozenset(FOLDS)


@functools.cache
def _parameters(converter: Callable[..., Any]) -> tuple[int, frozenset[str], bool]:
    """How many operands a converter takes, the attributes it knows, and whether it takes others."""
    operands, attributes, others = -2, set(), False
    for parameter in inspect.signature(converter).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            operands = 1 << 30
        elif parameter.kind is parameter.VAR_KEYWORD:
            others = True
        elif parameter.kind is parameter.KEYWORD_ONLY:
            attributes.add(parameter.name)
        else:
            operands += 1
    return operands, frozenset(attributes), others


def convert(builder: Builder, node: Node) -> None:
    """Converts one node and keeps what its outputs stand for.

    Raises:
        ValueError: if it cannot be imported; the message names the node and the reason.
    """
    if id(node) in builder.done or not any(
        builder.used(node, place) for place in range(len(node.outputs))
    ):
        return
    operands = [builder.values[name] if name else None for name in node.inputs]
    known = all(x is None or isinstance(x, (np.ndarray, Filled)) for x in operands)
    if known and (node.op in FOLDS or not operands):
        results = [fold(node, operands)]
    else:
        results = _converted(builder, node, operands)
    for name, value in zip(node.outputs, results, strict=False):
        # A node may have taken the ones after it with it.
        if name:
            builder.values.setdefault(name, value)


def _converted(builder: Builder, node: Node, operands: list[Any]) -> list[Any]:
    converter = CONVERTERS.get(node.op)
    if converter is None:
        node.refuse("its operands must be constants, not depend on the inputs")
    while operands and operands[-1] is None:
        operands.pop()
    most, attributes, others = _parameters(converter)
    if len(operands) > most or not operands:
        node.refuse(f"it must have 1 to {most} operands, not {len(operands)}")
    unknown = sorted(set(node.attributes) - attributes)
    if unknown and not others:
        node.refuse(f"it must not have the attribute {unknown[0]!r}")
    if operands[0] is None:
        node.refuse("its first operand must be given")
    if node.op not in KEEP_PACKED and any(
        isinstance(x, View) and x.packed is not None for x in operands
    ):
        node.refuse("steps that were brought to the front must be brought back first")
    states = node.op in ("GRU", "LSTM", "RNN", "Cast") and not isinstance(operands[0], Steps)
    if any(isinstance(x, Steps) for x in operands) and not states:
        return _listed(steps.convert_steps(builder, node, operands))
    try:
        found = converter(builder, node, *operands, **node.attributes)
    except (TypeError, IndexError, KeyError, OverflowError) as error:
        node.refuse(f"{type(error).__name__}: {error}"[:200])
    except ValueError as error:
        if str(error).startswith(f"{node.op} "):
            raise
        node.refuse(str(error)[:400])
    return _listed(found)


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]

"""Which functions of ``gatework.ops``, as nodes of a graph, leave the steps of time apart."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from .. import tree
from .stepping import along_time, ranks_differ
from .symbolic import KerasTensor, Node

__all__ = ["mixed_steps"]

_ELEMENTWISE = frozenset(
    {
        *("abs", "absolute", "add", "cast", "ceil", "celu", "clip", "cos", "divide", "elu"),
        *("equal", "exp", "expm1", "floor", "floor_divide", "gelu", "gelu_tanh", "greater"),
        *("greater_equal",),
        *("hard_shrink", "hard_sigmoid", "hard_sigmoid_keras2", "hard_silu", "hard_tanh"),
        *("isfinite", "isinf", "isnan", "leaky_relu", "less", "less_equal", "log", "log1p"),
        *("log_sigmoid", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum"),
        *("minimum", "mod", "multiply", "negative", "not_equal", "ones_like", "power"),
        *("reciprocal", "relu", "relu6", "round", "rsqrt", "selu", "sigmoid", "sign", "silu"),
        *("sin", "soft_shrink", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "sqrt"),
        *("square", "squareplus", "stop_gradient", "subtract", "tanh", "tanh_shrink"),
        *("threshold", "true_divide", "where", "zeros_like"),
    }
)
# Along an axis, which stays as long as it is or becomes one of another length.
_ALONG_AXIS = frozenset(
    {
        *("concatenate", "flip", "glu", "layer_normalization", "log_softmax", "normalize"),
        *("rms_normalization", "softmax", "sparsemax"),
    }
)
_REDUCING = frozenset(
    {"all", "any", "logsumexp", "max", "mean", "min", "prod", "std", "sum", "var"}
)


def mixed_steps(node: Node, moving: Container[int]) -> str | None:
    """Why an operation's outputs at a step depend on other steps; None if they do not.

    What is not known to leave the steps apart is taken to mix them.

    Args:
        node: the call.
        moving: ids of the symbolic tensors that depend on the sequence under way; the others are
            the same at all steps.
    """
    name, config = node.operation.function, node.operation.config
    sequences = [tensor for tensor in node.inputs if id(tensor) in moving]
    rank = max(len(tensor.shape) for tensor in sequences)
    unknown = f"ops.{name} may read several steps at once"
    if name in _ELEMENTWISE:
        return ranks_differ([tensor.shape for tensor in sequences]) or _others(node, moving, rank)
    if name == "getitem":
        return None if _keeps_steps(node.args[1], rank) else unknown
    if name == "matmul":
        first, second = node.args
        apart = id(first) in moving and id(second) not in moving and len(first.shape) == rank
        plain = not isinstance(second, KerasTensor) and len(second.shape) == 2
        steady = isinstance(second, KerasTensor) and len(second.shape) == rank == 3
        return None if apart and (plain or steady) else unknown
    if name == "expand_dims":
        axes = config["axis"] if isinstance(config["axis"], list | tuple) else [config["axis"]]
        return None if all(axis == -1 or axis > 1 for axis in axes) else unknown
    if name in _ALONG_AXIS or (name in _REDUCING and config.get("keepdims") and rank > 2):
        axis = config.get("axis", -1)
        if axis is None:
            return unknown
        if len(sequences) < len(node.inputs):
            return f"ops.{name} joins steps with what is the same at all of them"
        shapes = [tensor.shape for tensor in sequences]
        return ranks_differ(shapes) or along_time(axis, shapes[0])
    return unknown


def _others(node: Node, moving: Container[int], rank: int) -> str | None:
    """What stands beside the sequences must be the same at every step."""
    reason = f"ops.{node.operation.function} has an array with values for every step"
    for leaf in tree.flatten([node.args, node.kwargs]):
        shape: tuple[Any, ...] = getattr(leaf, "shape", ())
        if id(leaf) in moving or rank < 2:
            continue
        if isinstance(leaf, KerasTensor):
            if len(shape) != rank or shape[1] != 1:
                return reason
        elif len(shape) >= rank - 1 and shape[-(rank - 1)] != 1:
            return reason
    return None


def _keeps_steps(key: Any, rank: int) -> bool:
    """Whether an index takes all steps, or the last one alone, of (batch, time, ...)."""
    if rank < 3:
        return False
    keys = list(key) if isinstance(key, list | tuple) else [key]
    if any(not (isinstance(k, int | slice) or k is Ellipsis) for k in keys):
        return False
    if Ellipsis in keys:
        place = keys.index(Ellipsis)
        keys[place : place + 1] = [slice(None)] * (rank - len(keys) + 1)
    keys += [slice(None)] * (rank - len(keys))
    if keys[0] != slice(None):
        return False
    if keys[1] == slice(None):
        return all(isinstance(k, slice) for k in keys)
    return keys[1] == -1 and all(k == slice(None) for k in keys[2:])

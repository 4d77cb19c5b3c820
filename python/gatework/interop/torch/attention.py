"""Attention, and the blocks of Transformers, as PyTorch's modules hold their weights.

``nn.MultiheadAttention`` has the projections of queries, keys and values in one matrix, heads after
another, unless their inputs differ in size. ``nn.TransformerEncoderLayer`` is a block without
cross-attention, of an encoder or a decoder, ``nn.TransformerDecoderLayer`` one with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...autograd import Array, Variable

__all__ = ["ATTENTION", "BLOCKS", "attention_from_torch", "attention_to_torch", "parts_of", "roots"]

ATTENTION = ("MultiHeadAttention", "CachedMultiHeadAttention")
BLOCKS = ("TransformerEncoder", "TransformerDecoder")
_WHOLE = ("in_proj_weight", "q_proj_weight")  # one of them every attention has


def parts_of(block: Any) -> list[tuple[Any, str]]:
    """The layers of a block, each with the name of its module.

    Raises:
        ValueError: for a block that has more than PyTorch's.
    """
    if block.feedforward_gate:
        raise ValueError(
            f"feedforward_gate of '{block.name}' must be False as in PyTorch, not True"
        )
    cross = getattr(block, "_cross_attention_layer", None)
    found = [
        (block._self_attention_layer, "self_attn"),
        (block._self_attention_layer_norm, "norm1"),
        (block._feedforward_intermediate_dense, "linear1"),
        (block._feedforward_output_dense, "linear2"),
        (block._feedforward_layer_norm, "norm2" if cross is None else "norm3"),
    ]
    if cross is not None:
        found += [(cross, "multihead_attn"), (block._cross_attention_layer_norm, "norm2")]
    return found


def attention_from_torch(layer: Any, get: Callable[[str], Array]) -> list[tuple[Variable, Array]]:
    """The weights of a layer, each with its value; arguments and errors as of ``from_torch``."""
    _check(layer)
    inputs = _inputs_of(layer)
    if _alike(layer):
        matrices = _thirds(layer, get("in_proj_weight"))
    else:
        matrices = [get(f"{name}_proj_weight") for name in "qkv"]
    found = [
        (dense.kernel, _reshaped(matrix.T, dense.kernel))
        for dense, matrix in zip(inputs, matrices, strict=True)
    ]
    last = layer.output_dense
    found.append((last.kernel, _reshaped(get("out_proj.weight").T, last.kernel)))
    if layer.use_bias:
        biases = _thirds(layer, get("in_proj_bias"))
        found += [(d.bias, _reshaped(b, d.bias)) for d, b in zip(inputs, biases, strict=True)]
        found.append((last.bias, get("out_proj.bias")))
    return found


def attention_to_torch(layer: Any) -> dict[str, Array]:
    """The parameters of the module, by name; errors as of ``from_torch``."""
    _check(layer)
    inputs = _inputs_of(layer)
    matrices = [np.reshape(d.kernel.numpy(), (d.kernel.shape[0], -1)).T for d in inputs]
    if _alike(layer):
        found = {"in_proj_weight": np.concatenate(matrices)}
    else:
        named = zip("qkv", matrices, strict=True)
        found = {f"{name}_proj_weight": matrix for name, matrix in named}
    last = layer.output_dense
    if layer.use_bias:
        found["in_proj_bias"] = np.concatenate([np.ravel(d.bias.numpy()) for d in inputs])
    found["out_proj.weight"] = np.reshape(last.kernel.numpy(), (-1, last.kernel.shape[-1])).T
    if layer.use_bias:
        found["out_proj.bias"] = last.bias.numpy()
    return found


def roots(names: Iterable[str]) -> list[str]:
    """The modules of a state dict that are attention or blocks: what lies in them is theirs."""
    known = set(names)
    found = []
    for name in known:
        prefix, _, last = name.rpartition(".")
        if last in _WHOLE:
            block, _, part = prefix.rpartition(".")
            start = f"{block}." if block else ""
            inside = part in ("self_attn", "multihead_attn") and f"{start}linear1.weight" in known
            found.append(block if inside else prefix)
    return found


def _inputs_of(layer: Any) -> list[Any]:
    return [layer.query_dense, layer.key_dense, layer.value_dense]


def _alike(layer: Any) -> bool:
    """Whether queries, keys and values are of one size, and one matrix projects them."""
    return len({dense.kernel.shape[0] for dense in _inputs_of(layer)}) == 1


def _thirds(layer: Any, whole: Array) -> list[Array]:
    if len(whole) % 3:
        raise ValueError(f"in_proj of '{layer.name}' must have rows for 3 parts, not {len(whole)}")
    return np.split(whole, 3)


def _reshaped(value: Array, variable: Variable) -> Array:
    """In the shape of the variable if it has as many values; the caller refuses it otherwise."""
    fits = value.size == variable.size
    return np.ascontiguousarray(value).reshape(variable.shape) if fits else value


def _check(layer: Any) -> None:
    """Refuses what PyTorch's module does not compute."""
    size = layer.query_dense.kernel.shape[0]
    wanted = {
        "use_gate": False,
        "sliding_window": None,
        "key_dim": size // layer.num_heads,
        "value_dim": size // layer.num_heads,
    }
    for argument, value in wanted.items():
        if getattr(layer, argument) != value:
            raise ValueError(
                f"{argument} of '{layer.name}' must be {value} as in PyTorch, "
                f"not {getattr(layer, argument)}"
            )
    if layer.output_dense.kernel.shape[2:] != (size,):
        raise ValueError(
            f"output_shape of '{layer.name}' must be {size}, the features of the query, as in "
            f"PyTorch, not {layer.output_dense.kernel.shape[2:]}"
        )

"""Weights of Keras 1, 2 and 3 in the layout of ``.h5`` files: layers in order, each a list.

The arrays of a layer are named, in the order of its trainable weights and then the others. Layers
of Keras 1 keep their gates apart, and those of cuDNN keep them transposed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..autograd import Array, Variable
from .hdf5 import Budget, find_group, names_attribute

__all__ = ["own_variables", "read_named_arrays", "weights_to_assign"]

Items = list[tuple[str, Array]]
Pairs = list[tuple[Variable, Array]]
TOP_LEVEL = "top_level_model_weights"


def own_variables(layer: Any) -> list[Variable]:
    """The weights of a layer and of all inside it in the order of these files."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def read_named_arrays(group: Any, budget: Budget, label: str, source: str) -> dict[str, Array]:
    """The arrays of a group by the names in its attribute, in order."""
    found: dict[str, Array] = {}
    for name in names_attribute(group, "weight_names", source):
        if name in found:
            raise ValueError(f"weight_names of {label} in {source!r} must not hold {name!r} twice")
        found[name] = budget.read(group, name, f"weight {name!r} of {label} in {source!r}", source)
    return found


def weights_to_assign(
    model: Any, group: Any, budget: Budget, source: str, by_name: bool, skip_mismatch: bool
) -> Pairs:
    """What to assign to which weight; nothing is changed.

    Args:
        model: a built model.
        group: the group that has the attribute "layer_names".
        budget: what may be read.
        source: the file's name, for error messages.
        by_name: find layers by their names and leave out those the other side lacks.
        skip_mismatch: leave out layers whose weights do not fit, instead of raising.

    Raises:
        ValueError: if the weights do not fit; the message names the layer, what it needs and what
            the file has.
    """
    found: Pairs = []
    for layer, label, arrays in _layers(model, group, budget, source, by_name):
        try:
            found += _fitted(layer, label, arrays, source)
        except ValueError as error:
            if not skip_mismatch:
                raise
            warnings.warn(f"weights are left as they are: {error}", stacklevel=4)
    return found


def _layers(
    model: Any, group: Any, budget: Budget, source: str, by_name: bool
) -> Iterator[tuple[Any, str, dict[str, Array]]]:
    names = names_attribute(group, "layer_names", source)
    if len(set(names)) != len(names):
        raise ValueError(f"layer_names of {source!r} must not hold a name twice")
    stored = [(name, _layer_group(group, name, source)) for name in names]
    if by_name:
        known = {layer.name: layer for layer in model.layers}
        for name, layer_group in stored:
            if name in known:
                label = f"'{name}'"
                yield known[name], label, read_named_arrays(layer_group, budget, label, source)
        return
    stored = [entry for entry in stored if names_attribute(entry[1], "weight_names", source)]
    wanted = [layer for layer in model.layers if own_variables(layer)]
    if len(stored) != len(wanted):
        raise ValueError(
            f"{source!r} must hold weights of {len(wanted)} layers "
            f"({', '.join(layer.name for layer in wanted)}), not of {len(stored)} "
            f"({', '.join(name for name, _ in stored)})"
        )
    for layer, (name, layer_group) in zip(wanted, stored, strict=True):
        label = f"'{layer.name}'" if layer.name == name else f"'{layer.name}' ('{name}' there)"
        yield layer, label, read_named_arrays(layer_group, budget, label, source)
    top = find_group(group, TOP_LEVEL, source)
    if top is not None and names_attribute(top, "weight_names", source):
        raise ValueError(f"{source!r} must hold no weights outside of layers, as {TOP_LEVEL} does")


def _layer_group(group: Any, name: str, source: str) -> Any:
    found = find_group(group, name, source)
    if found is None:
        raise ValueError(f"{source!r} must hold weights of '{name}', not none")
    return found


def _fitted(layer: Any, label: str, arrays: dict[str, Array], source: str) -> Pairs:
    """The weights of a layer with the arrays that belong to them."""
    variables = own_variables(layer)
    values = _ordered(variables, _converted(layer, list(arrays.items())))
    if len(values) != len(variables):
        raise ValueError(
            f"{label} must get {len(variables)} weights, not {len(values)} as in {source!r}"
        )
    for variable, (name, value) in zip(variables, values, strict=True):
        if variable.shape != value.shape:
            raise ValueError(
                f"weight {name!r} of {label} in {source!r} must have shape "
                f"{tuple(variable.shape)}, not {value.shape}"
            )
    return [(v, value) for v, (_, value) in zip(variables, values, strict=True)]


def _kind(name: str) -> str:
    """ "kernel" of "lstm_1/kernel:0"."""
    return re.sub(r"(_\d+)?(:\d+)?$", "", name.rpartition("/")[2])


def _ordered(variables: list[Variable], items: Items) -> Items:
    """The arrays in the order of the weights.

    Weights of the same kind ("kernel") are in the same order on both sides; of different kinds
    they need not be, where layers inside this one are frozen. Names that say no kind leave the
    order as it is.
    """
    waiting: dict[str, Items] = {}
    for name, value in items:
        waiting.setdefault(_kind(name), []).append((name, value))
    kinds = [_kind(variable.name) for variable in variables]
    if {kind: kinds.count(kind) for kind in kinds} != {k: len(v) for k, v in waiting.items()}:
        return items
    return [waiting[kind].pop(0) for kind in kinds]


def _converted(layer: Any, items: Items) -> Items:
    """The arrays of a layer as its own class keeps them today."""
    kind = type(layer).__name__
    if kind == "Bidirectional":
        half = len(items) // 2
        forward, backward = layer.forward_layer, layer.backward_layer
        return [*_converted(forward, items[:half]), *_converted(backward, items[half:])]
    if kind == "TimeDistributed":
        return _converted(layer.layer, items)
    inner = [one for one in getattr(layer, "layers", []) if own_variables(one)]
    if inner:
        return _converted_inside(inner, items)
    if kind in ("LSTM", "GRU"):
        return _recurrent(kind, layer, items)
    if kind == "Conv1D" and items and items[0][1].ndim == 4:
        return [(items[0][0], _convolution(layer, items[0][1])), *items[1:]]
    return items


def _converted_inside(layers: list[Any], items: Items) -> Items:
    """A model within the model; only where each layer's arrays follow one another."""
    counts = [_stored_count(layer, items) for layer in layers]
    if sum(counts) != len(items):
        return items
    found: Items = []
    for layer, count in zip(layers, counts, strict=True):
        found += _converted(layer, items[:count])
        items = items[count:]
    return found


def _stored_count(layer: Any, items: Items) -> int:
    """How many arrays an inner layer has in the file."""
    apart = any(re.search(r"_[WUb]_[icfozrh](:\d+)?$", name) for name, _ in items)
    kind = type(layer).__name__
    if apart and kind in _GATES_APART:
        return len(_GATES_APART[kind][0])
    return len(own_variables(layer))


# Keras 1: W, U and b of each gate; which triple holds the blocks of today's arrays, in order.
_GATES_APART: dict[str, tuple[range, tuple[int, ...]]] = {
    "LSTM": (range(12), (0, 2, 1, 3)),  # there i, c, f, o
    "GRU": (range(9), (0, 1, 2)),  # there z, r, h
}


def _recurrent(kind: str, layer: Any, items: Items) -> Items:
    indices, order = _GATES_APART[kind]
    if len(items) == len(indices):
        parts = [
            np.concatenate([items[3 * gate + part][1] for gate in order], axis=-1)
            for part in range(3)
        ]
        return list(zip(("kernel", "recurrent_kernel", "bias"), parts, strict=True))
    if len(items) != 3:
        return items
    names, (kernel, recurrent, bias) = zip(*items, strict=True)
    if recurrent.ndim != 2 or bias.shape != (2 * recurrent.shape[1],):
        return items
    # Both biases in a row: cuDNN's layout, which has every gate's matrix transposed.
    gates = len(order)
    if kind == "LSTM":
        bias = bias.reshape(2, -1).sum(axis=0)
    elif layer.reset_after:
        bias = bias.reshape(2, -1)
    else:
        raise ValueError(f"reset_after of '{layer.name}' must be True for weights of CuDNNGRU")
    values = (_from_cudnn(kernel, gates), _from_cudnn(recurrent, gates), bias)
    return list(zip(names, values, strict=True))


def _from_cudnn(kernel: Array, gates: int) -> Array:
    """Each block of (inputs, units) holds a matrix (units, inputs), written row by row."""
    blocks = np.split(kernel, gates, axis=1)
    return np.concatenate([b.reshape(b.shape[::-1]).T for b in blocks], axis=1)


def _convolution(layer: Any, kernel: Array) -> Array:
    """Keras 1 kept an axis of size one for the second dimension of an image."""
    size = layer.kernel_size[0]
    if kernel.shape[:2] != (size, 1):  # (filters, inputs, size, 1)
        kernel = kernel.transpose(2, 3, 1, 0)
    return kernel[:, 0]

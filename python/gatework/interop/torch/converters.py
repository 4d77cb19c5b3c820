"""A layer's weights as the parameters of PyTorch's module of the same kind, and back.

PyTorch's matrices are (outputs, inputs), ours (inputs, outputs). Its GRU has the gates reset,
update, candidate where ours are update, reset, candidate, and keeps both biases as ours does with
``reset_after``; its LSTM and RNN have two biases that are only ever added.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...autograd import Array, Variable
from .attention import ATTENTION, BLOCKS, attention_from_torch, attention_to_torch, parts_of

__all__ = ["Slot", "depth_of", "from_torch", "is_recurrent", "to_torch"]

Get = Callable[[str], Array]
Slot = tuple[Variable, Array]

_GATES = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2), "SimpleRNN": (0,)}
_PLAIN: dict[str, dict[str, str]] = {
    "BatchNormalization": {
        "gamma": "weight",
        "beta": "bias",
        "moving_mean": "running_mean",
        "moving_variance": "running_var",
    },
    "Conv1D": {"kernel": "weight", "bias": "bias"},
    "Dense": {"kernel": "weight", "bias": "bias"},
    "Embedding": {"embeddings": "weight"},
    "LayerNormalization": {"gamma": "weight", "beta": "bias"},
}


def is_recurrent(layer: Any) -> bool:
    """Whether PyTorch's module of this kind may have several levels."""
    return type(layer).__name__ in (*_GATES, "Bidirectional")


def depth_of(layer: Any) -> int:
    """How many levels of a module the layer stands for."""
    return int(getattr(layer, "num_layers", 1)) if is_recurrent(layer) else 1


def from_torch(layer: Any, get: Get, level: int = 0) -> list[Slot]:
    """The layer's weights, each with its value.

    Args:
        layer: a built layer.
        get: gives the array of a parameter's name within the module; ValueError if there is none.
        level: the lowest level of the module that belongs to the layer.

    Raises:
        ValueError: for a layer that PyTorch has no module for; the message names it.
    """
    kind = type(layer).__name__
    if kind == "TimeDistributed":
        return from_torch(layer.layer, get, level)
    if kind in ATTENTION:
        return attention_from_torch(layer, get)
    found: list[Slot] = []
    if kind in BLOCKS:
        for part, module in parts_of(layer):
            found += from_torch(part, _within(get, module))
        return found
    if is_recurrent(layer):
        for cell, suffix in _cells(layer, level):
            found += _cell_from_torch(cell, get, suffix)
        return found
    return [(v, _turned(kind, get(name))) for v, name in _parameters(layer)]


def _within(get: Get, module: str) -> Get:
    """What gives the parameters of a module inside the module that ``get`` knows."""
    return lambda name: get(f"{module}.{name}")


def to_torch(layer: Any, level: int = 0) -> dict[str, Array]:
    """The parameters of the module, by name; arguments and errors as in ``from_torch``."""
    kind = type(layer).__name__
    if kind == "TimeDistributed":
        return to_torch(layer.layer, level)
    if kind in ATTENTION:
        return attention_to_torch(layer)
    found: dict[str, Array] = {}
    if kind in BLOCKS:
        for part, module in parts_of(layer):
            found |= {f"{module}.{name}": value for name, value in to_torch(part).items()}
        return found
    if is_recurrent(layer):
        for cell, suffix in _cells(layer, level):
            found |= _cell_to_torch(cell, suffix)
        return found
    return {name: _turned(kind, variable.numpy()) for variable, name in _parameters(layer)}


def _parameters(layer: Any) -> list[tuple[Variable, str]]:
    kind = type(layer).__name__
    if kind not in _PLAIN:
        known = ", ".join([*_GATES, *_PLAIN, ATTENTION[0], *BLOCKS])
        raise ValueError(
            f"layer '{layer.name}' must be of a kind that PyTorch has too ({known}), not {kind}"
        )
    unknown = [v.name for v in layer._own_weights if v.name not in _PLAIN[kind]]
    if unknown:
        raise ValueError(
            f"layer '{layer.name}' must have no weight {unknown[0]!r}: PyTorch has none"
        )
    return [(v, _PLAIN[kind][v.name]) for v in layer._own_weights]


def _turned(kind: str, value: Array) -> Array:
    """Matrices and filters with their axes in the other order; both ways the same."""
    turns = kind in ("Dense", "Conv1D") and value.ndim > 1
    return np.ascontiguousarray(value.T) if turns else value


def _cells(layer: Any, level: int) -> list[tuple[Any, str]]:
    """The cells of a recurrent layer, each with the ending of its parameters."""
    if type(layer).__name__ == "Bidirectional":
        if layer.merge_mode != "concat":
            raise ValueError(
                f"merge_mode of '{layer.name}' must be 'concat' as in PyTorch, "
                f"not {layer.merge_mode!r}"
            )
        forward, backward = layer.forward_layer, layer.backward_layer
        for inner in (forward, backward):
            if depth_of(inner) > 1:
                raise ValueError(
                    f"num_layers of '{inner.name}' must be 1 inside Bidirectional, not "
                    f"{depth_of(inner)}: PyTorch joins the directions after every level"
                )
        back = [(cell, f"{end}_reverse") for cell, end in _cells(backward, level)]
        return [*_cells(forward, level), *back]
    cells = list(getattr(layer.cell, "cells", [layer.cell]))
    for cell in cells:
        _check_cell(layer, cell)
    return [(cell, f"l{level + i}") for i, cell in enumerate(cells)]


def _check_cell(layer: Any, cell: Any) -> None:
    """Refuses what PyTorch's modules do not compute."""
    kind = type(layer).__name__
    wanted = {"activation": ("tanh", "relu") if kind == "SimpleRNN" else ("tanh",)}
    if kind != "SimpleRNN":
        wanted["recurrent_activation"] = ("sigmoid",)
    for argument, known in wanted.items():
        name = getattr(getattr(cell, argument), "__name__", None)
        if name not in known:
            raise ValueError(
                f"{argument} of '{layer.name}' must be {' or '.join(known)} as in PyTorch, "
                f"not {name}"
            )
    for argument in ("activation_clip", "cell_clip"):
        value = getattr(cell, argument, None)
        if value is not None:
            raise ValueError(
                f"{argument} of '{layer.name}' must be None as in PyTorch, not {value}"
            )
    for argument in ("zoneout", "cell_zoneout", "layer_normalization"):
        value = getattr(cell, argument, 0.0)
        if value:
            none = False if value is True else 0
            raise ValueError(
                f"{argument} of '{layer.name}' must be {none} as in PyTorch, not {value}"
            )
    if kind == "GRU" and not cell.reset_after:
        raise ValueError(f"reset_after of '{layer.name}' must be True as in PyTorch, not False")
    known_weights = {"kernel", "recurrent_kernel", "bias", "projection_kernel"}
    for variable in cell._own_weights:
        if variable.name not in known_weights:
            raise ValueError(
                f"'{layer.name}' must have no weight {variable.name!r}: PyTorch has none"
            )


def _reordered(cell: Any, value: Array) -> Array:
    """The rows of all gates in the other side's order; both ways the same."""
    order = _GATES[type(cell).__name__.removesuffix("Cell")]
    blocks = np.split(value, len(order))
    return np.concatenate([blocks[gate] for gate in order])


def _cell_from_torch(cell: Any, get: Get, suffix: str) -> list[Slot]:
    inner = _reordered(cell, get(f"weight_ih_{suffix}")).T
    recurrent = _reordered(cell, get(f"weight_hh_{suffix}")).T
    found = [(cell.kernel, inner), (cell.recurrent_kernel, recurrent)]
    if cell.use_bias:
        biases = [_reordered(cell, get(f"bias_{part}_{suffix}")) for part in ("ih", "hh")]
        gru = type(cell).__name__ == "GRUCell"
        found.append((cell.bias, np.stack(biases) if gru else biases[0] + biases[1]))
    projection = _projection(cell)
    if projection is not None:
        found.append((projection, get(f"weight_hr_{suffix}").T))
    return found


def _cell_to_torch(cell: Any, suffix: str) -> dict[str, Array]:
    found = {
        f"weight_ih_{suffix}": _reordered(cell, cell.kernel.numpy().T),
        f"weight_hh_{suffix}": _reordered(cell, cell.recurrent_kernel.numpy().T),
    }
    if cell.use_bias:
        bias = cell.bias.numpy()
        inner, hidden = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
        found[f"bias_ih_{suffix}"] = _reordered(cell, inner)
        found[f"bias_hh_{suffix}"] = _reordered(cell, hidden)
    projection = _projection(cell)
    if projection is not None:
        found[f"weight_hr_{suffix}"] = np.ascontiguousarray(projection.numpy().T)
    return found


def _projection(cell: Any) -> Variable | None:
    return next((v for v in cell._own_weights if v.name == "projection_kernel"), None)

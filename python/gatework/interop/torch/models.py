"""Whole models: which layer takes which module of a state dict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...autograd import Array
from ...utils.steady_weights import reads_weights
from .attention import roots
from .converters import Slot, depth_of, from_torch, is_recurrent, to_torch
from .files import as_arrays

__all__ = ["load_state_dict", "state_dict"]

Place = str | tuple[str, int]
_LEVEL = re.compile(r"_l(\d+)(_reverse)?$")
_COUNTER = "num_batches_tracked"  # of BatchNorm; nothing here depends on it


def load_state_dict(
    model: Any,
    state: Mapping[str, Any],
    names: Mapping[str, Place] | None = None,
    strict: bool = True,
) -> None:
    """Takes the weights of a built model, or of one layer, from PyTorch's.

    Args:
        model: a model or a layer.
        state: tensors or arrays by name: ``module.state_dict()`` or ``read_state_dict(path)``.
        names: for every layer with weights the name of its module, such as ``{"words":
            "encoder.rnn"}``; for a level above the lowest of a recurrent module a pair ``("rnn",
            1)``. By default layers and modules correspond in the order in which they come, and a
            recurrent module of several levels to as many layers.
        strict: whether every entry of ``state`` must be used.

    Raises:
        ValueError: if the two sides do not correspond, or a shape differs; the message names layer
            and entry, and the model is as before.
    """
    arrays = as_arrays(state)
    used: set[str] = set()
    found: list[Slot] = []
    for layer, prefix, level in _pairs(model, arrays, names):
        found += _values(layer, prefix, level, arrays, used)
    left = [name for name in arrays if name not in used and not name.endswith(_COUNTER)]
    if strict and left:
        raise ValueError(
            f"state must hold nothing but the weights of {model.name} when strict, not {left}"
        )
    for variable, value in found:
        variable.assign(np.ascontiguousarray(value, variable.dtype))


@reads_weights
def state_dict(model: Any, names: Mapping[str, Place] | None = None) -> dict[str, Array]:
    """The weights of a built model, or of one layer, under PyTorch's names and in its layout.

    Args:
        model: a model or a layer.
        names: for layers the names of their modules, as in ``load_state_dict``; by default a
            layer's module has the layer's own name, and a layer alone no name.

    Raises:
        ValueError: for a layer that PyTorch has no module for, or an unknown name in ``names``.
    """
    found: dict[str, Array] = {}
    for layer, (prefix, level) in _placed(model, names, {}):
        for name, value in to_torch(layer, level).items():
            whole = _joined(prefix, name)
            if whole in found:
                raise ValueError(f"names must give every weight a name of its own, not {whole!r}")
            found[whole] = np.ascontiguousarray(value)
    return found


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _layers(model: Any) -> list[Any]:
    """The layers with weights of a model, also those of models within; or the layer itself."""
    inner = getattr(model, "layers", None)
    if inner is None:
        return [model] if model.weights else []
    return [found for layer in inner for found in _layers(layer)]


def _placed(
    model: Any, names: Mapping[str, Place] | None, default: Mapping[str, Place]
) -> Iterator[tuple[Any, tuple[str, int]]]:
    layers = _layers(model)
    if not layers:
        raise ValueError(f"{model.name} must have weights: build it first")
    known = {layer.name for layer in layers}
    for name in names or ():
        if name not in known:
            raise ValueError(
                f"names must be those of layers with weights, {sorted(known)}, not {name!r}"
            )
    for layer in layers:
        own = "" if layer is model else layer.name
        place = (names or {}).get(layer.name, default.get(layer.name, own))
        yield layer, (place, 0) if isinstance(place, str) else (str(place[0]), int(place[1]))


def _pairs(
    model: Any, arrays: Mapping[str, Array], names: Mapping[str, Place] | None
) -> Iterator[tuple[Any, str, int]]:
    """Every layer with its module's name and the lowest of its levels."""
    if names is not None:
        missing = [layer.name for layer in _layers(model) if layer.name not in names]
        if missing:
            raise ValueError(f"names must name every layer with weights, also {missing}")
    default = _in_order(model, arrays) if names is None else {}
    for layer, (prefix, level) in _placed(model, names, default):
        yield layer, prefix, level


def _in_order(model: Any, arrays: Mapping[str, Array]) -> dict[str, Place]:
    """Layers and modules side by side."""
    levels: dict[str, int] = {}
    whole = roots(arrays)
    for name in arrays:
        prefix, _, last = name.rpartition(".")
        prefix = next(
            (r for r in whole if prefix == r or prefix.startswith(_joined(r, ""))), prefix
        )
        match = _LEVEL.search(last)
        levels[prefix] = max(levels.get(prefix, 1), int(match[1]) + 1 if match else 1)
    places: list[tuple[str, int]] = []
    for prefix, count in levels.items():
        places += [(prefix, level) for level in range(count)]
    layers = _layers(model)
    found: dict[str, Place] = {}
    for layer in layers:
        if not places:
            break
        place = places[0]
        taken = places[: depth_of(layer)]
        if any(prefix != place[0] for prefix, _ in taken) or (
            levels[place[0]] > 1 and not is_recurrent(layer)
        ):
            break
        found[layer.name] = place
        places = places[len(taken) :]
    if len(found) != len(layers) or places:
        raise ValueError(
            f"the modules of state, {list(levels)}, must correspond to the layers of {model.name}, "
            f"{[layer.name for layer in layers]}; say how in names"
        )
    return found


def _values(
    layer: Any, prefix: str, level: int, arrays: Mapping[str, Array], used: set[str]
) -> list[Slot]:
    taken: list[str] = []

    def get(name: str) -> Array:
        whole = _joined(prefix, name)
        if whole not in arrays:
            raise ValueError(f"state must hold {whole!r} for layer '{layer.name}'")
        used.add(whole)
        taken.append(whole)
        return arrays[whole]

    found = from_torch(layer, get, level)
    for variable, value in found:
        if variable.shape != value.shape:
            raise ValueError(
                f"weight '{variable.name}' of '{layer.name}' must have shape "
                f"{tuple(variable.shape)}, not {value.shape} as {', '.join(taken)} give it"
            )
    # A module's bias that the layer has no place for must not be dropped unseen.
    for entry in arrays:
        head, _, last = entry.rpartition(".")
        match = _LEVEL.search(last)
        ours = level <= int(match[1]) < level + depth_of(layer) if match else True
        if head == prefix and ours and entry not in used and not entry.endswith(_COUNTER):
            raise ValueError(
                f"layer '{layer.name}' must have a weight for {entry!r}: it has "
                f"{[variable.name for variable, _ in found]}"
            )
    return found

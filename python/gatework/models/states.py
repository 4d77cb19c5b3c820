"""The states that stateful layers carry from batch to batch, seen from a run of the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..preprocessing.batch import unpack_x_y_sample_weight
from ..tree import flatten, map_structure


def stateful_layers(model: Any) -> list[Any]:
    """The layers, however deep, that carry states."""
    return [
        layer
        for layer in model._flatten_layers()
        if getattr(layer, "stateful", False) and hasattr(layer, "reset_states")
    ]


def forget_states_of_other_size(layers: list[Any], data: Any) -> None:
    """Before the first batch of a pass: states left by batches of another size mean nothing to it.

    Within a pass a change of size stays an error of the layer.
    """
    sizes = [leaf.shape[0] for leaf in flatten(unpack_x_y_sample_weight(data)[0])]
    for layer in layers:
        states = flatten(getattr(layer, "states", None))
        if states[0] is not None and states[0].shape[0] != sizes[0]:
            layer.reset_states()


@contextmanager
def kept_states(layers: list[Any]) -> Iterator[None]:
    """Gives the layers their present states back afterwards."""
    held = [
        map_structure(lambda leaf: None if leaf is None else leaf.numpy().copy(), layer.states)
        for layer in layers
    ]
    try:
        yield
    finally:
        for layer, states in zip(layers, held, strict=True):
            layer.reset_states(states)

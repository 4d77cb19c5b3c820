"""Where in a model numbers stop being finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd import as_array, no_recording
from ..tree import flatten


def first_bad(model: Any, x: Any, y: Any = None, sample_weight: Any = None) -> str:
    """A sentence about the first NaN or infinity that a batch meets on its way to the loss."""
    for name, given in (("x", x), ("y", y), ("sample_weight", sample_weight)):
        for leaf in flatten(given):
            place = None if leaf is None else _place(leaf)
            if place is not None:
                return f"{name} holds {place}"
    for layer in model._flatten_layers():
        for variable in layer._own_weights:
            place = _place(variable)
            if place is not None:
                return f"the weight {variable.name!r} of layer {layer.name!r} holds {place}"
    found = _first_bad_output(model, x)
    return found or "every output of a layer is finite: the loss itself is not"


def _place(value: Any) -> str | None:
    """What is not finite in an array, and where; None if all is."""
    array = as_array(value)
    if array.dtype.kind != "f":
        return None
    bad = ~np.isfinite(array)
    if not bad.any():
        return None
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    return f"{array[first]} at {first[0] if len(first) == 1 else first}"


def _first_bad_output(model: Any, x: Any) -> str:
    """Runs the model once more and looks at every layer's outputs as they are made."""
    found: list[str] = []

    def watched(layer: Any) -> Callable[..., Any]:
        call = layer.call

        def watching(*args: Any, **kwargs: Any) -> Any:
            outputs = call(*args, **kwargs)
            for leaf in flatten(outputs):
                place = None if found or leaf is None else _place(leaf)
                if place is not None:
                    kind = type(layer).__name__
                    found.append(f"the output of layer {layer.name!r} ({kind}) holds {place}")
            return outputs

        return watching

    # The innermost layer returns first, so a model around it is not blamed.
    layers = [layer for layer in model._flatten_layers() if "call" not in vars(layer)]
    for layer in layers:
        layer.call = watched(layer)
    try:
        with no_recording():
            model(x, training=False)
    finally:
        for layer in layers:
            del layer.call
    return found[0] if found else ""

"""Whole models and weights in ``.h5`` files, as Keras 1, 2, tf.keras and Keras 3 write them.

The configuration and the arguments of ``compile`` are attributes of the file, weights lie in the
group "model_weights" and the optimizer's state in "optimizer_weights". A file of weights alone has
at its root what "model_weights" has.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._json_text import read_json
from ..layers.allowance import weights_at_most
from .hdf5 import PACKING, SMALL, Budget, find_group, opened, text_attribute
from .legacy_compile import compile_arguments, restore_optimizer
from .legacy_config import major_version, modern_config
from .legacy_weights import own_variables, read_named_arrays, weights_to_assign
from .serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["is_legacy_weights", "load_model_from_h5", "load_legacy_weights", "save_model_to_h5"]

CONFIG, TRAINING, WEIGHTS, OPTIMIZER = (
    "model_config", "training_config", "model_weights", "optimizer_weights",
)  # fmt: skip
MAX_ATTRIBUTE_BYTES = 64_000  # what fits beside the rest in the header of an HDF5 object


def load_model_from_h5(
    data: bytes, source: str, custom_objects: Mapping[str, Any] | None, compile: bool
) -> Any:
    """The model in the bytes of a file.

    Args:
        data: the file's bytes.
        source: its name, for error messages.
        custom_objects: the user's classes and functions by name.
        compile: whether to restore the arguments of ``compile`` and the optimizer's state.

    Raises:
        ValueError: if there is no model, it is damaged, or something in it cannot be honoured.
    """
    from .registry import custom_object_scope

    with opened(data, source) as h5, custom_object_scope(custom_objects or {}):
        text = text_attribute(h5, CONFIG, source)
        if text is None:
            raise ValueError(
                f"{source!r} must hold {CONFIG}; weights alone are read with load_weights"
            )
        version = text_attribute(h5, "keras_version", source)
        config = modern_config(read_json(text.encode(), f"{CONFIG} of {source!r}"), version)
        with weights_at_most(len(data) * PACKING + SMALL):
            model = deserialize_keras_object(config)
        if not hasattr(model, "save_weights"):
            raise ValueError(f"{CONFIG} of {source!r} must describe a model, not {model!r}")
        if not model.built:
            raise ValueError(f"{CONFIG} of {source!r} must give the shape of the model's inputs")
        budget = Budget(data)
        group = _weights_group(h5, source)
        for variable, value in weights_to_assign(model, group, budget, source, False, False):
            variable.assign(value)
        if compile:
            _compile(model, h5, major_version(version), budget, source)
    return model


def _weights_group(h5: Any, source: str) -> Any:
    if "layer_names" in h5.attrs or "layer_names0" in h5.attrs:
        return h5
    group = find_group(h5, WEIGHTS, source)
    if group is None:
        raise ValueError(f"{source!r} must hold a group {WEIGHTS!r}")
    return group


def _compile(model: Any, h5: Any, major: int, budget: Budget, source: str) -> None:
    text = text_attribute(h5, TRAINING, source)
    if text is None:
        return
    config = read_json(text.encode(), f"{TRAINING} of {source!r}")
    try:
        model.compile(**compile_arguments(config))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"{TRAINING} of {source!r} cannot be honoured: {error}; the model itself can be read "
            "with compile=False"
        ) from error
    group = find_group(h5, OPTIMIZER, source)
    if group is None or model.optimizer is None:
        return
    label = f"{OPTIMIZER!r}"
    arrays = list(read_named_arrays(group, budget, label, source).values())
    if not restore_optimizer(model.optimizer, model.trainable_variables, arrays, major):
        warnings.warn(
            f"the optimizer starts anew: its state in {source!r} is in a form of Keras {major} "
            "that has no counterpart here",
            stacklevel=4,
        )


def is_legacy_weights(data: bytes, source: str) -> bool:
    """Whether the bytes are in this layout rather than that of ``.weights.h5``."""
    with opened(data, source) as h5:
        return (
            "layer_names" in h5.attrs
            or "layer_names0" in h5.attrs
            or CONFIG in h5.attrs
            or find_group(h5, WEIGHTS, source) is not None
        )


def load_legacy_weights(
    model: Any, data: bytes, source: str, by_name: bool = False, skip_mismatch: bool = False
) -> None:
    """Reads the weights of a file into a built model; all that fit, or nothing.

    Raises:
        ValueError: if the file is damaged or its weights do not fit; the model is as before.
    """
    with opened(data, source) as h5:
        group = _weights_group(h5, source)
        pairs = weights_to_assign(model, group, Budget(data), source, by_name, skip_mismatch)
        version = text_attribute(group, "keras_version", source)
    if major_version(version) < 3:
        _warn_of_hard_sigmoid(model, source)
    for variable, value in pairs:
        variable.assign(value)


def _warn_of_hard_sigmoid(model: Any, source: str) -> None:
    """The model is the user's own, and the name in it meant another function."""
    for layer in model._flatten_layers():
        for argument in ("activation", "recurrent_activation"):
            function = vars(layer).get(argument)
            if getattr(function, "__name__", None) == "hard_sigmoid":
                warnings.warn(
                    f"{argument} of '{layer.name}' is hard_sigmoid, clip(x / 6 + 0.5, 0, 1); the "
                    f"Keras that wrote {source!r} meant 'hard_sigmoid_keras2' by that name",
                    stacklevel=5,
                )


def save_model_to_h5(model: Any, file: Any, include_optimizer: bool, version: str) -> None:
    """Writes a whole model into a file object, so that Keras 3 reads it.

    Args:
        model: a built model.
        file: a binary file object.
        include_optimizer: whether to write the arguments of ``compile`` and the optimizer's state.
        version: the version of Keras whose form this is.
    """
    import h5py

    config = {"class_name": type(model).__name__, "config": _legacy_form(model.get_config())}
    with h5py.File(file, "w") as h5:
        h5.attrs["backend"] = "tensorflow"
        h5.attrs["keras_version"] = version
        h5.attrs[CONFIG] = json.dumps(config, allow_nan=False)
        group = h5.create_group(WEIGHTS)
        group.attrs["backend"] = "tensorflow"
        group.attrs["keras_version"] = version
        _write_names(group, "layer_names", [layer.name for layer in model.layers])
        for layer in model.layers:
            variables = own_variables(layer)
            _write_arrays(group.create_group(layer.name), variables)
        _write_arrays(group.create_group("top_level_model_weights"), [])
        if include_optimizer and model.compiled and model.optimizer is not None:
            h5.attrs[TRAINING] = json.dumps(_training_config(model), allow_nan=False)
            if model.optimizer.built:
                _write_arrays(h5.create_group(OPTIMIZER), model.optimizer.variables)


def _legacy_form(value: Any) -> Any:
    """Layers as class_name and config alone, as these files have them."""
    if isinstance(value, tuple):
        return [_legacy_form(item) for item in value]
    if isinstance(value, list):
        return [_legacy_form(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _legacy_form(item) for key, item in value.items()}
    return serialize_keras_object(value)


def _training_config(model: Any) -> dict[str, Any]:
    found = dict(model.get_compile_config())
    optimizer = found.pop("optimizer")
    found["optimizer_config"] = {key: optimizer[key] for key in ("class_name", "config")}
    return found


def _write_names(group: Any, attribute: str, names: list[str]) -> None:
    """Names as an attribute, or as several where they are too many for one."""
    data = np.array([name.encode() for name in names] or [], "S" if names else "f8")
    parts = int(np.ceil(data.nbytes / MAX_ATTRIBUTE_BYTES)) or 1
    for place, part in enumerate(np.array_split(data, parts)):
        group.attrs[attribute if parts == 1 else f"{attribute}{place}"] = part


def _write_arrays(group: Any, variables: list[Any]) -> None:
    names: list[str] = []
    for variable in variables:
        name = str(getattr(variable, "path", None) or variable.name)
        while name in names:
            name += "_1"
        names.append(name)
        group.create_dataset(name, data=variable.numpy())
    _write_names(group, "weight_names", names)

"""Configurations of Keras 1, Keras 2 and tf.keras in the words of Keras 3.

Only words are changed here: what a configuration then describes is checked by the class it names,
which refuses, by name, arguments it does not have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import legacy_keras1, registry
from .legacy_graph import modern_graph

__all__ = ["major_version", "modern_config"]

MAX_DEPTH = 50

# Keys that later versions dropped, and the values of them that change nothing (None: any value).
_DROPPED: dict[str, tuple[Any, ...] | None] = {
    "autocast": None,
    "dynamic": (False, None),
    "experimental_autocast": None,
    "fused": None,
    "implementation": None,
    "input_length": None,
    "num_constants": (0, None),
    "ragged": (False, None),
    "renorm": (False, None),
    "renorm_clipping": None,
    "renorm_momentum": None,
    "sparse": (False, None),
    "time_major": (False, None),
    "use_lora": (False, None),
    "virtual_batch_size": (None,),
}
# "axis" is a list of one number in some versions.
_ONE_AXIS = ("BatchNormalization", "LayerNormalization")
_RENAMED: dict[str, dict[str, str]] = {
    "ELU": {},
    "LeakyReLU": {"alpha": "negative_slope"},
}
_CUDNN = {"CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU"}
_ACTIVATIONS = {"hard_sigmoid": "hard_sigmoid_keras2", "softmax_v2": "softmax"}
_MODELS = ("Functional", "Model")


def major_version(keras_version: str | None) -> int:
    """1, 2 or 3 of "2.2.4-tf"; files of the first versions name none.

    Raises:
        ValueError: for anything else.
    """
    if keras_version is None:
        return 1
    major = keras_version.partition(".")[0]
    if major not in ("1", "2", "3"):
        raise ValueError(f"keras_version must be 1, 2 or 3, not {keras_version!r}")
    return int(major)


def modern_config(config: Any, keras_version: str | None) -> dict[str, Any]:
    """The form that ``deserialize_keras_object`` reads of a model in an old file.

    Args:
        config: ``{"class_name": ..., "config": ...}`` as the file has it.
        keras_version: the version that wrote it; None means the first.

    Raises:
        ValueError: for what is no such form, or means something that cannot be honoured.
    """
    return _object(config, major_version(keras_version), 0)


def _object(entry: Any, major: int, depth: int) -> dict[str, Any]:
    if depth > MAX_DEPTH:
        raise ValueError(f"config must be nested at most {MAX_DEPTH} deep, not deeper")
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
        raise ValueError(f"a layer must have a class_name and a config, not {str(entry)[:200]}")
    name, config = entry["class_name"], entry.get("config")
    if registry.find_custom(str(entry.get("registered_name") or name)) is not None:
        return entry  # the user's class knows its own words
    if name == "Sequential":
        return {**entry, "config": _sequential(config, major, depth)}
    if not isinstance(config, dict):
        raise ValueError(f"config of {name} must be a dictionary, not {type(config).__name__}")
    if name in _MODELS and "layers" in config:
        layers = [_node(layer, major, depth) for layer in _list(config["layers"], name)]
        return {
            **entry,
            "class_name": "Functional",
            "config": modern_graph({**config, "layers": layers}),
        }
    if major == 3:
        return entry
    if major == 1:
        name, config = legacy_keras1.translate(name, config)
    name, config = _layer(name, dict(config), major, depth)
    return {**entry, "class_name": name, "config": config}


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"layers of {name} must be a list, not {type(value).__name__}")
    return value


def _node(entry: Any, major: int, depth: int) -> dict[str, Any]:
    found = _object(entry, major, depth + 1)
    inner = found["config"]
    if found["class_name"] != "InputLayer" and isinstance(inner, dict):
        inner.pop("batch_input_shape", None)  # the graph says it
    return found


def _sequential(config: Any, major: int, depth: int) -> dict[str, Any]:
    """The layers of a Sequential, an InputLayer first where a layer gives the shape."""
    whole = {"layers": config} if isinstance(config, list) else config
    if not isinstance(whole, dict):
        raise ValueError(f"config of Sequential must be a list of layers, not {str(config)[:80]}")
    given = _list(whole.get("layers"), "Sequential")
    layers = [_object(layer, major, depth + 1) for layer in given]
    entry = None
    for place, layer in enumerate(layers):
        inner = layer["config"]
        shape = inner.pop("batch_input_shape", None) if isinstance(inner, dict) else None
        if place == 0 and layer["class_name"] != "InputLayer":
            shape = _shape_of_inputs(inner) if shape is None else shape
            if shape is not None:
                entry = {"batch_shape": shape, "name": f"{inner.get('name', 'layer')}_input"}
    if entry is not None:
        layers = [{"class_name": "InputLayer", "config": entry}, *layers]
    return {**whole, "layers": layers}


def _shape_of_inputs(config: Any) -> Any:
    """The shape that a model within a model takes; None for anything else."""
    inner = config.get("layers") if isinstance(config, dict) else None
    first = inner[0] if isinstance(inner, list) and inner else {}
    if not isinstance(first, dict) or first.get("class_name") != "InputLayer":
        return None
    return first["config"].get("batch_shape")


def _layer(name: str, config: dict[str, Any], major: int, depth: int) -> tuple[str, dict[str, Any]]:
    label = f"{name} {config.get('name', '')!r}"
    for key, harmless in _DROPPED.items():
        value = config.pop(key, None)
        if harmless is not None and value not in harmless:
            raise ValueError(f"{key} of {label} must be {harmless[0]}, not {value!r}")
    if name in _CUDNN:
        if name == "CuDNNGRU":
            config["reset_after"] = True
        name = _CUDNN[name]
    elif name in ("GRU", "GRUCell"):
        config.setdefault("reset_after", False)  # what there was before there was the key
    if name == "InputLayer":
        config = _renamed(config, {"batch_input_shape": "batch_shape", "input_dtype": "dtype"})
    config = _renamed(config, _RENAMED.get(name, {}))
    axis = config.get("axis")
    if name in _ONE_AXIS and isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    return name, {key: _value(key, value, major, depth) for key, value in config.items()}


def _renamed(config: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in config.items()}


def _value(key: str, value: Any, major: int, depth: int) -> Any:
    reader = _READERS.get(key)
    if reader is None and key.endswith("initializer"):
        reader = _initializer
    if reader is not None:
        return reader(value)
    if key in ("layer", "backward_layer", "cell", "forward_layer") and isinstance(value, dict):
        return _object(value, major, depth + 1)
    if key == "cells" and isinstance(value, list):
        return [_object(item, major, depth + 1) for item in value]
    return value


def _activation(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("config"), str):
        value = value["config"] if value["config"] in _ACTIVATIONS else value
    return _ACTIVATIONS.get(value, value) if isinstance(value, str) else value


def _initializer(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        inner = {key: item for key, item in value["config"].items() if key != "dtype"}
        return {**value, "config": inner}
    return value


def _dtype(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        return value["config"].get("name", value)
    return value


_READERS: dict[str, Callable[[Any], Any]] = {
    "activation": _activation,
    "recurrent_activation": _activation,
    "dtype": _dtype,
}

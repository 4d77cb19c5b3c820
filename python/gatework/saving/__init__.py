"""Models, weights and configurations in files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .keras_file import load_model, load_weights, save_model, save_weights
from .registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from .serialization import deserialize_keras_object, serialize_keras_object

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "model_from_json",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A model, with new weights, of the configuration that ``model.to_json()`` gave.

    Texts of Keras 1, 2 and tf.keras are understood; they name their version.
    """
    from .._json_text import read_json
    from .legacy_config import modern_config

    config = read_json(json_string.encode(), "json_string")
    with custom_object_scope(custom_objects or {}):
        if isinstance(config, dict) and "keras_version" in config:
            config = modern_config(config, str(config["keras_version"]))
        return deserialize_keras_object(config)

"""What `get`, `serialize` and `deserialize` of initializers, regularizers and constraints share."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from . import _absent
from ._suggest import suggest

__all__ = ["build_object", "find_object", "write_object"]


def find_object(kind: str, known: Mapping[str, Callable[..., Any]], identifier: Any) -> Any:
    """The object that an argument means.

    Args:
        kind: what the objects are, such as "initializer": the subject of the error sentence.
        known: classes (or functions that make objects) by name.
        identifier: None (gives None), a name, a configuration, a class or an object.

    Raises:
        ValueError: for an unknown name, with the nearest known ones, or what cannot be called.
    """
    if identifier is None:
        return None
    found = identifier
    if isinstance(identifier, str):
        found = known.get(identifier) or _registered(identifier)
        if found is None:
            why = _absent.reason(f"{kind}s", identifier)
            hint = f": {why}" if why else suggest(identifier, known)
            raise ValueError(f"{kind} must be the name of one, not {identifier!r}{hint}")
        if identifier in known or inspect.isclass(found):
            found = found()
    elif isinstance(identifier, dict):
        found = build_object(known, identifier)
    elif inspect.isclass(identifier):
        found = identifier()
    if not callable(found):
        number = kind == "regularizer" and isinstance(found, int | float)
        hint = f"; write regularizers.L2({found!r})" if number else ""
        raise ValueError(
            f"{kind} must be a name, a configuration or a callable, not {found!r}{hint}"
        )
    return found


def build_object(
    known: Mapping[str, Callable[..., Any]],
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """The object of a configuration ``{"class_name": ..., "config": ...}``."""
    if isinstance(config, dict) and not (custom_objects or config.get("registered_name")):
        name = config.get("class_name")
        found = known.get(name) if isinstance(name, str) else None
        from_config = getattr(found, "from_config", None)
        if from_config is not None:
            return from_config(dict(config.get("config") or {}))
    from .saving import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects=custom_objects)


def write_object(topic: str, known: Mapping[str, Callable[..., Any]], value: Any) -> Any:
    """The configuration of an object; None for None.

    Args:
        topic: the module of the known classes, such as "initializers": part of Keras' path.
        known: classes by name.
        value: the object.
    """
    if value is None:
        return None
    name = type(value).__name__
    if known.get(name) is type(value):
        return {
            "module": f"keras.{topic}",
            "class_name": name,
            "config": value.get_config(),
            "registered_name": None,
        }
    from .saving import serialize_keras_object

    return serialize_keras_object(value)


def _registered(name: str) -> Any:
    """What the user registered under a name, or None."""
    from .saving import get_registered_object

    return get_registered_object(name)

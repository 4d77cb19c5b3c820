"""Objects as JSON and back, in Keras 3's form.

{"module": "keras.layers", "class_name": "LSTM", "config": {...}, "registered_name": null}
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _absent
from .._suggest import suggest
from ..autograd import Tensor
from . import registry

__all__ = ["deserialize_keras_object", "serialize_keras_object"]

MAX_DEPTH = 100
# What would run code that a file brings along, or reach out of it.
_EXECUTABLE = frozenset(
    {"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"}
)

# What a class may raise, beside ValueError, for a configuration of other types than it writes.
_WRONG = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError,
    RecursionError, TypeError,
)  # fmt: skip


def serialize_keras_object(obj: Any) -> Any:
    """The form of an object that JSON can hold: numbers, strings, lists and dicts stay as they are.

    Raises:
        TypeError: for what has no such form.
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, dict):
        return {str(key): serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, (list, tuple)):
        values = [serialize_keras_object(value) for value in obj]
        return tuple(values) if isinstance(obj, tuple) else values  # JSON makes both lists
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, (Tensor, np.ndarray)):
        array = np.asarray(obj)
        kind = "__tensor__" if isinstance(obj, Tensor) else "__numpy__"
        return {"class_name": kind, "config": {"value": array.tolist(), "dtype": array.dtype.name}}
    if isinstance(obj, np.dtype):
        return obj.name
    if isinstance(obj, slice):
        ends = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return {"class_name": "__slice__", "config": serialize_keras_object(ends)}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if inspect.isfunction(obj) or inspect.isclass(obj):
        return _serialize_function(obj)
    if hasattr(obj, "get_config"):
        return _serialize_instance(obj)
    raise TypeError(f"{obj!r} cannot be written to a file: it has no get_config()")


def _serialize_function(function: Any) -> dict[str, Any]:
    if function.__name__ == "<lambda>":
        raise TypeError("a lambda cannot be written to a file: define and register a function")
    module = registry.module_of(function)
    label = registry.get_registered_name(function)
    return {
        "module": module or "builtins",
        "class_name": "function" if not inspect.isclass(function) else function.__name__,
        "config": function.__name__,
        "registered_name": label if module is None else function.__name__,
    }


def _serialize_instance(obj: Any) -> dict[str, Any]:
    cls = type(obj)
    # Classes that Keras does not export are named by the module that holds them.
    inner = vars(cls).get("_keras_module")
    module = inner or registry.module_of(cls)
    label = vars(cls).get("_keras_label") or registry.get_registered_name(cls)
    found: dict[str, Any] = {
        "module": module or cls.__module__,
        "class_name": vars(cls).get("_keras_name", cls.__name__),
        "config": _plain(obj.get_config()),
        "registered_name": None if module and not inner else label,
    }
    if hasattr(obj, "get_build_config"):
        built = obj.get_build_config()
        if built is not None:
            found["build_config"] = _plain(built)
    if hasattr(obj, "get_compile_config") and getattr(obj, "compiled", False):
        compiled = obj.get_compile_config()
        if compiled:
            found["compile_config"] = compiled
    return found


def _plain(value: Any) -> Any:
    """A configuration with tuples as lists, as Keras writes shapes."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return serialize_keras_object(value)


def deserialize_keras_object(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
    **unused: Any,
) -> Any:
    """The object of a form that ``serialize_keras_object`` (or Keras 3) wrote.

    Args:
        config: the form.
        custom_objects: classes and functions by name, beside the registered ones.
        safe_mode: accepted; code in a file is never run, whatever it says.

    Raises:
        ValueError: for an unknown class, code, or a configuration that its class refuses; the
            message names it.
    """
    with registry.custom_object_scope(custom_objects or {}):
        return _read(config, 0)


def _read(config: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"config must be nested at most {MAX_DEPTH} deep, not deeper")
    if config is None or isinstance(config, (bool, int, str)):
        return config
    if isinstance(config, float):
        if not math.isfinite(config):
            raise ValueError(f"config must hold finite numbers, not {config}")
        return config
    if isinstance(config, (list, tuple)):
        return [_read(item, depth + 1) for item in config]
    if not isinstance(config, dict):
        return config  # an object already
    if "class_name" not in config or "config" not in config:
        return {key: _read(value, depth + 1) for key, value in config.items()}
    name, inner = config["class_name"], config["config"]
    if not isinstance(name, str):
        raise ValueError(f"class_name must be a string, not {name!r}")
    if name in _EXECUTABLE:
        raise ValueError(f"class {name!r} is refused: it would run code from the file")
    if name == "__tuple__":  # as files of older Keras 3 have it
        return tuple(_read(item, depth + 1) for item in _entry(inner, "value"))
    if name == "__slice__":
        return slice(*(_read(_entry(inner, key), depth + 1) for key in ("start", "stop", "step")))
    if name == "__ellipsis__":
        return Ellipsis
    if name in ("__numpy__", "__tensor__"):
        array = np.array(_entry(inner, "value"), np.dtype(_dtype(_entry(inner, "dtype"))))
        return array if name == "__numpy__" else Tensor(array)
    if name in ("DTypePolicy", "Policy"):
        return _entry(inner, "name")
    found = _find(config, name, inner)
    if isinstance(inner, str) or not inspect.isclass(found):
        return found
    if not isinstance(inner, dict):
        raise ValueError(f"config of {name} must be a dictionary, not {type(inner).__name__}")
    return _make(found, name, inner, config)


def _entry(inner: Any, key: str) -> Any:
    if not isinstance(inner, dict) or key not in inner:
        raise ValueError(f"config must have an entry {key!r}, not {inner!r}")
    return inner[key]


def _dtype(name: Any) -> str:
    known = ("float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
    if name not in known:
        raise ValueError(f"dtype must be one of {', '.join(known)}, not {name!r}")
    return str(name)


def _find(config: dict[str, Any], name: str, inner: Any) -> Any:
    """The class or function named, the user's before the package's."""
    wanted = inner if name == "function" and isinstance(inner, str) else name
    label = config.get("registered_name")
    for candidate in (label, wanted):
        if isinstance(candidate, str):
            found = registry.find_custom(candidate)
            if found is not None:
                return found
    found = registry.find_builtin(config.get("module"), str(wanted))
    if found is None and isinstance(config.get("module"), str) and name == "function":
        found = registry.find_builtin("builtins", str(wanted))
    if found is None:
        why = _absent.reason(registry.topic_of(config.get("module")) or "layers", str(wanted))
        if why is not None:
            raise ValueError(f"class {config.get('module')}.{wanted} is not here: {why}")
        known = {n for topic in registry.TOPICS.values() for n in registry.names_of(topic)}
        raise ValueError(
            f"class {config.get('module')}.{wanted} must be one of the package or registered with "
            f"register_keras_serializable or custom_objects{suggest(str(wanted), known)}"
        )
    return found


def _make(cls: Any, name: str, inner: dict[str, Any], config: dict[str, Any]) -> Any:
    label = inner.get("name", name)
    try:
        instance = cls.from_config(dict(inner)) if hasattr(cls, "from_config") else cls(**inner)
    except (ValueError, *_WRONG) as error:
        raise ValueError(f"{name} {label!r} cannot be made from its config: {error}") from error
    built = config.get("build_config")
    if built and hasattr(instance, "build_from_config") and not getattr(instance, "built", False):
        try:
            instance.build_from_config(dict(built))
        except (ValueError, *_WRONG) as error:
            message = f"{name} {label!r} cannot be built from its config: {error}"
            raise ValueError(message) from error
    compiled = config.get("compile_config")
    if compiled and hasattr(instance, "compile_from_config"):
        try:
            instance.compile_from_config(dict(compiled))
        except (ValueError, *_WRONG) as error:
            message = f"{name} {label!r} cannot be compiled from its config: {error}"
            raise ValueError(message) from error
    return instance

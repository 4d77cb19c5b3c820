"""Which classes and functions a file may name: those of the package, and those users registered.

The table is closed. Nothing is ever imported because a file says so.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

__all__ = [
    "CustomObjectScope",
    "TOPICS",
    "custom_object_scope",
    "find_builtin",
    "find_custom",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "module_of",
    "register_keras_serializable",
    "topic_of",
]

T = TypeVar("T")

# Keras' public modules and where the package keeps the same names.
TOPICS = {
    "keras": "models",
    "keras.models": "models",
    "keras.layers": "layers",
    "keras.initializers": "initializers",
    "keras.regularizers": "regularizers",
    "keras.constraints": "constraints",
    "keras.activations": "activations",
    "keras.losses": "losses",
    "keras.metrics": "metrics",
    "keras.optimizers": "optimizers",
    "keras.optimizers.schedules": "optimizers.schedules",
}

_registered: dict[str, Any] = {}
_names: dict[int, str] = {}


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.stack: list[Mapping[str, Any]] = []


_scopes = _Scopes()


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Decorator: lets files name a class (with ``get_config``) or a function.

    Args:
        package: first part of the name in the file.
        name: second part; the object's own name by default.
    """

    def register(thing: T) -> T:
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ValueError(f"{thing.__name__} must have get_config() to be registered")
        label = f"{package}>{name or thing.__name__}"  # type: ignore[attr-defined]
        _registered[label] = thing
        _names[id(thing)] = label
        return thing

    return register


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function was registered, else its own."""
    return _names.get(id(obj)) or str(obj.__name__)


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Any = None
) -> Any:
    """What was registered, or is in scope, under a name; None if nothing is."""
    return find_custom(name, custom_objects) or (module_objects or {}).get(name)


def get_custom_objects() -> dict[str, Any]:
    """The registered objects by name."""
    return _registered


@contextlib.contextmanager
def custom_object_scope(custom_objects: Mapping[str, Any]) -> Iterator[None]:
    """Lets files read inside the block name these objects."""
    _scopes.stack.append(dict(custom_objects))
    try:
        yield
    finally:
        _scopes.stack.pop()


CustomObjectScope = custom_object_scope


def find_custom(name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A user's object by its name, with or without its package; None if there is none."""
    for scope in (custom_objects or {}, *reversed(_scopes.stack), _registered):
        if name in scope:
            return scope[name]
    short = name.rpartition(">")[2]
    for scope in (custom_objects or {}, *reversed(_scopes.stack)):
        if short in scope:
            return scope[short]
    return _registered.get(f"Custom>{name}")


def topic_of(module: Any) -> str | None:
    """The package's module for a module named in a file; None for one that is not ours."""
    if not isinstance(module, str):
        return None
    for prefix in ("gatework", "tf_keras", "tensorflow.keras"):
        if module == prefix or module.startswith(prefix + "."):
            module = "keras" + module[len(prefix) :]
    if module.startswith(("keras_hub.layers", "keras_hub.src.layers.")):
        return "layers"
    if module in TOPICS:
        return TOPICS[module]
    # On PyTorch, Keras names some optimizers by the classes behind them:
    # keras.src.backend.torch.optimizers.torch_adam.
    parts = module.removeprefix("keras.src.").removeprefix("backend.torch.").split(".")
    if module.startswith("keras.src."):
        for size in (2, 1):
            public = ".".join(["keras", *parts[:size]])
            if public in TOPICS:
                return TOPICS[public]
    return None


def names_of(topic: str) -> dict[str, Any]:
    """The public classes and functions of one of the package's modules."""
    module = importlib.import_module(f"gatework.{topic}")
    skip = {"get", "serialize", "deserialize", "load_model", "save_model", "model_from_json"}
    found = {}
    for name in getattr(module, "__all__", ()):
        thing = getattr(module, name)
        if name not in skip and (inspect.isclass(thing) or inspect.isfunction(thing)):
            found[name] = thing
    return found


def find_builtin(module: str | None, name: str) -> Any:
    """The package's class or function that a file means; None if there is none."""
    if isinstance(module, str) and module.startswith("keras.src.ops."):
        from ..layers.operation import OPERATIONS

        return OPERATIONS.get(name)
    if module in (None, "", "builtins"):
        topics = list(dict.fromkeys(TOPICS.values()))
    else:
        topic = topic_of(module)
        if topic is None:
            return None
        topics = [topic]
    for topic in topics:
        found = names_of(topic).get(name)
        if found is not None:
            return found
    return None


def module_of(thing: Any) -> str | None:
    """Keras' module string for a class or function of the package; None for a user's."""
    parts = str(getattr(thing, "__module__", "")).split(".")
    if parts[0] != "gatework":
        return None
    for public, topic in TOPICS.items():
        if public == "keras.models":
            continue
        if parts[1 : 1 + len(topic.split("."))] == topic.split(".") and (
            topic != "optimizers" or "schedules" not in parts
        ):
            return public
    return "keras.activations" if parts[1] == "ops" else None

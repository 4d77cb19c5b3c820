"""Every public name of Keras' modules, and how its signature compares with ours."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

TOPICS = (
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "optimizers.schedules",
    "callbacks",
    "utils",
    "initializers",
    "regularizers",
    "constraints",
    "activations",
)
REQUIRED = inspect.Parameter.empty
# What Keras takes through **kwargs of the base class, so that no signature shows it.
PLUMBING = {"args", "kwargs", "legacy"}


def module(library: str, topic: str) -> ModuleType:
    return importlib.import_module(f"{library}.{topic}")


def public_names(topic: str) -> list[str]:
    """The classes and functions of a topic, submodules left out."""
    theirs = module("keras", topic)
    return [
        name
        for name in sorted(dir(theirs))
        if name[0] != "_" and not inspect.ismodule(getattr(theirs, name))
    ]


def parameters(thing: Any) -> dict[str, Any]:
    """Argument and default, in order; for a class those of its constructor."""
    called = thing.__init__ if inspect.isclass(thing) else thing
    if called is object.__init__:
        return {}
    found = dict(inspect.signature(called).parameters)
    if inspect.isclass(thing):
        found.pop("self", None)
    return {
        name: p.default
        for name, p in found.items()
        if name not in PLUMBING and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    }


def accepted(thing: Any) -> set[str]:
    """Every argument a call may name, those of the base classes' constructors included."""
    known = set(parameters(thing))
    if inspect.isclass(thing):
        for base in thing.__mro__[1:]:
            if "__init__" in vars(base) and base is not object:
                known |= set(parameters(base))
    return known


def signature_differences(theirs: Any, ours: Any) -> Iterator[str]:
    """Sentences: arguments that miss, defaults and positions that differ."""
    asked, given, known = parameters(theirs), parameters(ours), accepted(ours)
    missing = [name for name in asked if name not in known]
    if missing:
        yield "without " + ", ".join(f"`{name}`" for name in missing)
    for name, default in asked.items():
        if name in given and not same_default(default, given[name]):
            yield f"`{name}={shown(given[name])}`, there `{shown(default)}`"
    # By position: what can be written without a name must mean the same.
    common = [name for name in asked if name in given]
    if common != [name for name in given if name in asked]:
        yield "arguments in another order"


def additions(theirs: Any, ours: Any) -> list[str]:
    """Arguments that Keras' signature does not have."""
    return [name for name in parameters(ours) if name not in accepted(theirs)]


def same_default(a: Any, b: Any) -> bool:
    # A default where Keras wants to be told is no difference to who tells.
    if a is REQUIRED or b is REQUIRED:
        return a is REQUIRED
    plain = (int, float, str, tuple, list, type(None))
    if isinstance(a, plain) and isinstance(b, plain):
        return a == b or _folded(a) == _folded(b)
    return type(a).__name__ == type(b).__name__


def _folded(value: Any) -> str:
    """'Zeros' and 'zeros' name the same."""
    return str(value).lower() if isinstance(value, str) else repr(value)


def shown(default: Any) -> str:
    return "no default" if default is REQUIRED else repr(default)

"""The end of an error sentence: which known names come nearest to a misspelt one."""

from __future__ import annotations

import difflib
import functools
import inspect
import itertools
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def suggest(name: str, known: Iterable[str]) -> str:
    """Returns "; nearest: 'a', 'b'", or "; known: ..." when nothing is near."""
    folded = _folded(name, known)
    return _nearest(name, folded) or "; known: " + ", ".join(map(repr, sorted(folded.values())))


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns "; nearest: 'a', 'b'", or nothing when nothing is near."""
    return _nearest(name, _folded(name, known))


def named_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, whose error for an argument that it has not names the nearest."""
    code = getattr(function, "__code__", None)
    if code is None or code.co_flags & inspect.CO_VARKEYWORDS:
        return function
    known = frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in kwargs.keys() - known:
            asked = function.__name__ if function.__name__ != "__init__" else type(args[0]).__name__
            hint = suggest(name, known - {"self"})
            raise TypeError(f"{asked} has no argument '{name}'{hint}")
        return function(*args, **kwargs)

    return checked


class NamedArguments:
    """A base class: its subclasses' constructors name the argument that was meant."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = named_arguments(vars(cls)["__init__"])  # type: ignore[method-assign]


def constructor_arguments(cls: type, up_to: type) -> list[str]:
    """Names of the constructor's arguments, those of the classes before ``up_to`` together."""
    names: dict[str, None] = {}
    for base in itertools.takewhile(lambda base: base is not up_to, cls.__mro__):
        if "__init__" not in vars(base):
            continue
        for parameter in inspect.signature(base.__init__).parameters.values():  # type: ignore[misc]
            if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                names[parameter.name] = None
    names.pop("self", None)
    return list(names)


def _folded(name: str, known: Iterable[str]) -> dict[str, str]:
    # Of two spellings of one name the one in the style of the question is shown.
    names = sorted(set(known), key=lambda other: (other.islower() != name.islower(), other))
    folded: dict[str, str] = {}
    for candidate in names:
        folded.setdefault(_fold(candidate), candidate)
    return folded


def _nearest(name: str, folded: dict[str, str]) -> str:
    near = difflib.get_close_matches(_fold(name), list(folded), n=3, cutoff=0.6)
    return "; nearest: " + ", ".join(repr(folded[key]) for key in near) if near else ""


def _fold(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")

"""What calls of layers know of each other, and what a layer's methods take."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import tree
from ..autograd import Tensor, as_tensor
from .shapes import shape_of
from .symbolic import KerasTensor

__all__ = [
    "CallSignature",
    "accepted",
    "call_signature",
    "context",
    "fill_masks",
    "given_to",
    "has_symbolic",
    "known_signatures",
    "mask_of",
    "shapes_for",
    "simple_arguments",
    "to_tensors",
]


class _CallContext(threading.local):
    """What the call of the layer around this one decided, on this thread."""

    training: bool | None = None  # None outside of any call


context = _CallContext()


class CallSignature:
    """Which optional arguments a class's ``call`` takes."""

    __slots__ = ("call", "first", "mask", "masks", "names", "training", "training_default")

    def __init__(self, cls: type) -> None:
        self.call = cls.call  # type: ignore[attr-defined]
        parameters = inspect.signature(self.call).parameters
        self.names = names = [name for name in parameters if name != "self"]
        self.first = names[0] if names else "inputs"
        self.mask = "mask" in parameters
        # Arguments that have a mask of their own: "query" beside "query_mask".
        self.masks = [name for name in names if f"{name}_mask" in parameters]
        self.training = "training" in parameters
        default = parameters["training"].default if self.training else None
        self.training_default = default is True


known_signatures: dict[Any, CallSignature] = {}


def call_signature(cls: type) -> CallSignature:
    """The signature of a layer class's ``call``, looked up once per class."""
    known = known_signatures.get(cls)
    if known is None or known.call is not cls.call:  # type: ignore[attr-defined]
        known = known_signatures[cls] = CallSignature(cls)
    return known


def has_symbolic(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """True when a layer was called on shapes, not on values."""
    if isinstance(args[0], Tensor | np.ndarray):
        return False
    return any(isinstance(leaf, KerasTensor) for leaf in tree.flatten([args, kwargs]))


def to_tensors(x: Any) -> Any:
    """Tensors of arrays, of numbers, or of each array in a structure."""
    if isinstance(x, Tensor):
        return x
    if isinstance(x, list | tuple | dict) and any(
        isinstance(leaf, Tensor | np.ndarray) for leaf in tree.flatten(x)
    ):
        return tree.map_structure(lambda leaf: None if leaf is None else as_tensor(leaf), x)
    return as_tensor(x)


def mask_of(inputs: Any) -> Any:
    """The mask that inputs carry: one, or a list of them for a structure; None without any."""
    if isinstance(inputs, Tensor):
        return inputs._keras_mask
    masks = [getattr(leaf, "_keras_mask", None) for leaf in tree.flatten(inputs)]
    return masks if any(mask is not None for mask in masks) else None


def given_to(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What a call of a layer class was given, by the names of its arguments."""
    return {**kwargs, **dict(zip(call_signature(cls).names, args, strict=False))}


def fill_masks(signature: CallSignature, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Adds to ``kwargs`` the mask that each argument carries, where none was given for it."""
    given = {**kwargs, **dict(zip(signature.names, args, strict=False))}
    for name in signature.masks:
        if given.get(f"{name}_mask") is None and given.get(name) is not None:
            found = mask_of(given[name])
            if found is not None:
                kwargs[f"{name}_mask"] = found


def shapes_for(
    method: Callable[..., Any], cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> list[Any]:
    """The shapes to give to ``build`` or ``compute_output_shape`` of a layer.

    The first is that of the first argument of the call. Further parameters, named after further
    arguments of ``call`` ("value_shape" after "value"), get the shapes of these; None without.
    """
    shapes = [shape_of(args[0])]
    if len(args) == 1 and not kwargs:
        return shapes
    others = [
        parameter
        for parameter in inspect.signature(method).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ][1:]
    names = [name for name in inspect.signature(cls.call).parameters if name != "self"]  # type: ignore[attr-defined]
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    for parameter in others:
        value = given.get(parameter.name.removesuffix("_shape"))
        holds = any(hasattr(leaf, "shape") for leaf in tree.flatten(value))
        shapes.append(shape_of(value) if holds else None)
    # Methods that ask for shapes of arguments which were not given have defaults for them.
    while shapes[-1] is None and others[len(shapes) - 2].default is not inspect.Parameter.empty:
        shapes.pop()
    return shapes


def simple_arguments(
    cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any] | None:
    """What a constructor was called with, by name; None if some of it is no number or text."""
    try:
        bound = inspect.signature(cls.__init__).bind(None, *args, **kwargs)  # type: ignore[misc]
    except TypeError:
        return None  # the constructor will say what is wrong
    found: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            found.update(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL:
            found[name] = value
    simple = all(
        leaf is None or isinstance(leaf, str | int | float) for leaf in tree.flatten(found)
    )
    return found if simple else None


def accepted(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """The part of a configuration that the constructor takes."""
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return config
    return {name: value for name, value in config.items() if name in parameters}

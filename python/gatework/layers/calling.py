"""What calls of layers know of each other, and what a layer's methods take."""

from __future__ import annotations

import inspect
import itertools
import threading
from typing import Any

import numpy as np

from .. import tree
from ..autograd import Tensor, as_tensor
from .symbolic import KerasTensor

__all__ = [
    "CallSignature",
    "call_signature",
    "constructor_arguments",
    "context",
    "has_symbolic",
    "mask_of",
    "to_tensors",
]


class _CallContext(threading.local):
    """What the call of the layer around this one decided, on this thread."""

    training: bool | None = None  # None outside of any call


context = _CallContext()


class CallSignature:
    """Which optional arguments a class's ``call`` takes."""

    __slots__ = ("call", "first", "mask", "training", "training_default")

    def __init__(self, cls: type) -> None:
        self.call = cls.call  # type: ignore[attr-defined]
        parameters = inspect.signature(self.call).parameters
        names = [name for name in parameters if name != "self"]
        self.first = names[0] if names else "inputs"
        self.mask = "mask" in parameters
        self.training = "training" in parameters
        default = parameters["training"].default if self.training else None
        self.training_default = default is True


_signatures: dict[Any, CallSignature] = {}


def call_signature(cls: type) -> CallSignature:
    """The signature of a layer class's ``call``, looked up once per class."""
    known = _signatures.get(cls)
    if known is None or known.call is not cls.call:  # type: ignore[attr-defined]
        known = _signatures[cls] = CallSignature(cls)
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


def constructor_arguments(cls: type, up_to: type) -> list[str]:
    """Names of the constructor's arguments, those of the classes before ``up_to`` together."""
    names: dict[str, None] = {}
    for base in itertools.takewhile(lambda base: base is not up_to, cls.__mro__):
        for parameter in inspect.signature(base.__init__).parameters.values():  # type: ignore[misc]
            if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
                names[parameter.name] = None
    names.pop("self", None)
    return list(names)

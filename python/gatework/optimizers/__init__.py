"""Optimizers with Keras' names, and `get`."""

from __future__ import annotations

import inspect
from typing import Any

from .. import _absent
from .._suggest import suggest
from . import schedules
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .base import Optimizer
from .ftrl import Ftrl
from .lamb import Lamb
from .lion import Lion
from .loss_scale import LossScaleOptimizer
from .muon import Muon
from .nadam import Nadam
from .rmsprop import RMSprop
from .schedule_free import ScheduleFreeAdamW
from .sgd import SGD

CLASSES: dict[str, type[Optimizer]] = {
    cls.__name__: cls
    for cls in (
        Optimizer,
        Adadelta,
        Adafactor,
        Adagrad,
        Adam,
        AdamW,
        Adamax,
        Ftrl,
        Lamb,
        Lion,
        LossScaleOptimizer,
        Muon,
        Nadam,
        RMSprop,
        SGD,
        ScheduleFreeAdamW,
    )
}
_BY_NAME = {name.lower(): cls for name, cls in CLASSES.items() if cls is not Optimizer}


def get(identifier: Any) -> Any:
    """Returns the optimizer that `identifier` names.

    Args:
        identifier: None (gives None), a name in any case such as "adam", a class, a config
            dictionary, or an `Optimizer`.

    Raises:
        ValueError: for an unknown name; the message lists the nearest known ones.
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        cls = _BY_NAME.get(identifier.lower())
        if cls is None:
            hint = suggest(identifier, _BY_NAME)
            raise ValueError(f"optimizer must be the name of one, not {identifier!r}{hint}")
        return cls()
    if isinstance(identifier, dict):
        found = deserialize(identifier)
        if isinstance(found, Optimizer):
            return found
    if inspect.isclass(identifier) and issubclass(identifier, Optimizer):
        return identifier()
    raise ValueError(f"optimizer must be a name or an Optimizer, not {identifier!r}")


def __getattr__(name: str) -> Any:
    """Says of Keras' other optimizers why they are not here."""
    _absent.refuse("optimizers", name)


def serialize(optimizer: Optimizer) -> Any:
    """Returns the config of an optimizer."""
    from ..saving import serialize_keras_object

    return serialize_keras_object(optimizer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Rebuilds what `serialize` returned; the class name may be in any case."""
    name = config.get("class_name")
    cls = _BY_NAME.get(name.lower()) if isinstance(name, str) else None
    if cls is not None and name not in (custom_objects or {}):
        return cls.from_config(dict(config.get("config") or {}), custom_objects)
    from ..saving import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects=custom_objects)


__all__ = [
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

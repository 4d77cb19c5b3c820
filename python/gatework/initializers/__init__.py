"""First values of weights, under Keras' names.

An initializer is called with a shape and gives a Tensor. Random ones draw from Philox; with an
integer seed every call gives the same values, without one every call draws anew from the global
stream (see ``gatework.random``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _lookup
from ..autograd import Array, Tensor, as_array
from .base import Initializer, Shape
from .constant import Constant, Identity, Ones, Zeros
from .distributions import Orthogonal, RandomNormal, RandomUniform, TruncatedNormal
from .scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
    compute_fans,
)

CLASSES: dict[str, type[Initializer]] = {
    cls.__name__: cls
    for cls in (
        Initializer,
        Constant,
        GlorotNormal,
        GlorotUniform,
        HeNormal,
        HeUniform,
        Identity,
        LecunNormal,
        LecunUniform,
        Ones,
        Orthogonal,
        RandomNormal,
        RandomUniform,
        TruncatedNormal,
        VarianceScaling,
        Zeros,
    )
}

constant, zeros, ones, identity = Constant, Zeros, Ones, Identity
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal
orthogonal, variance_scaling = Orthogonal, VarianceScaling
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal

# The names in snake case, Keras' short names, and those that files of tf.keras 2 carry.
ALIASES: dict[str, type[Initializer]] = {
    "constant": Constant,
    "eye": Identity,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
    "identity": Identity,
    "IdentityInitializer": Identity,
    "lecun_normal": LecunNormal,
    "lecun_uniform": LecunUniform,
    "normal": RandomNormal,
    "one": Ones,
    "ones": Ones,
    "orthogonal": Orthogonal,
    "OrthogonalInitializer": Orthogonal,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "truncated_normal": TruncatedNormal,
    "uniform": RandomUniform,
    "variance_scaling": VarianceScaling,
    "zero": Zeros,
    "zeros": Zeros,
}
_KNOWN = {**CLASSES, **ALIASES}


def get(identifier: Any) -> Any:
    """Returns the initializer that `identifier` names.

    Args:
        identifier: None (gives None), a name such as "glorot_uniform" or "GlorotUniform", a
            configuration, a class, a callable ``(shape, dtype=None)``, or an array of the values.

    Raises:
        ValueError: for an unknown name; the message lists the nearest known ones.
    """
    if isinstance(identifier, Tensor | np.ndarray | np.generic):
        return _given_values(as_array(identifier))
    return _lookup.find_object("initializer", _KNOWN, identifier)


def _given_values(values: Array) -> Callable[..., Array]:
    def initialize(shape: Shape, dtype: Any = None) -> Array:
        if tuple(shape) != values.shape:
            raise ValueError(f"shape must be that of the values, {values.shape}, not {shape}")
        return as_array(values, dtype)

    return initialize


def serialize(initializer: Any) -> Any:
    """Returns the configuration of an initializer; None for None."""
    return _lookup.write_object("initializers", CLASSES, initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Rebuilds what `serialize` returned."""
    return _lookup.build_object(_KNOWN, config, custom_objects)


__all__ = [
    *CLASSES,
    "IdentityInitializer",
    "OrthogonalInitializer",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

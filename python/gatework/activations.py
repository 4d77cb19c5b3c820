"""Activation functions under Keras' names: those of ``gatework.ops``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import ops
from ._suggest import suggest
from .autograd import Tensor
from .ops import (
    celu,
    elu,
    exponential,
    gelu_tanh,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_sigmoid_keras2,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """x * Φ(x) with Φ the normal distribution (Hendrycks & Gimpel 2016), or its tanh form.

    Exact where nothing is said, as in Keras, whose ``ops.gelu`` is not.
    """
    return ops.gelu(x, approximate)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        celu,
        elu,
        exponential,
        gelu,
        gelu_tanh,
        glu,
        hard_shrink,
        hard_sigmoid,
        hard_sigmoid_keras2,
        hard_silu,
        hard_tanh,
        leaky_relu,
        linear,
        log_sigmoid,
        log_softmax,
        mish,
        relu,
        relu6,
        selu,
        sigmoid,
        silu,
        soft_shrink,
        softmax,
        softplus,
        softsign,
        sparse_plus,
        sparse_sigmoid,
        sparsemax,
        squareplus,
        tanh,
        tanh_shrink,
        threshold,
    )
}
ALIASES: dict[str, Callable[..., Any]] = {"hard_swish": hard_silu, "swish": silu}
swish, hard_swish = silu, hard_silu


def get(identifier: Any) -> Callable[..., Any]:
    """Returns the activation that `identifier` names.

    Args:
        identifier: None (gives ``linear``), a name such as "tanh", a configuration, or a callable
            of one tensor.

    Raises:
        ValueError: for an unknown name; the message lists the nearest known ones.
    """
    if identifier is None:
        return linear
    found = identifier
    if isinstance(identifier, str):
        found = FUNCTIONS.get(identifier) or ALIASES.get(identifier) or _registered(identifier)
        if found is None:
            hint = suggest(identifier, [*FUNCTIONS, *ALIASES])
            raise ValueError(f"activation must be the name of one, not {identifier!r}{hint}")
    elif isinstance(identifier, dict):
        found = deserialize(identifier)
    if not callable(found):
        raise ValueError(f"activation must be a name or a callable, not {identifier!r}")
    return found  # type: ignore[no-any-return]


def _registered(name: str) -> Any:
    """What the user registered under a name, or None."""
    from .saving import get_registered_object

    return get_registered_object(name)


def serialize(activation: Any) -> Any:
    """Returns the name of an activation of this module, and the configuration of any other."""
    name = getattr(activation, "__name__", None)
    if name is not None and FUNCTIONS.get(name) is activation:
        return name
    from .saving import serialize_keras_object

    return serialize_keras_object(activation)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Rebuilds what `serialize` returned."""
    if config is None:
        return None
    if isinstance(config, str) and config not in (custom_objects or {}):
        return get(config)
    if isinstance(config, dict) and config.get("module") in ("builtins", "keras.activations"):
        # Keras writes {"class_name": "function", "config": "relu"} where a function is a value.
        name = config.get("config")
        if isinstance(name, str) and name in FUNCTIONS and not config.get("registered_name"):
            return FUNCTIONS[name]
    from .saving import deserialize_keras_object

    return deserialize_keras_object(config, custom_objects=custom_objects)


__all__ = [*FUNCTIONS, "deserialize", "get", "hard_swish", "serialize", "swish"]

"""Layers that are KerasHub's, not Keras': files name them as that package does."""

from __future__ import annotations

from typing import TypeVar

__all__ = ["of_keras_hub"]

C = TypeVar("C", bound=type)


def of_keras_hub(cls: C) -> C:
    """Decorator: files name the class so that KerasHub finds its own in them."""
    module = cls.__module__.rpartition(".")[2]
    cls._keras_module = f"keras_hub.src.layers.modeling.{module}"  # type: ignore[attr-defined]
    cls._keras_label = f"keras_hub>{cls.__name__}"  # type: ignore[attr-defined]
    return cls

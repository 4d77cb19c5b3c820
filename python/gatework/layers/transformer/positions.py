"""Layers that tell positions, step by step: what they keep is the number of steps so far."""

from __future__ import annotations

from typing import Any

from ..stepping import not_stepwise

__all__ = ["check_positions", "with_positions"]


def check_positions(layer: Any, max_length: int) -> None:
    """Raises ValueError if a layer has not so many positions."""
    if max_length > layer.sequence_length:
        raise ValueError(
            f"max_length must be at most the {layer.sequence_length} positions of '{layer.name}' "
            f"({type(layer).__name__}), not {max_length}: generate(window={layer.sequence_length}) "
            "reads no more than the last ones"
        )


def with_positions(
    layer: Any, inputs: Any, start: int, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, int]:
    """``call_with_cache`` of a layer whose ``call`` takes ``start_index``."""
    if args or any(value is not None for value in kwargs.values()):
        raise not_stepwise(layer, "it is told its positions")
    return layer(inputs, start_index=start), start + inputs.shape[1]

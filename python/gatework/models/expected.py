"""What a model says about the data it takes, as far as it is known before any data came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..tree import flatten
from .ragged import Ragged


@dataclass(frozen=True)
class Expected:
    """Shapes of the inputs, batch axis included, and the number of outputs; None where unknown."""

    inputs: list[tuple[int | None, ...]] | None = None
    outputs: int | None = None

    @classmethod
    def of(cls, model: Any) -> Expected:
        """Asks a model; one that is not built yet, or is written by the user, may not know."""
        inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
        return cls(
            [tuple(leaf.shape) for leaf in flatten(inputs)] if inputs else None,
            len(flatten(outputs)) if outputs else None,
        )

    @property
    def single(self) -> bool:
        """True for a model that is known to take one array."""
        return self.inputs is not None and len(self.inputs) == 1

    def check_lengths(self, x: Any) -> None:
        """Raises ValueError for sequences of unequal length where the model has one length."""
        leaves = flatten(x)
        if self.inputs is None or len(leaves) != len(self.inputs):
            return
        for leaf, shape in zip(leaves, self.inputs, strict=True):
            if isinstance(leaf, Ragged) and len(shape) > 1 and shape[1] is not None:
                raise ValueError(
                    f"x must hold sequences of length {shape[1]}, the size of the model's input, "
                    f"not of {leaf.lengths.min()} to {leaf.lengths.max()}; make them equal with "
                    "pad_sequences, or give the model an Input of length None"
                )

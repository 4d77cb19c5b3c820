"""What initializers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from .._suggest import NamedArguments
from ..autograd import Tensor

__all__ = ["Initializer", "Shape"]

Shape = Sequence[int]


class Initializer(NamedArguments):
    """Base of initializers: subclasses write ``__call__(shape, dtype=None)`` and ``get_config``."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """A tensor of the shape; dtype is float32 by default."""
        raise NotImplementedError(f"{type(self).__name__} must implement __call__(shape, dtype)")

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        return cls(**config)

    def clone(self) -> Self:
        """A new initializer of the same configuration."""
        return type(self).from_config(self.get_config())

"""What an operation meets where a value is not there yet."""

from __future__ import annotations

from typing import Any

__all__ = ["NoValueYet"]


class NoValueYet(TypeError):
    """A symbolic tensor was asked for its value.

    It carries the tensor, so that ``ops`` can have the operation put off until there is data. What
    cannot be put off lets the error through, and its sentence is what the user reads.

    Args:
        symbol: the tensor; ``symbol.defer(name, args, kwargs)`` puts an operation off.
    """

    def __init__(self, symbol: Any) -> None:
        super().__init__(
            f"{symbol!r} has no value yet: it can be given to layers, operators and gatework.ops, "
            "not to NumPy; compute with it inside the call() of a Layer of your own"
        )
        self.symbol = symbol

"""What LSTM, GRU and SimpleRNN share: an RNN that shows the arguments of its cell."""

from __future__ import annotations

from typing import Any, Self

from ... import regularizers
from ...ops.stream import Stream
from ..base import Layer
from .cell import RecurrentCell
from .rnn import RNN

__all__ = ["RecurrentLayer"]


class RecurrentLayer(RNN):
    """An RNN over a compiled cell. Subclasses only make the cell.

    Every argument stays on the compiled path: masks, both dropouts, direction, states.
    """

    cell: RecurrentCell

    def __getattr__(self, name: str) -> Any:
        # Keras' layers show their cell's arguments (units, activation, kernel_initializer, ...).
        cell = self.__dict__.get("cell")
        if cell is None or name.startswith("_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        try:
            return cell.__dict__[name]
        except KeyError:
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute '{name}'"
            ) from None

    def stream(self, batch_size: int = 1) -> Stream:
        """The layer one time step at a time, with its present weights and zero states.

        Raises:
            ValueError: the layer is not built or goes backwards, which cannot be streamed.
        """
        if self.go_backwards:
            raise ValueError(f"{self.name} goes backwards: its first step needs the last input")
        return self.cell.stream(batch_size)

    def get_config(self) -> dict[str, Any]:
        return {
            **Layer.get_config(self),
            **self.driver_config(),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **self.cell.cell_config(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        return cls(**config)

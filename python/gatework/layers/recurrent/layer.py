"""What LSTM, GRU and SimpleRNN share: an RNN that shows the arguments of its cell."""

from __future__ import annotations

from typing import Any, Self

from ... import regularizers
from ...ops.stream import Stream, StreamChain
from ..base import Layer
from .cell import RecurrentCell, positive_integer, rate
from .levels import CellLevels
from .rnn import RNN
from .stacked import state_sizes
from .steps import cells_in

__all__ = ["RecurrentLayer"]


class RecurrentLayer(RNN):
    """An RNN over a compiled cell. Subclasses only make the cell.

    Every argument stays on the compiled path: masks, both dropouts, direction, states, layers.
    """

    cell: RecurrentCell | CellLevels

    def __init__(
        self,
        cell: RecurrentCell,
        num_layers: int = 1,
        layer_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.num_layers = positive_integer("num_layers", num_layers)
        self.layer_dropout = rate("layer_dropout", layer_dropout)
        many = self.num_layers > 1
        super().__init__(
            CellLevels(cell, self.num_layers, self.layer_dropout) if many else cell, **kwargs
        )

    @property
    def lowest_cell(self) -> RecurrentCell:
        """The cell, or that of the lowest layer."""
        found: RecurrentCell = next(cells_in(self.cell))
        return found

    def __getattr__(self, name: str) -> Any:
        # Keras' layers show their cell's arguments (units, activation, kernel_initializer, ...).
        cell = self.__dict__.get("cell")
        if cell is None or name.startswith("_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        try:
            return next(cells_in(cell)).__dict__[name]
        except KeyError:
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute '{name}'"
            ) from None

    @property
    def state_size(self) -> list[int]:
        """The sizes of all states; those of the lowest layer come first."""
        return self._shown(state_sizes(self.cell))

    def _shown(self, states: list[Any]) -> list[Any]:
        return [s for level in states for s in level] if self.num_layers > 1 else states

    def stream(self, batch_size: int = 1) -> Stream:
        """The layer one time step at a time, with its present weights and zero states.

        Raises:
            ValueError: the layer is not built or goes backwards, which cannot be streamed.
        """
        if self.go_backwards:
            raise ValueError(f"{self.name} goes backwards: its first step needs the last input")
        streams = [cell.stream(batch_size, bf16=self._bf16) for cell in cells_in(self.cell)]
        return streams[0] if len(streams) == 1 else StreamChain(streams)

    def get_config(self) -> dict[str, Any]:
        many = self.num_layers > 1
        return {
            **Layer.get_config(self),
            **self.driver_config(),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **self.lowest_cell.cell_config(),
            **({"num_layers": self.num_layers} if many else {}),
            **({"layer_dropout": self.layer_dropout} if self.layer_dropout else {}),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        return cls(**config)

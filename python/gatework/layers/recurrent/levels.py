"""Several layers of one kind as one: the cells of ``num_layers``."""

from __future__ import annotations

from ... import ops, random
from ...autograd import Tensor
from .cell import RecurrentCell
from .stacked import StackedRNNCells

__all__ = ["CellLevels"]


class CellLevels(StackedRNNCells):
    """A compiled cell and copies of it above, with dropout of the sequences in between.

    Args:
        cell: the lowest cell; the others have its configuration.
        count: how many there are.
        dropout: share of the outputs of all but the last that is set to zero in training, drawn
            for each step and unit, as PyTorch does.
    """

    def __init__(self, cell: RecurrentCell, count: int, dropout: float) -> None:
        cells = [cell]
        for level in range(1, count):
            config = {**cell.get_config(), "name": f"{cell.name}_{level}"}
            if cell.seed is not None:  # masks of their own
                config["seed"] = (cell.seed + level) % (1 << 32)
            cells.append(type(cell).from_config(config))
        super().__init__(cells, name=f"{cell.name}s")
        self.dropout = dropout
        self.seed_generator = random.SeedGenerator(cell.seed)

    def between(self, sequences: Tensor, training: bool) -> Tensor:
        if not training or self.dropout == 0.0:
            return sequences
        return ops.dropout(sequences, self.dropout, None, self.seed_generator.next())

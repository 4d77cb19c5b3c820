"""Several cells, one above the other, as one cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from ... import ops
from ...autograd import Tensor, as_array
from ..base import Layer
from .steps import call_cell, check_cell, output_size

__all__ = ["StackedRNNCells", "as_states", "initial_states", "state_sizes"]


def as_states(states: Any) -> list[Any]:
    """The states of one cell as a list, which a cell of a single state need not give."""
    return list(states) if isinstance(states, list | tuple) else [states]


def initial_states(cell: Any, batch_size: int) -> Any:
    """What the cell says its states start from; zeros if it says nothing."""
    give = getattr(cell, "get_initial_state", None)
    if give is not None:
        return give(batch_size=batch_size)
    sizes = cell.state_size
    if isinstance(sizes, list | tuple):
        return [ops.zeros((batch_size, size)) for size in sizes]
    return ops.zeros((batch_size, sizes))


def state_sizes(cell: Any) -> list[Any]:
    """The sizes of a cell's states as a list; of a stack a list with one for each cell."""
    if isinstance(cell, StackedRNNCells):
        return [state_sizes(one) for one in cell.cells]
    return as_states(cell.state_size)


class StackedRNNCells(Layer):
    """Cells one above the other: each gets the output of the one below as its input.

    In an ``RNN`` compiled cells run layer by layer over the whole sequence; with a cell somebody
    wrote among them, all run step by step.

    Args:
        cells: the cells, lowest first. States are given and returned as a list with a list of
            states for each cell.

    Raises:
        ValueError: for what has no ``call`` or no ``state_size``, or no cells at all.
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(cells, list | tuple) or not cells:
            raise ValueError(f"cells must be a list of at least one cell, not {cells!r}")
        for i, cell in enumerate(cells):
            check_cell(f"cells[{i}]", cell)
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states of each cell for a batch of that size."""
        return [as_states(initial_states(cell, batch_size)) for cell in self.cells]

    def build(self, input_shape: Any) -> None:
        shape = tuple(input_shape)
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(shape)
            shape = (shape[0], output_size(cell))
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Tensor, list[Any]]:
        """One step: inputs (batch, features) and the states of each cell -> output, new states."""
        found: list[Any] = []
        for cell, given in zip(self.cells, states, strict=True):
            inputs, new = call_cell(cell, inputs, as_states(given), training)
            found.append(new)
        return inputs, found

    def run(
        self,
        sequences: Tensor,
        *,
        initial_state: Sequence[Any] | None,
        training: bool,
        mask: Any = None,
        go_backwards: bool = False,
        zero_output_for_mask: bool = False,
        return_sequences: bool = False,
    ) -> tuple[Tensor, list[Any]]:
        """All steps of (batch, time, features) sequences through compiled cells."""
        final: list[Any] = []
        for i, cell in enumerate(self.cells):
            last = i == len(self.cells) - 1
            sequences, states = cell.run(
                sequences,
                initial_state=None if initial_state is None else as_states(initial_state[i]),
                training=training,
                mask=mask,
                go_backwards=go_backwards,
                zero_output_for_mask=zero_output_for_mask and last,
                return_sequences=return_sequences or not last,
            )
            final.append(states)
            if not last:
                sequences = self.between(sequences, training)
            if go_backwards:  # from here on the last step comes first
                mask = None if mask is None else as_array(mask)[:, ::-1]
                go_backwards = False
        return sequences, final

    def between(self, sequences: Tensor, training: bool) -> Tensor:
        """What a cell's outputs go through on their way to the next cell."""
        return sequences

    def get_config(self) -> dict[str, Any]:
        from ...saving import serialize_keras_object

        return {**super().get_config(), "cells": [serialize_keras_object(c) for c in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        from ...saving import deserialize_keras_object

        config = dict(config)
        cells = [
            deserialize_keras_object(cell, custom_objects=custom_objects)
            for cell in config.pop("cells")
        ]
        return cls(cells, **config)

"""The states of a recurrent layer between the steps of a decoding loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ... import tree
from ...autograd import Array, Tensor, as_array, wrap
from ...ops.stream import Stream, StreamChain
from ..stepping import precision_of
from .steps import cells_in, run_steps

if TYPE_CHECKING:
    from .rnn import RNN

__all__ = ["RecurrentCache"]


class RecurrentCache:
    """States of so many sequences, and the layer that moves them on.

    A single step of compiled cells runs in their stream, which keeps the states inside; several
    steps, masked ones and cells somebody wrote go the way of the layer's own call.
    """

    def __init__(self, layer: RNN, batch_size: int) -> None:
        self._layer = layer
        self._structure = layer.get_initial_state(batch_size)
        self._stream: Stream | None = None
        self._states: Any = self._structure
        self._begun = False
        self._output: Array | None = None  # the last one of a cell somebody wrote
        if layer._compiled:
            streams = [cell.stream(batch_size, bf16=layer._bf16) for cell in cells_in(layer.cell)]
            self._stream = streams[0] if len(streams) == 1 else StreamChain(streams)
            self._stream.states = [as_array(state) for state in tree.flatten(self._structure)]

    @property
    def states(self) -> Any:
        """The states as the cell gives and takes them."""
        if self._stream is None:
            return self._states
        return tree.pack_sequence_as(self._structure, [wrap(s) for s in self._stream.states])

    def begin(self, states: Any) -> None:
        """Replaces the states before the first step; later it does nothing."""
        if self._begun:
            return
        self._states = states
        if self._stream is not None:
            self._stream.states = [as_array(state) for state in tree.flatten(states)]

    def advance(self, sequences: Tensor, mask: Any) -> tuple[Tensor, list[Any]]:
        """The output, or outputs, for the next steps, and the states if the layer returns them."""
        layer, self._begun = self._layer, True
        if self._stream is not None and sequences.shape[1] == 1 and _all_real(mask):
            output = self._stream.step(sequences._value[:, 0])
            shown = self.states if layer.return_state else []
            return wrap(output[:, None] if layer.return_sequences else output), shown
        options: dict[str, Any] = {
            "initial_state": self.states,
            "training": False,
            "mask": mask,
            "zero_output_for_mask": layer.zero_output_for_mask,
            "return_sequences": layer.return_sequences,
        }
        with precision_of(layer):
            if self._stream is None:
                outputs, self._states = run_steps(layer.cell, sequences, **options)
                return self._remembered(outputs, mask), self._states
            layer._check_inputs(sequences)
            outputs, final = layer.cell.run(sequences, **options)
        self._stream.states = [as_array(state) for state in tree.flatten(final)]
        return outputs, final

    def _remembered(self, outputs: Tensor, mask: Any) -> Tensor:
        """Outputs whose first steps, where masked, repeat the output before these steps."""
        layer = self._layer
        if mask is not None and self._output is not None and not layer.zero_output_for_mask:
            real = np.logical_or.accumulate(as_array(mask, "bool"), axis=1)
            real = real if layer.return_sequences else real[:, -1]
            seen = real.reshape(*real.shape, *(1,) * (outputs.ndim - real.ndim))
            before = self._output[:, None] if layer.return_sequences else self._output
            outputs = wrap(np.where(seen, outputs._value, before))
        self._output = outputs._value[:, -1] if layer.return_sequences else outputs._value
        return outputs

    def select(self, rows: Any) -> RecurrentCache:
        """The cache of these rows of the batch."""
        states = [as_array(state)[rows] for state in tree.flatten(self.states)]
        chosen = RecurrentCache(self._layer, len(states[0]))
        chosen._states = tree.pack_sequence_as(self._structure, [wrap(state) for state in states])
        chosen._begun = self._begun
        chosen._output = None if self._output is None else self._output[rows]
        if chosen._stream is not None:
            chosen._stream.states = states
        return chosen


def _all_real(mask: Any) -> bool:
    return mask is None or bool(np.all(as_array(mask)))

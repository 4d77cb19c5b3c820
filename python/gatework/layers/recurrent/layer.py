"""The one driver of the recurrent layers: sequences, masks, states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import regularizers
from ...autograd import Tensor, Variable, as_tensor
from ...ops.stream import Stream
from ..base import InputSpec, Layer
from .cell import RecurrentCell

__all__ = ["RecurrentLayer"]


class RecurrentLayer(Layer):
    """Runs a cell over (batch, time, features). Subclasses only make the cell.

    Every argument stays on the compiled path: masks, both dropouts, direction, states.
    """

    def __init__(
        self,
        cell: RecurrentCell,
        *,
        return_sequences: bool,
        return_state: bool,
        go_backwards: bool,
        stateful: bool,
        unroll: bool,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = bool(return_sequences)
        self.return_state = bool(return_state)
        self.go_backwards = bool(go_backwards)
        self.stateful = bool(stateful)
        # The compiled loop has nothing to unroll: the argument is kept so that files stay the same.
        self.unroll = bool(unroll)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        self.input_spec = InputSpec(ndim=3)
        self.supports_masking = True
        self.states: list[Variable] | None = None

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

    @property
    def state_size(self) -> list[int]:
        return [self.cell.units] * self.cell.states

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Builds the cell for inputs of shape (batch, time, features)."""
        shape = tuple(sequences_shape)
        if len(shape) != 3:
            raise ValueError(
                f"inputs of {self.name} must have shape (batch, time, features), not {shape}"
            )
        if not self.cell.built:
            self.cell.build((shape[0], shape[2]))
        self.input_spec = InputSpec(ndim=3, axes={-1: shape[2]})
        self.built = True

    def call(
        self,
        sequences: Any,
        initial_state: Sequence[Any] | Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Tensor | list[Tensor]:
        """Runs the layer.

        Args:
            sequences: (batch, time, features).
            initial_state: (batch, units), one per state of the cell; zeros by default, or the
                states carried over when stateful.
            mask: (batch, time), false at steps to skip.
            training: whether dropout applies.

        Returns:
            The last output (batch, units), or all (batch, time, units) with ``return_sequences``;
            with ``return_state`` a list of it and the final states.

        Raises:
            ValueError: when stateful and the batch size differs from that of the carried states.
        """
        sequences = as_tensor(sequences, "float32")
        output, states = self.cell.run(
            sequences,
            initial_state=self._initial_state(initial_state, sequences.shape[0]),
            training=training,
            mask=mask,
            go_backwards=self.go_backwards,
            zero_output_for_mask=self.zero_output_for_mask,
            return_sequences=self.return_sequences,
        )
        if self.stateful:
            self._carry(states)
        return [output, *states] if self.return_state else output

    def _initial_state(self, given: Any, batch: int) -> list[Any] | None:
        if given is not None:
            states = list(given) if isinstance(given, (list, tuple)) else [given]
            if len(states) != self.cell.states:
                raise ValueError(
                    f"initial_state of {self.name} must be {self.cell.states} tensor(s) of shape "
                    f"(batch, {self.cell.units}), not {len(states)}"
                )
            return states
        if not self.stateful or self.states is None:
            return None
        carried = self.states[0].shape[0]
        if carried != batch:
            raise ValueError(
                f"the batch size of stateful {self.name} must be that of its states, {carried}, "
                f"not {batch}: call reset_states() before changing it"
            )
        return list(self.states)

    def _carry(self, states: list[Tensor]) -> None:
        # Gradients stop here: truncated backpropagation through time.
        if self.states is None:
            self.states = [Variable(s.numpy(), trainable=False, name="rnn_state") for s in states]
        else:
            for variable, state in zip(self.states, states, strict=True):
                variable.assign(state)

    def reset_states(self, states: Sequence[Any] | None = None) -> None:
        """Forgets the carried states, or replaces them by ``states`` ((batch, units) each).

        After forgetting, the next batch may have another size.
        """
        if states is None:
            self.states = None
            return
        self.states = None
        self._carry([as_tensor(s, "float32") for s in self._initial_state(states, 0) or ()])

    def reset_state(self) -> None:
        """Forgets the carried states."""
        self.reset_states()

    def stream(self, batch_size: int = 1) -> Stream:
        """The layer one time step at a time, with its present weights and zero states.

        Raises:
            ValueError: the layer is not built or goes backwards, which cannot be streamed.
        """
        if self.go_backwards:
            raise ValueError(f"{self.name} goes backwards: its first step needs the last input")
        return self.cell.stream(batch_size)

    def get_initial_state(self, batch_size: int) -> list[Tensor]:
        """Zero states of shape (batch_size, units)."""
        return self.cell.get_initial_state(batch_size)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, time = sequences_shape[0], sequences_shape[1]
        state = (batch, self.cell.units)
        output = (batch, time, self.cell.units) if self.return_sequences else state
        if self.return_state:
            return [output] + [state] * self.cell.states
        return output

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        output_mask = mask if self.return_sequences else None
        if self.return_state:
            return [output_mask] + [None] * self.cell.states
        return output_mask

    def get_config(self) -> dict[str, Any]:
        config = {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }
        return {**config, **self.cell.cell_config()}

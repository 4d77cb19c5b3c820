"""The one driver of the recurrent layers: sequences, masks, states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from ... import tree
from ...autograd import NoValueYet, Tensor, Variable, as_tensor
from ..base import InputSpec, Layer
from ..stepping import Steady, not_stepwise
from .cache import RecurrentCache
from .cell import RecurrentCell
from .stacked import StackedRNNCells, as_states, initial_states, state_sizes
from .steps import cells_in, check_cell, compiled, output_size, run_steps

__all__ = ["RNN"]


class RNN(Layer):
    """Runs a cell over (batch, time, features) sequences.

    ``LSTMCell``, ``GRUCell``, ``SimpleRNNCell`` and stacks of them run in the compiled loop, as the
    layers of those names do. Any other cell runs step by step through the tape. It needs

    - ``state_size``: an integer, or a list of them, one for each state;
    - ``call(inputs, states)``: one step of (batch, features) inputs and a list of states, returning
      the output and the new states; with an argument ``training`` if it wants to know;

    and may have ``output_size``, the state's by default, and ``get_initial_state(batch_size)``,
    zeros by default.

    Args:
        cell: the cell, or a list of cells to be stacked.
        return_sequences: return the outputs of all steps, (batch, time, units), not of the last.
        return_state: also return the final states, (batch, size) each; those of each cell of a
            stack in a list.
        go_backwards: process the last step first.
        stateful: start from the final states of the previous batch.
        unroll: accepted; no loop here has anything to unroll.
        zero_output_for_mask: output zeros at masked steps instead of repeating the output before.

    Call arguments: sequences (batch, time, features), initial_state, mask (batch, time), training.

    Raises:
        ValueError: for what is no cell.
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell)
        check_cell("cell", cell)
        self.cell = cell
        self.return_sequences = bool(return_sequences)
        self.return_state = bool(return_state)
        self.go_backwards = bool(go_backwards)
        self.stateful = bool(stateful)
        # The compiled loop has nothing to unroll: the argument is kept so that files stay the same.
        self.unroll = bool(unroll)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        self.supports_masking = True
        self.states: list[Any] | None = None
        self._compiled = compiled(cell)
        # Kernels take no state for zeros.
        self._starts_from_zeros = self._compiled and all(
            type(one).get_initial_state is RecurrentCell.get_initial_state for one in cells_in(cell)
        )
        self.input_spec = InputSpec(ndim=3) if self._compiled else InputSpec(min_ndim=3)

    @property
    def state_size(self) -> list[Any]:
        return as_states(self.cell.state_size)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Builds the cell for inputs of shape (batch, time, features)."""
        shape = tuple(sequences_shape)
        if len(shape) < 3:
            raise ValueError(
                f"inputs of {self.name} must have shape (batch, time, features), not {shape}"
            )
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((shape[0], *shape[2:]))
            self.cell.built = True
        self.input_spec = InputSpec(ndim=len(shape), axes={-1: shape[-1]})
        self.built = True

    def call(
        self,
        sequences: Any,
        initial_state: Sequence[Any] | Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Tensor | list[Any]:
        """Runs the layer.

        Args:
            sequences: (batch, time, features).
            initial_state: (batch, size), one per state of the cell; by default what the cell says
                (zeros), or the states carried over when stateful.
            mask: (batch, time), false at steps to skip.
            training: whether dropout applies.

        Returns:
            The last output (batch, units), or all (batch, time, units) with ``return_sequences``;
            with ``return_state`` a list of it and the final states.

        Raises:
            ValueError: when stateful and the batch size differs from that of the carried states.
        """
        sequences = as_tensor(sequences, "float32")
        states = self._initial_state(initial_state, sequences.shape[0])
        options: dict[str, Any] = {
            "training": training,
            "mask": mask,
            "go_backwards": self.go_backwards,
            "zero_output_for_mask": self.zero_output_for_mask,
            "return_sequences": self.return_sequences,
        }
        if self._compiled:
            if isinstance(self.cell, RecurrentCell):
                options["return_state"] = self.return_state or self.stateful
            output, final = self.cell.run(sequences, initial_state=states, **options)
        else:
            output, final = run_steps(self.cell, sequences, initial_state=states or [], **options)
        if self.stateful:
            self._carry(final)
        return [output, *self._shown(final)] if self.return_state else output

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        """The states that sequences start from; states carried by a stateful layer stay aside."""
        super().initial_cache(batch_size, max_length)
        if self.go_backwards:
            raise not_stepwise(self, "it reads the last step first")
        return RecurrentCache(self, batch_size)

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        given = args[0] if args else kwargs.get("initial_state")
        if given is not None:
            if not all(isinstance(state, Steady) for state in tree.flatten(given)):
                raise not_stepwise(self, "its initial_state is computed from the sequence")
            cache.begin(self._as_own_states(given))
        sequences = as_tensor(inputs, "float32")
        mask = kwargs.get("mask")
        mask = sequences._keras_mask if mask is None else mask
        output, final = cache.advance(sequences, mask)
        outputs = [output, *self._shown(final)] if self.return_state else output
        self._set_masks(sequences, outputs, mask)
        return outputs, cache

    def _shown(self, states: list[Any]) -> list[Any]:
        """The final states as the caller gets them."""
        return states

    def _initial_state(self, given: Any, batch: int) -> list[Any] | None:
        if given is not None:
            return self._as_own_states(given, batch)
        if not self.stateful or self.states is None:
            return None if self._starts_from_zeros else self.get_initial_state(batch)
        carried = tree.flatten(self.states)[0].shape[0]
        if carried != batch:
            raise ValueError(
                f"the batch size of stateful {self.name} must be that of its states, {carried}, "
                f"not {batch}: call reset_states() before changing it"
            )
        return list(self.states)

    def _as_own_states(self, given: Any, batch: int | None = None) -> list[Any]:
        """The states given, also those of a stack as one flat list, as the cell wants them."""
        leaves, sizes = tree.flatten(given), state_sizes(self.cell)
        wanted = tree.flatten(sizes)
        if len(leaves) != len(wanted):
            shapes = ", ".join(f"(batch, {size})" for size in wanted)
            raise ValueError(
                f"initial_state of {self.name} must be {len(wanted)} tensor(s) of shape {shapes}, "
                f"not {len(leaves)}"
            )
        states = [self._as_own_state(*pair, batch) for pair in zip(leaves, wanted, strict=True)]
        return list(tree.pack_sequence_as(sizes, states))

    def _as_own_state(self, given: Any, size: int, batch: int | None) -> Tensor:
        try:
            state = as_tensor(given, "float32")
        except NoValueYet:
            raise
        except TypeError:
            raise TypeError(
                f"initial_state of {self.name} must hold tensors, not {given!r:.80}"
            ) from None
        wanted = (state.shape[0] if state.ndim and batch is None else batch, size)
        if self._compiled and state.shape != wanted:
            rows = "batch" if batch is None else batch
            raise ValueError(
                f"initial_state of {self.name} must hold tensors of shape ({rows}, {size}), "
                f"not {state.shape}"
            )
        return state

    def _carry(self, states: list[Any]) -> None:
        # Gradients stop here: truncated backpropagation through time.
        if self.states is None:
            self.states = tree.map_structure(
                lambda s: Variable(s.numpy(), trainable=False, name="rnn_state"), states
            )
        else:
            tree.map_structure(lambda variable, s: variable.assign(s), self.states, states)

    def reset_states(self, states: Sequence[Any] | None = None) -> None:
        """Forgets the carried states, or replaces them by ``states`` ((batch, size) each).

        After forgetting, the next batch may have another size.
        """
        given = None if states is None else self._as_own_states(states)
        self.states = None
        if given is not None:
            self._carry(given)

    def reset_state(self) -> None:
        """Forgets the carried states."""
        self.reset_states()

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states that a batch of that size starts from, (batch_size, size) each."""
        return as_states(initial_states(self.cell, batch_size))

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, time = sequences_shape[0], sequences_shape[1]
        size = output_size(self.cell)
        output = (batch, time, size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return output
        return [output, *self._shown(_state_shapes(batch, state_sizes(self.cell)))]

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        if isinstance(mask, list | tuple):
            mask = mask[0]
        output_mask = mask if self.return_sequences else None
        if self.return_state:
            return [output_mask] + [None] * len(self.state_size)
        return output_mask

    def get_config(self) -> dict[str, Any]:
        from ...saving import serialize_keras_object

        config = {**super().get_config(), **self.driver_config()}
        return {**config, "cell": serialize_keras_object(self.cell)}

    def driver_config(self) -> dict[str, Any]:
        """The part of the configuration that is not about the cell."""
        return {
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Self:
        from ...saving import deserialize_keras_object

        config = dict(config)
        cell = deserialize_keras_object(config.pop("cell"), custom_objects=custom_objects)
        return cls(cell, **config)


def _state_shapes(batch: int | None, sizes: list[Any]) -> list[Any]:
    """(batch, size) for every size, in the nesting of the sizes."""
    return [
        _state_shapes(batch, list(size)) if isinstance(size, list | tuple) else (batch, size)
        for size in sizes
    ]

"""Streams through a program: one step, or a block of some, at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _core, tree
from ..autograd import Array, as_array
from .arguments import as_input, in_order

if TYPE_CHECKING:
    from .program import Program

__all__ = ["Session"]

_FLOAT32 = np.dtype(np.float32)


class Session:
    """A stream of ``batch`` rows through a program; its states stay between the calls.

    Made by ``program.session(batch)``. Many sessions share one program's weights. One thread uses a
    session at a time; a second one that comes meanwhile gets a RuntimeError.

        session = program.session()
        for frame in frames:                 # (1, features) float32
            y = session.step(frame)

    The steps of a sequence give the numbers that the program gives for the whole of it, those of
    attention but for the rounding of sums. Where the
    model returns the last step only, every step returns what the model would return if the sequence
    ended there.
    """

    __slots__ = ("_alone", "_core", "_max_length", "_program", "_run")

    def __init__(self, program: Program, batch: int, max_length: int | None) -> None:
        self._program = program
        self._max_length = max_length
        self._core = _core.ProgramSession(program._core, batch, max_length or 0)
        self._run = self._core.run
        first = program.inputs[0]
        self._alone = len(program.inputs) == 1 and first.kind == "floats"

    @property
    def batch(self) -> int:
        """The number of rows."""
        return self._core.batch

    def step(self, x: Any, out: Any = None) -> Any:
        """Advances all rows by one time step.

        With ``out`` given and float32 arrays, nothing is allocated from the second step on, and
        where one thread computes the step, as it does unless the weights are large, no lock is
        taken but the interpreter's and no system call made.

        Args:
            x: the input without its axis of time: (batch, features), or ids (batch,); a list or
                dictionary of several inputs.
            out: float32 arrays that receive the outputs, in the model's structure; new ones by
                default.

        Returns:
            The outputs, without an axis of time.

        Raises:
            ValueError: a shape does not fit, or an id is not in its table. The states are then as
                they were.
        """
        if not (
            self._alone and type(x) is np.ndarray and x.dtype is _FLOAT32 and x.flags.c_contiguous
        ):
            x = self._arrays(x, True)
        if out is not None and type(out) is not np.ndarray:
            out = tuple(tree.flatten(out))
        y = self._run(x, out, True)
        return y if self._program._alone else self._program._packed(y)

    def run(self, block: Any, out: Any = None) -> Any:
        """Advances all rows by the steps of a block.

        Args:
            block: as for ``step``, with an axis of time: (batch, time, features), or ids (batch,
                time).
            out: as for ``step``.

        Returns:
            The outputs, (batch, time, ...) where the model returns all steps.
        """
        if out is not None and type(out) is not np.ndarray:
            out = tuple(tree.flatten(out))
        y = self._run(self._arrays(block, False), out, False)
        return y if self._program._alone else self._program._packed(y)

    def _arrays(self, x: Any, step: bool) -> tuple[Array, ...]:
        inputs = self._program.inputs
        leaves = in_order(inputs, x)
        return tuple(as_input(one, leaf, step) for one, leaf in zip(inputs, leaves, strict=True))

    @property
    def state(self) -> dict[str, Array]:
        """A copy of the states by "layer/state"; assigning such a dictionary restores them.

        Attention has "keys" and "values" (batch, heads, steps, features) and the "length" of each
        row; what counts positions has the "position" of each row. Rows may stand at steps of their
        own: one that was reset begins anew beside the others.
        """
        return {f"{layer}/{name}": values for layer, name, values in self._core.states()}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        names = [f"{layer}/{name}" for layer, name, _ in self._core.states()]
        wrong = set(names) ^ set(state)
        if wrong:
            raise ValueError(
                f"state must have the keys {', '.join(map(repr, names))}, "
                f"not {', '.join(map(repr, state))}"
            )
        self._core.set_states(
            [np.ascontiguousarray(as_array(state[name], "float32")) for name in names]
        )

    def reset(self, rows: int | Sequence[int] | None = None) -> None:
        """Sets the states of some rows to zero; of all by default.

        Raises:
            ValueError: a row is not in [0, batch).
        """
        if rows is None:
            rows = range(self.batch)
        self._core.reset([rows] if isinstance(rows, int) else [int(row) for row in rows])

    def select(self, rows: Sequence[int]) -> None:
        """Goes on with these rows, in that order: some leave, one may become several.

        Raises:
            ValueError: there are none, or a row is not in [0, batch).
        """
        self._core.select([int(row) for row in rows])

    def clone(self) -> Session:
        """A session of its own with the same states."""
        other = Session(self._program, self.batch, self._max_length)
        other._core.set_states([values for _, _, values in self._core.states()])
        return other

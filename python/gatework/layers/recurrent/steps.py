"""A cell somebody wrote, step by step on the tape.

Cells whose kernels are compiled never come here: see ``compiled``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ... import ops, tree
from ...autograd import Tensor, as_array
from ..base import Layer
from ..calling import call_signature
from .cell import RecurrentCell

__all__ = ["call_cell", "cells_in", "check_cell", "compiled", "output_size", "run_steps"]


def _hint(cell: Any) -> str:
    return f"; write LSTMCell({cell}), or LSTM({cell}) without RNN" if type(cell) is int else ""


def check_cell(name: str, cell: Any) -> None:
    """Raises ValueError for what has no ``call`` or no ``state_size``; ``name`` is the argument."""
    for needed in ("call", "state_size"):
        if not hasattr(cell, needed):
            raise ValueError(f"{name} must have '{needed}', which {cell!r} has not{_hint(cell)}")


def cells_in(cell: Any) -> Iterator[Any]:
    """The cells of a stack, or the cell alone."""
    inner = getattr(cell, "cells", None)
    if inner is None:
        yield cell
    else:
        for one in inner:
            yield from cells_in(one)


def compiled(cell: Any) -> bool:
    """Whether the kernels run whole sequences of the cell.

    They do not where a subclass computes a step of its own.
    """
    return all(
        isinstance(one, RecurrentCell) and type(one).call is RecurrentCell.call
        for one in cells_in(cell)
    )


def output_size(cell: Any) -> int:
    """The number of features a cell puts out: ``output_size``, or else that of its first state."""
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size
        size = size[0] if isinstance(size, list | tuple) else size
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise ValueError(f"output_size of a cell must be an integer, not {size!r}")
    return int(size.__index__())


def call_cell(cell: Any, inputs: Any, states: list[Any], training: bool) -> tuple[Any, list[Any]]:
    """One step: (output, new states). ``training`` goes to cells that take it."""
    call = cell if callable(cell) else cell.call
    options: dict[str, Any] = {}
    if isinstance(cell, Layer) and call_signature(type(cell)).training:
        options["training"] = training
    output, new = call(inputs, states, **options)
    return output, list(new) if isinstance(new, list | tuple) else [new]


def run_steps(
    cell: Any,
    sequences: Tensor,
    *,
    initial_state: list[Any],
    training: bool,
    mask: Any = None,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = False,
) -> tuple[Tensor, list[Any]]:
    """All steps of (batch, time, ...) sequences.

    A masked step keeps the states and repeats the output before it, or puts out zeros under
    ``zero_output_for_mask``. Before the first real step there is no output: the first state stands
    for it where it has the output's shape, as it does in the compiled cells; else zeros do.
    """
    batch, time = sequences.shape[:2]
    if time == 0:
        raise ValueError(f"sequences must have at least one time step, not shape {sequences.shape}")
    real = None
    if mask is not None:
        real = as_array(mask, "bool")
        if real.shape != (batch, time):
            raise ValueError(f"mask must have shape {(batch, time)}, not {real.shape}")
        if real.all():
            real = None
    order = range(time - 1, -1, -1) if go_backwards else range(time)
    inputs = ops.unstack(sequences, axis=1)
    _forget_dropout(cell)
    states, output = list(initial_state), None
    outputs = []
    for t in order:
        now = None if real is None or real[:, t].all() else real[:, t]
        if now is None:
            output, states = call_cell(cell, inputs[t], states, training)
            outputs.append(output)
            continue
        # What a cell makes of a masked step is dropped; zeros keep it finite, and its slope too.
        x = ops.where(_column(now, inputs[t]), inputs[t], 0.0)
        new_output, new = call_cell(cell, x, states, training)
        if output is None:
            output = _before_the_first(states, new_output)
        output = ops.where(_column(now, new_output), new_output, output)
        states = tree.map_structure(
            lambda n, s, now=now: ops.where(_column(now, n), n, s), new, states
        )
        zero = zero_output_for_mask
        outputs.append(ops.where(_column(now, output), output, 0.0) if zero else output)
    _forget_dropout(cell)
    return (ops.stack(outputs, axis=1) if return_sequences else outputs[-1]), states


def _column(rows: np.ndarray, like: Any) -> np.ndarray:
    """A choice of rows, with axes of one to stand beside a tensor."""
    return rows.reshape(-1, *(1,) * (len(like.shape) - 1))


def _before_the_first(states: Sequence[Any], output: Tensor) -> Any:
    first = tree.flatten(states[-1])[0] if isinstance(states[0], list | tuple) else states[0]
    return first if tuple(first.shape) == output.shape else ops.zeros_like(output)


def _forget_dropout(cell: Any) -> None:
    """Sequences get masks of their own, also in compiled cells that a cell somebody wrote holds."""
    for one in cells_in(cell):
        for layer in one._flatten_layers() if isinstance(one, Layer) else ():
            if isinstance(layer, RecurrentCell):
                layer.reset_dropout_mask()
                layer.reset_recurrent_dropout_mask()

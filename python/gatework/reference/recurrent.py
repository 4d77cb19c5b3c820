"""The one time loop: any cell over a batch of sequences, and backpropagation through time.

Letters: B batch, T time, I input features, H units. Semantics are Keras 3's:

- a masked step keeps the states, and its output repeats the output before it (before the first real
  step: the initial h), or is zero under ``zero_output_for_mask``;
- ``go_backwards`` reads inputs and mask from the end; outputs come in the order of processing;
- a dropout mask is one per sequence: the same at every step.

Inputs of masked steps are never looked at, so not even a NaN there can be seen in a result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from .activations import activation as find_activation
from .array import Array, Booleans
from .cell import Cell, Parameters, States
from .gru import GRU, GRU_V1
from .lstm import LSTM
from .simple_rnn import SIMPLE_RNN

CELLS: dict[str, Cell] = {
    "lstm": LSTM,
    "gru": GRU,
    "gru_v1": GRU_V1,
    "simple_rnn": SIMPLE_RNN,
}


@dataclass(frozen=True)
class Cache:
    """What ``recurrent_backward`` needs of the forward pass."""

    cell: Cell
    parameters: Parameters
    order: range  # the times, in the order of processing
    real: Booleans  # (B, T) bool
    dropout_mask: Array  # (B, I)
    saved: list[Any]  # the cell's, one per step in the order of processing
    zero_output: bool
    has_bias: bool


class Gradients(TypedDict):
    """The gradients of the arguments of ``recurrent``; ``bias`` is None where none was given."""

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    initial_state: States


def keep_where(real: Booleans, new: States, old: States) -> States:
    """The rows of ``new`` where ``real`` (B, 1), those of ``old`` elsewhere."""
    return tuple(np.where(real, n, o) for n, o in zip(new, old, strict=True))


def recurrent(
    cell: str,
    x: Array,
    weights: tuple[Array, Array, Array | None],
    *,
    initial_state: Sequence[Array] | None = None,
    mask: Booleans | None = None,
    dropout_mask: Array | None = None,
    recurrent_dropout_mask: Array | None = None,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
) -> tuple[Array, States, Cache]:
    """Runs a cell over sequences.

    Args:
        cell: "lstm", "gru", "gru_v1" or "simple_rnn".
        x: inputs (B, T, I) of any float dtype; everything is computed in it.
        weights: (kernel (I, G·H), recurrent_kernel (H, G·H), bias or None), as Keras keeps them.
        initial_state: one (B, H) per state of the cell. Default: zeros.
        mask: (B, T) bool, True where a step is real. Default: everywhere.
        dropout_mask: (B, I), multiplies every input. Default: ones.
        recurrent_dropout_mask: (B, H), multiplies h where it enters a product. Default: ones.
        activation, recurrent_activation: names of activations.
        go_backwards: read the sequences from the end.
        zero_output_for_mask: masked steps put out zeros.

    Returns:
        The outputs (B, T, H) in the order of processing, the final states, and the cache for
        ``recurrent_backward``.

    Raises:
        ValueError: the cell or an activation has no such name.
    """
    if cell not in CELLS:
        raise ValueError(f"cell must be one of {', '.join(CELLS)}, not {cell!r}")
    rule = CELLS[cell]
    kernel, recurrent_kernel, bias = weights
    batch, time, inputs = x.shape
    units = recurrent_kernel.shape[0]

    def ones(*shape: int) -> Array:
        return np.ones(shape, x.dtype)

    parameters = Parameters(
        kernel,
        recurrent_kernel,
        np.zeros(rule.bias_shape(units), x.dtype) if bias is None else bias,
        find_activation(activation),
        find_activation(recurrent_activation),
        ones(batch, units) if recurrent_dropout_mask is None else recurrent_dropout_mask,
    )
    cache = Cache(
        rule,
        parameters,
        range(time - 1, -1, -1) if go_backwards else range(time),
        np.ones((batch, time), bool) if mask is None else mask.astype(bool),
        ones(batch, inputs) if dropout_mask is None else dropout_mask,
        [],
        zero_output_for_mask,
        bias is not None,
    )
    if initial_state is None:
        initial_state = [np.zeros((batch, units), x.dtype)] * rule.states

    states = tuple(initial_state)
    outputs = np.empty((batch, time, units), x.dtype)
    for k, t in enumerate(cache.order):
        real = cache.real[:, t, np.newaxis]
        x_t = np.where(real, x[:, t] * cache.dropout_mask, 0)
        new_states, saved = rule.forward(parameters, x_t, states)
        states = keep_where(real, new_states, states)
        outputs[:, k] = np.where(real, states[0], 0) if zero_output_for_mask else states[0]
        cache.saved.append(saved)
    return outputs, states, cache


def recurrent_backward(
    cache: Cache, d_outputs: Array, d_states: Sequence[Array] | None = None
) -> Gradients:
    """Backpropagation through time.

    Args:
        cache: what ``recurrent`` returned.
        d_outputs: (B, T, H), the gradients of the outputs in the order of processing. Those of a
            masked step go to the step whose output it repeats.
        d_states: the gradients of the final states, (B, H) each. Default: zeros.

    Returns:
        The gradients of x, kernel, recurrent_kernel, bias and initial_state.
    """
    p = cache.parameters
    batch, time, units = d_outputs.shape
    if d_states is None:
        d_states = [np.zeros((batch, units), d_outputs.dtype)] * cache.cell.states
    dx = np.zeros((batch, time, p.kernel.shape[0]), d_outputs.dtype)
    dkernel = np.zeros_like(p.kernel)
    drecurrent_kernel = np.zeros_like(p.recurrent_kernel)
    dbias = np.zeros_like(p.bias)

    ds = tuple(d_states)
    for k in reversed(range(time)):
        t = cache.order[k]
        real = cache.real[:, t, np.newaxis]
        dy = np.where(real, d_outputs[:, k], 0) if cache.zero_output else d_outputs[:, k]
        ds = (ds[0] + dy, *ds[1:])
        step = cache.cell.backward(p, cache.saved[k], tuple(np.where(real, d, 0) for d in ds))
        ds = keep_where(real, step.states, ds)
        dx[:, t] = np.where(real, step.x * cache.dropout_mask, 0)
        dkernel += step.kernel
        drecurrent_kernel += step.recurrent_kernel
        dbias += step.bias
    return {
        "x": dx,
        "kernel": dkernel,
        "recurrent_kernel": drecurrent_kernel,
        "bias": dbias if cache.has_bias else None,
        "initial_state": ds,
    }

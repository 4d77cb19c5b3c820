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

from .activations import Activation
from .activations import activation as find_activation
from .array import Array, Booleans
from .cell import Cell, Parameters, States
from .gru import GRU, GRU_V1
from .gru_layer_norm import GRU_LAYER_NORM
from .lstm import LSTM
from .lstm_layer_norm import LSTM_LAYER_NORM
from .lstm_peephole import LSTM_PEEPHOLE
from .simple_rnn import SIMPLE_RNN
from .zoneout import zone_out

CELLS: dict[str, Cell] = {
    "lstm": LSTM,
    "lstm_peephole": LSTM_PEEPHOLE,
    "lstm_layer_norm": LSTM_LAYER_NORM,
    "gru": GRU,
    "gru_v1": GRU_V1,
    "gru_layer_norm": GRU_LAYER_NORM,
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
    projection: Array | None  # (H, P)
    put_out: list[Array]  # (B, H) per step, what was projected
    zoneout: Sequence[Array]  # (B, T, H) per state


class Gradients(TypedDict):
    """The gradients of the arguments of ``recurrent``; None where there was no such argument."""

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    peepholes: Array | None
    projection: Array | None
    gamma: Array | None
    beta: Array | None
    initial_state: States


def keep_where(real: Booleans, new: States, old: States) -> States:
    """The rows of ``new`` where ``real`` (B, 1), those of ``old`` elsewhere."""
    return tuple(np.where(real, n, o) for n, o in zip(new, old, strict=True))


def bounded(activation: Activation, bound: float) -> Activation:
    """An activation of arguments limited to [-bound, bound]; beyond them its slope is zero."""
    if bound == np.inf:
        return activation
    value, slope = activation

    def clip(x: Array) -> Array:
        return np.clip(x, -bound, bound)

    return Activation(
        lambda x: value(clip(x)), lambda x: np.where(np.abs(x) <= bound, slope(clip(x)), 0)
    )


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
    peepholes: Array | None = None,
    activation_clip: float = np.inf,
    cell_clip: float = np.inf,
    projection: Array | None = None,
    zoneout: Sequence[Array] | None = None,
    gamma: Array | None = None,
    beta: Array | None = None,
    epsilon: float = 1e-3,
) -> tuple[Array, States, Cache]:
    """Runs a cell over sequences.

    Args:
        cell: a key of ``CELLS``.
        x: inputs (B, T, I) of any float dtype; everything is computed in it.
        weights: (kernel (I, G·H), recurrent_kernel (H, G·H), bias or None), as Keras keeps them.
        initial_state: one (B, H) per state of the cell. Default: zeros.
        mask: (B, T) bool, True where a step is real. Default: everywhere.
        dropout_mask: (B, I), multiplies every input. Default: ones.
        recurrent_dropout_mask: (B, H), multiplies h where it enters a product. Default: ones.
        activation, recurrent_activation: names of activations.
        go_backwards: read the sequences from the end.
        zero_output_for_mask: masked steps put out zeros.
        peepholes: (P, H), of a cell that has them.
        activation_clip: bound of the gates' sums (ONNX's ``clip``, as ONNX Runtime applies it).
        cell_clip: bound of the cell state, of a cell that knows one.
        projection: (H, P): the first state is what the cell puts out times it, (B, P); of a cell
            that does not carry that state but in products. Then the recurrent kernel is (P, G·H).
        zoneout: (B, T, H) for each state, (B, T, P) for a projected one: how much of it is as it
            was before the step, from 0 to 1, in the order of processing; see ``zone_out``.
        gamma: (S, H), gains of a cell with layer normalization. Default: ones.
        beta: (H,), the bias of a normalized state. Default: zeros.
        epsilon: what layer normalization adds to a variance.

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
    units = recurrent_kernel.shape[1] // rule.gates
    outputs_size = recurrent_kernel.shape[0]

    def ones(*shape: int) -> Array:
        return np.ones(shape, x.dtype)

    parameters = Parameters(
        kernel,
        recurrent_kernel,
        np.zeros(rule.bias_shape(units), x.dtype) if bias is None else bias,
        bounded(find_activation(activation), activation_clip),
        bounded(find_activation(recurrent_activation), activation_clip),
        find_activation(activation),
        ones(batch, outputs_size) if recurrent_dropout_mask is None else recurrent_dropout_mask,
        np.zeros((rule.peepholes, units), x.dtype) if peepholes is None else peepholes,
        cell_clip,
        ones(rule.gammas, units) if gamma is None else gamma,
        np.zeros(units, x.dtype) if beta is None else beta,
        epsilon,
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
        projection,
        [],
        [np.zeros((1, time, 1), x.dtype)] * rule.states if zoneout is None else zoneout,
    )
    if initial_state is None:
        sizes = [outputs_size, *[units] * (rule.states - 1)]
        initial_state = [np.zeros((batch, size), x.dtype) for size in sizes]

    states = tuple(initial_state)
    outputs = np.empty((batch, time, outputs_size), x.dtype)
    for k, t in enumerate(cache.order):
        real = cache.real[:, t, np.newaxis]
        x_t = np.where(real, x[:, t] * cache.dropout_mask, 0)
        new_states, saved = rule.forward(parameters, x_t, states)
        if projection is not None:
            cache.put_out.append(new_states[0])
            new_states = (new_states[0] @ projection, *new_states[1:])
        new_states = tuple(
            zone_out(z[:, k], new, old)
            for z, new, old in zip(cache.zoneout, new_states, states, strict=True)
        )
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
    batch, time, size = d_outputs.shape
    units = p.recurrent_kernel.shape[1] // cache.cell.gates
    if d_states is None:
        sizes = [size, *[units] * (cache.cell.states - 1)]
        d_states = [np.zeros((batch, n), d_outputs.dtype) for n in sizes]
    dprojection = None if cache.projection is None else np.zeros_like(cache.projection)
    dx = np.zeros((batch, time, p.kernel.shape[0]), d_outputs.dtype)
    dkernel = np.zeros_like(p.kernel)
    drecurrent_kernel = np.zeros_like(p.recurrent_kernel)
    dbias = np.zeros_like(p.bias)
    dpeepholes = np.zeros_like(p.peepholes)
    dgamma, dbeta = np.zeros_like(p.gamma), np.zeros_like(p.beta)

    ds = tuple(d_states)
    for k in reversed(range(time)):
        t = cache.order[k]
        real = cache.real[:, t, np.newaxis]
        dy = np.where(real, d_outputs[:, k], 0) if cache.zero_output else d_outputs[:, k]
        ds = (ds[0] + dy, *ds[1:])
        d_new = tuple(np.where(real, d, 0) for d in ds)
        d_kept = tuple(z[:, k] * d for z, d in zip(cache.zoneout, d_new, strict=True))
        d_new = tuple(d - kept for d, kept in zip(d_new, d_kept, strict=True))
        if cache.projection is not None and dprojection is not None:
            dprojection += cache.put_out[k].T @ d_new[0]
            d_new = (d_new[0] @ cache.projection.T, *d_new[1:])
        step = cache.cell.backward(p, cache.saved[k], d_new)
        d_old = tuple(d + kept for d, kept in zip(step.states, d_kept, strict=True))
        ds = keep_where(real, d_old, ds)
        dx[:, t] = np.where(real, step.x * cache.dropout_mask, 0)
        dkernel += step.kernel
        drecurrent_kernel += step.recurrent_kernel
        dbias += step.bias
        if step.peepholes is not None:
            dpeepholes += step.peepholes
        if step.gamma is not None:
            dgamma += step.gamma
        if step.beta is not None:
            dbeta += step.beta
    return {
        "x": dx,
        "kernel": dkernel,
        "recurrent_kernel": drecurrent_kernel,
        "bias": dbias if cache.has_bias else None,
        "peepholes": dpeepholes if cache.cell.peepholes else None,
        "projection": dprojection,
        "gamma": dgamma if cache.cell.gammas else None,
        "beta": dbeta if cache.cell.betas else None,
        "initial_state": ds,
    }

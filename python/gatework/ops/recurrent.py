"""Recurrent layers as one operation: all steps of all sequences, both ways through time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _core
from ..autograd import (
    Tensor,
    as_array,
    as_tensor,
    is_recording,
    needs_gradient,
    record,
    record_many,
)
from .packed_weights import PackedWeightsCache
from .precision import precision

__all__ = ["recurrent"]


def recurrent(
    cell: str,
    x: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    *,
    initial_state: Sequence[Any] | None = None,
    mask: Any = None,
    dropout_mask: Any = None,
    recurrent_dropout_mask: Any = None,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    return_sequences: bool = False,
    return_state: bool = True,
    peepholes: Any = None,
    activation_clip: float | None = None,
    cell_clip: float | None = None,
    projection: Any = None,
    zoneout: Sequence[float] | None = None,
    zoneout_seed: int | None = None,
    gamma: Any = None,
    beta: Any = None,
    epsilon: float | None = None,
    packed: PackedWeightsCache | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Runs a recurrent cell over a batch of sequences.

    Args:
        cell: "lstm", "lstm_peephole", "lstm_layer_norm", "gru" (reset gate after the product),
            "gru_v1" (before it), "gru_layer_norm" or "simple_rnn".
        x: (batch, time, features) float32.
        kernel: (features, gates * units), gates in Keras' order.
        recurrent_kernel: (units, gates * units); (outputs, gates * units) with a projection.
        bias: (gates * units,), (2, 3 * units) for "gru", or None.
        initial_state: one (batch, units) tensor per state, or None for zeros.
        mask: (batch, time), true at real steps. A masked step keeps the state and costs nothing.
        dropout_mask: (batch, features) factors of the inputs, the same at every step.
        recurrent_dropout_mask: (batch, units) factors of h where it enters its product.
        activation, recurrent_activation: names of elementwise activations.
        go_backwards: process the last step first; outputs come in that order.
        zero_output_for_mask: output zeros at masked steps instead of the output before them.
        return_sequences: return all outputs instead of the last.
        return_state: return the final states, too.
        peepholes: (3, units) for "lstm_peephole": what c is multiplied by on its way to the gates
            i, f and o.
        activation_clip: bound of the magnitude of the gates' sums.
        cell_clip: bound of the magnitude of c, for "lstm_peephole".
        projection: (units, outputs), outputs < units, for both LSTMs: h is o⊙φ(c) times it.
            Outputs, the state h and its dropout mask then have ``outputs`` features.
        zoneout: for each state, the share of its units that keep the value they had at a step.
        zoneout_seed: of the numbers that say which; None for the states that are to be expected.
        gamma: (9, units) for "lstm_layer_norm": gains of the gates' sums from x, of those from h,
            and of c; (6, units) for "gru_layer_norm".
        beta: (units,) for "lstm_layer_norm": the bias of the normalized c.
        epsilon: what layer normalization adds to a variance, 1e-3 by default.
        packed: where the packed weights are kept while no gradient is recorded; the weights must
            then be variables.

    Returns:
        outputs, (batch, time, units) or (batch, units), and the list of final states, which is
        empty without ``return_state``.

    Raises:
        ValueError: if a shape does not fit or a name is unknown; the message names the argument.
    """
    x = as_tensor(x, "float32")
    weights = [as_tensor(w, "float32") for w in (kernel, recurrent_kernel)]
    if bias is not None:
        weights.append(as_tensor(bias, "float32"))
    own = (peepholes, projection, gamma, beta)
    optional = [as_tensor(w, "float32") for w in own if w is not None]
    initial = [as_tensor(s, "float32") for s in initial_state or ()]
    weights += optional
    inputs = (x, *weights, *initial)
    arrays = [np.ascontiguousarray(t._value) for t in inputs]
    first_state = 1 + len(weights)
    arguments = (
        cell,
        arrays[0],
        arrays[1],
        arrays[2],
        arrays[3] if bias is not None else None,
        tuple(arrays[first_state:]) or None,
        None if mask is None else np.ascontiguousarray(as_array(mask), np.bool_),
        _factors(dropout_mask),
        _factors(recurrent_dropout_mask),
        activation,
        recurrent_activation,
        go_backwards,
        zero_output_for_mask,
        return_sequences,
    )
    own_arrays: list[Any] = [None] * len(own)
    if optional:
        given = iter(arrays[first_state - len(optional) : first_state])
        own_arrays = [None if w is None else next(given) for w in own]
    extra = (
        own_arrays[0],
        activation_clip,
        cell_clip,
        own_arrays[1],
        zoneout,
        zoneout_seed,
        precision.bf16,
        own_arrays[2],
        own_arrays[3],
        epsilon,
    )
    recording = is_recording(*inputs)
    kept = None
    if not recording and packed is not None:
        kept = packed.get(cell, kernel, recurrent_kernel, bias, *own, bf16=precision.bf16)
    y, states, saved = _core.recurrent_forward(*arguments, recording, kept, *extra)

    def vjp(dy: np.ndarray | None, dstates: Sequence[np.ndarray | None]) -> list[np.ndarray | None]:
        nonlocal saved
        if saved is None or saved.consumed:  # a persistent tape asks again
            saved = _core.recurrent_forward(*arguments, True, None, *extra)[2]
        assert saved is not None
        dx, dkernel, drecurrent, dbias, dinitial, *optional = _core.recurrent_backward(
            saved, _contiguous(dy), tuple(map(_contiguous, dstates)), needs_gradient(x)
        )
        weights = [d for d in (dbias, *optional) if d is not None]
        return [dx, dkernel, drecurrent, *weights, *dinitial[: len(initial)]]

    if not return_state:
        none = (None,) * len(states)
        return record(y, inputs, lambda dy: vjp(dy, none)), []
    outputs, *final = record_many((y, *states), inputs, lambda dys: vjp(dys[0], dys[1:]))
    return outputs, final


def _contiguous(dy: np.ndarray | None) -> np.ndarray | None:
    return None if dy is None else np.ascontiguousarray(dy, np.float32)


def _factors(mask: Any) -> np.ndarray | None:
    return None if mask is None else np.ascontiguousarray(as_array(mask), np.float32)

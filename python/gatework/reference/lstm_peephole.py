"""LSTM with peepholes (Gers, Schraudolph & Schmidhuber 2002) and a bound on the cell state.

As ``lstm``, with p the peepholes, each multiplying the cell state unit by unit::

    a = x_t W + (m ⊙ h_{t-1}) U + b          columns of a: i, f, c, o
    i, f = σ(a_i + p_i ⊙ c_{t-1}), σ(a_f + p_f ⊙ c_{t-1})
    g = φ(a_c)
    c_t = min(max(f ⊙ c_{t-1} + i ⊙ g, -bound), bound)
    o = σ(a_o + p_o ⊙ c_t)
    h_t = o ⊙ φ(c_t)
"""

from typing import NamedTuple

import numpy as np

from .array import Array
from .cell import Cell, Parameters, States, StepGradient, join_gates, split_gates


class Saved(NamedTuple):
    """What the backward step needs of the forward step."""

    x: Array
    h_in: Array
    c_old: Array
    a: Array  # the sums, peepholes included
    c_free: Array  # before the bound
    c: Array


def forward(p: Parameters, x: Array, states: States) -> tuple[States, Saved]:
    """One step: x (B, I) and states (h, c) of (B, H) give the next (h, c)."""
    h_old, c_old = states
    φ, σ = p.activation.value, p.recurrent_activation.value
    p_i, p_f, p_o = p.peepholes
    h_in = p.h_mask * h_old
    a_i, a_f, a_c, a_o = split_gates(x @ p.kernel + h_in @ p.recurrent_kernel + p.bias, 4)
    a_i, a_f = a_i + p_i * c_old, a_f + p_f * c_old
    c_free = σ(a_f) * c_old + σ(a_i) * φ(a_c)
    c = np.clip(c_free, -p.cell_clip, p.cell_clip)
    a_o = a_o + p_o * c
    h = σ(a_o) * p.state_activation.value(c)
    return (h, c), Saved(x, h_in, c_old, join_gates(a_i, a_f, a_c, a_o), c_free, c)


def backward(p: Parameters, saved: Saved, d_states: States) -> StepGradient:
    """Backpropagation of (dh, dc), the gradients of the states after the step."""
    x, h_in, c_old, a, c_free, c = saved
    (φ, dφ), (σ, dσ), (φ_c, dφ_c) = p.activation, p.recurrent_activation, p.state_activation
    p_i, p_f, p_o = p.peepholes
    a_i, a_f, a_c, a_o = split_gates(a, 4)
    dh, dc = d_states
    da_o = dh * φ_c(c) * dσ(a_o)
    dc = dc + dh * σ(a_o) * dφ_c(c) + da_o * p_o
    dc = np.where(np.abs(c_free) < p.cell_clip, dc, 0)
    da_i, da_f = dc * φ(a_c) * dσ(a_i), dc * c_old * dσ(a_f)
    da = join_gates(da_i, da_f, dc * σ(a_i) * dφ(a_c), da_o)
    return StepGradient(
        x=da @ p.kernel.T,
        states=(
            p.h_mask * (da @ p.recurrent_kernel.T),
            dc * σ(a_f) + da_i * p_i + da_f * p_f,
        ),
        kernel=x.T @ da,
        recurrent_kernel=h_in.T @ da,
        bias=da.sum(axis=0),
        peepholes=np.stack([(d * s).sum(0) for d, s in ((da_i, c_old), (da_f, c_old), (da_o, c))]),
    )


LSTM_PEEPHOLE = Cell(
    gates=4, states=2, bias_rows=1, forward=forward, backward=backward, peepholes=3
)

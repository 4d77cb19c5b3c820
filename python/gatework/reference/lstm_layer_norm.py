"""LSTM with layer normalization (Ba, Kiros & Hinton 2016, equations 20 to 22), and a bound on c.

As ``lstm``, with γ the gains (9, H): of the four gates' sums from x, of those from h, and of c;
norm subtracts a row's mean and divides by √(variance + ε)::

    a = γ_x ⊙ norm(x_t W) + γ_h ⊙ norm((m ⊙ h_{t-1}) U) + b      all 4 H sums of a row together
    i, f, o = σ(a_i), σ(a_f), σ(a_o)
    g = φ(a_c)
    c_t = min(max(f ⊙ c_{t-1} + i ⊙ g, -bound), bound)
    h_t = o ⊙ φ(γ_c ⊙ norm(c_t) + β)

The paper adds a bias of their own to the first two norms; they and b are one sum. The c that goes
on to the next step is not the normalized one.
"""

from typing import NamedTuple

import numpy as np

from .array import Array
from .cell import Cell, Parameters, States, StepGradient, join_gates, split_gates
from .normalized_sums import Normalized


class Saved(NamedTuple):
    """What the backward step needs of the forward step."""

    x: Array
    h_in: Array
    c_old: Array
    by_x: Normalized
    by_h: Normalized
    a: Array
    c_free: Array  # before the bound
    by_c: Normalized


def forward(p: Parameters, x: Array, states: States) -> tuple[States, Saved]:
    """One step: x (B, I) and states (h, c) of (B, H) give the next (h, c)."""
    h_old, c_old = states
    φ, σ = p.activation.value, p.recurrent_activation.value
    h_in = p.h_mask * h_old
    by_x = Normalized.of(x @ p.kernel, p.gamma[:4], p.epsilon)
    by_h = Normalized.of(h_in @ p.recurrent_kernel, p.gamma[4:8], p.epsilon)
    a = by_x.value + by_h.value + p.bias
    a_i, a_f, a_c, a_o = split_gates(a, 4)
    c_free = σ(a_f) * c_old + σ(a_i) * φ(a_c)
    c = np.clip(c_free, -p.cell_clip, p.cell_clip)
    by_c = Normalized.of(c, p.gamma[8], p.epsilon)
    h = σ(a_o) * p.state_activation.value(by_c.value + p.beta)
    return (h, c), Saved(x, h_in, c_old, by_x, by_h, a, c_free, by_c)


def backward(p: Parameters, saved: Saved, d_states: States) -> StepGradient:
    """Backpropagation of (dh, dc), the gradients of the states after the step."""
    x, h_in, c_old, by_x, by_h, a, c_free, by_c = saved
    (φ, dφ), (σ, dσ), (φ_c, dφ_c) = p.activation, p.recurrent_activation, p.state_activation
    a_i, a_f, a_c, a_o = split_gates(a, 4)
    dh, dc = d_states
    seen = by_c.value + p.beta
    d_seen = dh * σ(a_o) * dφ_c(seen)
    dc_seen, dgamma_c = by_c.backward(d_seen)
    dc = np.where(np.abs(c_free) < p.cell_clip, dc + dc_seen, 0)
    da = join_gates(
        dc * φ(a_c) * dσ(a_i),
        dc * c_old * dσ(a_f),
        dc * σ(a_i) * dφ(a_c),
        dh * φ_c(seen) * dσ(a_o),
    )
    dx_sums, dgamma_x = by_x.backward(da)
    dh_sums, dgamma_h = by_h.backward(da)
    return StepGradient(
        x=dx_sums @ p.kernel.T,
        states=(p.h_mask * (dh_sums @ p.recurrent_kernel.T), dc * σ(a_f)),
        kernel=x.T @ dx_sums,
        recurrent_kernel=h_in.T @ dh_sums,
        bias=da.sum(axis=0),
        gamma=np.concatenate([dgamma_x, dgamma_h, dgamma_c]).reshape(p.gamma.shape),
        beta=d_seen.sum(axis=0),
    )


LSTM_LAYER_NORM = Cell(
    gates=4, states=2, bias_rows=1, forward=forward, backward=backward, gammas=9, betas=1
)

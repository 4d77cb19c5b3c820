"""Gated recurrent unit (Cho et al. 2014), in both forms of the reset gate.

With x_t the input, h the state, m the recurrent dropout mask, σ the recurrent activation and φ the
activation, ``gru`` resets after the product (the form cuDNN computes; two biases)::

    p = x_t W + b_0          q = (m ⊙ h_{t-1}) U + b_1          columns: z, r, h
    z, r = σ(p_z + q_z), σ(p_r + q_r)
    n = φ(p_h + r ⊙ q_h)
    h_t = z ⊙ h_{t-1} + (1 - z) ⊙ n

and ``gru_v1`` resets before it (the form of the paper; one bias)::

    p = x_t W + b
    z, r = σ(p_z + (m ⊙ h_{t-1}) U_z), σ(p_r + (m ⊙ h_{t-1}) U_r)
    n = φ(p_h + (r ⊙ m ⊙ h_{t-1}) U_h)
    h_t = z ⊙ h_{t-1} + (1 - z) ⊙ n

Dropout never touches the h_{t-1} that z carries over.
"""

from typing import NamedTuple

import numpy as np

from .array import Array
from .cell import Cell, Parameters, States, StepGradient, join_gates, split_gates


class Saved(NamedTuple):
    """What the backward step needs of the forward step."""

    x: Array
    h_old: Array
    h_in: Array
    a_z: Array
    a_r: Array
    a_n: Array
    q_n: Array  # (m ⊙ h) U_h + b_1h; unused by gru_v1


def forward(p: Parameters, x: Array, states: States) -> tuple[States, Saved]:
    """One step, reset after: x (B, I) and the state (h,) of (B, H) give the next (h,)."""
    (h_old,) = states
    φ, σ = p.activation.value, p.recurrent_activation.value
    h_in = p.h_mask * h_old
    p_z, p_r, p_n = split_gates(x @ p.kernel + p.bias[0], 3)
    q_z, q_r, q_n = split_gates(h_in @ p.recurrent_kernel + p.bias[1], 3)
    a_z, a_r = p_z + q_z, p_r + q_r
    a_n = p_n + σ(a_r) * q_n
    h = σ(a_z) * h_old + (1 - σ(a_z)) * φ(a_n)
    return (h,), Saved(x, h_old, h_in, a_z, a_r, a_n, q_n)


def backward(p: Parameters, saved: Saved, d_states: States) -> StepGradient:
    """Backpropagation of (dh,), reset after."""
    x, h_old, h_in, a_z, a_r, a_n, q_n = saved
    (φ, dφ), (σ, dσ) = p.activation, p.recurrent_activation
    (dh,) = d_states
    da_n = dh * (1 - σ(a_z)) * dφ(a_n)
    da_z = dh * (h_old - φ(a_n)) * dσ(a_z)
    da_r = da_n * q_n * dσ(a_r)
    dp = join_gates(da_z, da_r, da_n)
    dq = join_gates(da_z, da_r, da_n * σ(a_r))
    return StepGradient(
        x=dp @ p.kernel.T,
        states=(dh * σ(a_z) + p.h_mask * (dq @ p.recurrent_kernel.T),),
        kernel=x.T @ dp,
        recurrent_kernel=h_in.T @ dq,
        bias=np.stack([dp.sum(axis=0), dq.sum(axis=0)]),
    )


def forward_v1(p: Parameters, x: Array, states: States) -> tuple[States, Saved]:
    """One step, reset before: x (B, I) and the state (h,) of (B, H) give the next (h,)."""
    (h_old,) = states
    φ, σ = p.activation.value, p.recurrent_activation.value
    h_in = p.h_mask * h_old
    U_z, U_r, U_n = split_gates(p.recurrent_kernel, 3)
    p_z, p_r, p_n = split_gates(x @ p.kernel + p.bias, 3)
    a_z, a_r = p_z + h_in @ U_z, p_r + h_in @ U_r
    a_n = p_n + (σ(a_r) * h_in) @ U_n
    h = σ(a_z) * h_old + (1 - σ(a_z)) * φ(a_n)
    return (h,), Saved(x, h_old, h_in, a_z, a_r, a_n, q_n=h_in)


def backward_v1(p: Parameters, saved: Saved, d_states: States) -> StepGradient:
    """Backpropagation of (dh,), reset before."""
    x, h_old, h_in, a_z, a_r, a_n, _ = saved
    (φ, dφ), (σ, dσ) = p.activation, p.recurrent_activation
    U_z, U_r, U_n = split_gates(p.recurrent_kernel, 3)
    (dh,) = d_states
    da_n = dh * (1 - σ(a_z)) * dφ(a_n)
    da_z = dh * (h_old - φ(a_n)) * dσ(a_z)
    d_reset = da_n @ U_n.T  # of r ⊙ m ⊙ h
    da_r = d_reset * h_in * dσ(a_r)
    dp = join_gates(da_z, da_r, da_n)
    dh_in = da_z @ U_z.T + da_r @ U_r.T + d_reset * σ(a_r)
    return StepGradient(
        x=dp @ p.kernel.T,
        states=(dh * σ(a_z) + p.h_mask * dh_in,),
        kernel=x.T @ dp,
        recurrent_kernel=join_gates(h_in.T @ da_z, h_in.T @ da_r, (σ(a_r) * h_in).T @ da_n),
        bias=dp.sum(axis=0),
    )


GRU = Cell(gates=3, states=1, bias_rows=2, forward=forward, backward=backward)
GRU_V1 = Cell(gates=3, states=1, bias_rows=1, forward=forward_v1, backward=backward_v1)

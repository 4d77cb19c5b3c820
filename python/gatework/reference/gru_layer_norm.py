"""GRU with layer normalization (Ba, Kiros & Hinton 2016, supplement), reset after the product.

As ``gru``, with γ the gains (6, H): of z, r and n from x, then from h; norm subtracts a row's mean
and divides by √(variance + ε)::

    p_zr, p_n = γ ⊙ norm(x_t W_zr) + b_0zr, γ ⊙ norm(x_t W_n) + b_0n
    q_zr, q_n likewise of (m ⊙ h_{t-1}) U and b_1
    z, r = σ(p_z + q_z), σ(p_r + q_r)
    n = φ(p_n + r ⊙ q_n)
    h_t = z ⊙ h_{t-1} + (1 - z) ⊙ n

The sums of z and r are normalized together, those of n by themselves. The paper's z is 1 - z here.
"""

from typing import NamedTuple

import numpy as np

from .array import Array
from .cell import Cell, Parameters, States, StepGradient, join_gates, split_gates
from .normalized_sums import Normalized


class Norms(NamedTuple):
    """The norms of one product: of the gates z and r, and of n."""

    gates: Normalized
    candidate: Normalized

    def value(self, bias: Array) -> list[Array]:
        """The terms of z, r and n."""
        return split_gates(np.hstack([self.gates.value, self.candidate.value]) + bias, 3)


class Saved(NamedTuple):
    """What the backward step needs of the forward step."""

    x: Array
    h_old: Array
    h_in: Array
    by_x: Norms
    by_h: Norms
    a_z: Array
    a_r: Array
    a_n: Array
    q_n: Array


def norms(sums: Array, gamma: Array, epsilon: float) -> Norms:
    """Of the sums (B, 3 H) of one product, with its gains (3, H)."""
    units = gamma.shape[1]
    gates = Normalized.of(sums[:, : 2 * units], gamma[:2], epsilon)
    return Norms(gates, Normalized.of(sums[:, 2 * units :], gamma[2], epsilon))


def norms_backward(n: Norms, d_gates: Array, d_candidate: Array) -> tuple[Array, Array]:
    """The gradients of the sums and of the gains (3 H,)."""
    da, dgamma = zip(n.gates.backward(d_gates), n.candidate.backward(d_candidate), strict=True)
    return np.hstack(da), np.concatenate(dgamma)


def forward(p: Parameters, x: Array, states: States) -> tuple[States, Saved]:
    """One step: x (B, I) and the state (h,) of (B, H) give the next (h,)."""
    (h_old,) = states
    φ, σ = p.activation.value, p.recurrent_activation.value
    h_in = p.h_mask * h_old
    by_x = norms(x @ p.kernel, p.gamma[:3], p.epsilon)
    by_h = norms(h_in @ p.recurrent_kernel, p.gamma[3:], p.epsilon)
    p_z, p_r, p_n = by_x.value(p.bias[0])
    q_z, q_r, q_n = by_h.value(p.bias[1])
    a_z, a_r = p_z + q_z, p_r + q_r
    a_n = p_n + σ(a_r) * q_n
    h = σ(a_z) * h_old + (1 - σ(a_z)) * φ(a_n)
    return (h,), Saved(x, h_old, h_in, by_x, by_h, a_z, a_r, a_n, q_n)


def backward(p: Parameters, saved: Saved, d_states: States) -> StepGradient:
    """Backpropagation of (dh,), the gradient of the state after the step."""
    x, h_old, h_in, by_x, by_h, a_z, a_r, a_n, q_n = saved
    (φ, dφ), (σ, dσ) = p.activation, p.recurrent_activation
    (dh,) = d_states
    da_n = dh * (1 - σ(a_z)) * dφ(a_n)
    da_zr = join_gates(dh * (h_old - φ(a_n)) * dσ(a_z), da_n * q_n * dσ(a_r))
    dq_n = da_n * σ(a_r)
    dx_sums, dgamma_x = norms_backward(by_x, da_zr, da_n)
    dh_sums, dgamma_h = norms_backward(by_h, da_zr, dq_n)
    return StepGradient(
        x=dx_sums @ p.kernel.T,
        states=(dh * σ(a_z) + p.h_mask * (dh_sums @ p.recurrent_kernel.T),),
        kernel=x.T @ dx_sums,
        recurrent_kernel=h_in.T @ dh_sums,
        bias=np.stack([join_gates(da_zr, d).sum(axis=0) for d in (da_n, dq_n)]),
        gamma=np.concatenate([dgamma_x, dgamma_h]).reshape(p.gamma.shape),
    )


GRU_LAYER_NORM = Cell(gates=3, states=1, bias_rows=2, forward=forward, backward=backward, gammas=6)

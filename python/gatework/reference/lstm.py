"""Long short-term memory (Hochreiter & Schmidhuber 1997) with forget gates (Gers et al. 2000).

With x_t the input, h the hidden state, c the cell state, m the recurrent dropout mask, σ the
recurrent activation and φ the activation::

    a = x_t W + (m ⊙ h_{t-1}) U + b          columns of a: i, f, c, o
    i, f, o = σ(a_i), σ(a_f), σ(a_o)
    g = φ(a_c)
    c_t = f ⊙ c_{t-1} + i ⊙ g
    h_t = o ⊙ φ(c_t)
"""

from typing import NamedTuple

from .array import Array
from .cell import Cell, Parameters, States, StepGradient, join_gates, split_gates


class Saved(NamedTuple):
    """What the backward step needs of the forward step."""

    x: Array
    h_in: Array
    c_old: Array
    a: Array
    c: Array


def forward(p: Parameters, x: Array, states: States) -> tuple[States, Saved]:
    """One step: x (B, I) and states (h, c) of (B, H) give the next (h, c)."""
    h_old, c_old = states
    φ, σ = p.activation.value, p.recurrent_activation.value
    h_in = p.h_mask * h_old
    a = x @ p.kernel + h_in @ p.recurrent_kernel + p.bias
    a_i, a_f, a_c, a_o = split_gates(a, 4)
    c = σ(a_f) * c_old + σ(a_i) * φ(a_c)
    h = σ(a_o) * p.state_activation.value(c)
    return (h, c), Saved(x, h_in, c_old, a, c)


def backward(p: Parameters, saved: Saved, d_states: States) -> StepGradient:
    """Backpropagation of (dh, dc), the gradients of the states after the step."""
    x, h_in, c_old, a, c = saved
    (φ, dφ), (σ, dσ), (φ_c, dφ_c) = p.activation, p.recurrent_activation, p.state_activation
    a_i, a_f, a_c, a_o = split_gates(a, 4)
    dh, dc = d_states
    dc = dc + dh * σ(a_o) * dφ_c(c)
    da = join_gates(
        dc * φ(a_c) * dσ(a_i),
        dc * c_old * dσ(a_f),
        dc * σ(a_i) * dφ(a_c),
        dh * φ_c(c) * dσ(a_o),
    )
    return StepGradient(
        x=da @ p.kernel.T,
        states=(p.h_mask * (da @ p.recurrent_kernel.T), dc * σ(a_f)),
        kernel=x.T @ da,
        recurrent_kernel=h_in.T @ da,
        bias=da.sum(axis=0),
    )


LSTM = Cell(gates=4, states=2, bias_rows=1, forward=forward, backward=backward)

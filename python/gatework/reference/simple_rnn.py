"""The simple recurrent network (Elman 1990).

With x_t the input, h the state, m the recurrent dropout mask and φ the activation::

    h_t = φ(x_t W + (m ⊙ h_{t-1}) U + b)
"""

from typing import NamedTuple

from .array import Array
from .cell import Cell, Parameters, States, StepGradient


class Saved(NamedTuple):
    """What the backward step needs of the forward step."""

    x: Array
    h_in: Array
    a: Array


def forward(p: Parameters, x: Array, states: States) -> tuple[States, Saved]:
    """One step: x (B, I) and the state (h,) of (B, H) give the next (h,)."""
    (h_old,) = states
    h_in = p.h_mask * h_old
    a = x @ p.kernel + h_in @ p.recurrent_kernel + p.bias
    return (p.activation.value(a),), Saved(x, h_in, a)


def backward(p: Parameters, saved: Saved, d_states: States) -> StepGradient:
    """Backpropagation of (dh,), the gradient of the state after the step."""
    x, h_in, a = saved
    (dh,) = d_states
    da = dh * p.activation.slope(a)
    return StepGradient(
        x=da @ p.kernel.T,
        states=(p.h_mask * (da @ p.recurrent_kernel.T),),
        kernel=x.T @ da,
        recurrent_kernel=h_in.T @ da,
        bias=da.sum(axis=0),
    )


SIMPLE_RNN = Cell(gates=1, states=1, bias_rows=1, forward=forward, backward=backward)

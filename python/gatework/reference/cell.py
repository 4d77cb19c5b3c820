"""What a recurrent cell is: one step forward, one step backward, and a few sizes.

Letters: B batch, I input features, H units, G gates.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .activations import Activation
from .array import Array

States = tuple[Array, ...]


class Parameters(NamedTuple):
    """What is the same for every step of a sequence."""

    kernel: Array  # (I, G·H)
    recurrent_kernel: Array  # (H, G·H)
    bias: Array  # (G·H,), or (2, G·H): input and recurrent bias
    activation: Activation
    recurrent_activation: Activation
    state_activation: Activation  # as activation, of what activation_clip leaves alone: a state
    h_mask: Array  # (B, H), multiplies h where h enters a product (recurrent dropout)
    peepholes: Array  # (P, H), multiply states unit by unit; (0, H) of a cell without any
    cell_clip: float  # bound of c, where a cell knows one
    gamma: Array  # (S, H), gains of normalized sums; (0, H) of a cell without any
    beta: Array  # (H,), of a cell that normalizes a state
    epsilon: float  # of the variances


class StepGradient(NamedTuple):
    """The gradients of one step, named after what they belong to."""

    x: Array  # (B, I)
    states: States  # (B, H) each: the states before the step
    kernel: Array
    recurrent_kernel: Array
    bias: Array
    peepholes: Array | None = None  # None of a cell without any
    gamma: Array | None = None
    beta: Array | None = None


class Cell(NamedTuple):
    """A recurrent cell.

    ``forward(parameters, x, states)`` gives the next states and whatever ``backward`` needs;
    ``backward(parameters, saved, d_states)`` turns gradients of the next states into a
    ``StepGradient``. The first state is the output.
    """

    gates: int
    states: int
    bias_rows: int
    forward: Callable[[Parameters, Array, States], tuple[States, Any]]
    backward: Callable[[Parameters, Any, States], StepGradient]
    peepholes: int = 0  # P, rows of weights that multiply a state unit by unit
    gammas: int = 0  # S, rows of gains of layer normalization
    betas: int = 0  # 1 where a state is normalized

    def bias_shape(self, units: int) -> tuple[int, ...]:
        """The bias' shape for ``units`` hidden units."""
        columns = self.gates * units
        return (columns,) if self.bias_rows == 1 else (self.bias_rows, columns)


def split_gates(a: Array, gates: int) -> list[Array]:
    """The ``gates`` blocks of columns of ``a`` (B, G·H)."""
    return np.split(a, gates, axis=1)


def join_gates(*blocks: Array) -> Array:
    """The inverse of ``split_gates``."""
    return np.concatenate(blocks, axis=1)

"""RMSprop (Hinton 2012): steps divided by a running root mean square of the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from ..autograd import Variable
from .base import FloatArray, Optimizer, Rate, decaying
from .state import chosen, chosen_or_none


class RMSprop(Optimizer):
    """v = rho v + (1 - rho) g^2; w -= learning_rate g / sqrt(v + epsilon).

    Args:
        learning_rate: float or schedule.
        rho: how long v remembers.
        momentum: accumulates the steps when > 0.
        epsilon: keeps the root away from 0.
        centered: subtracts the squared running mean of g from v (Graves 2013).
        **options: those of `Optimizer`.
    """

    _arguments = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self._velocities: list[Variable] = []
        self._momentums: list[Variable] = []
        self._average_gradients: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        [self._velocities] = self.add_slots(variables, "velocity")
        if self.momentum > 0:
            [self._momentums] = self.add_slots(variables, "momentum")
        if self.centered:
            [self._average_gradients] = self.add_slots(variables, "average_gradient")

    @decaying
    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        _core.rmsprop_update(
            params,
            grads,
            chosen(self._velocities, indices),
            chosen_or_none(self._momentums, indices),
            chosen_or_none(self._average_gradients, indices),
            learning_rate,
            self.rho,
            self.momentum,
            self.epsilon,
            scale,
            self.fused_decay,
        )

"""Adadelta (Zeiler 2012): steps in the units of the weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from ..autograd import Variable
from .base import FloatArray, Optimizer, Rate, decaying
from .state import chosen


class Adadelta(Optimizer):
    """d = sqrt(D + epsilon) g / sqrt(G + epsilon); w -= learning_rate d.

    G and D are running means of g^2 and d^2. The paper has a learning rate of 1.

    Args:
        learning_rate: float or schedule.
        rho: how long G and D remember.
        epsilon: keeps the roots away from 0; the first steps are about its root.
        **options: those of `Optimizer`.
    """

    _arguments = ("rho", "epsilon")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        self.rho = rho
        self.epsilon = epsilon
        self._accumulated_grads: list[Variable] = []
        self._accumulated_delta_vars: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        self._accumulated_grads, self._accumulated_delta_vars = self.add_slots(
            variables, "accumulated_grad", "accumulated_delta_var"
        )

    @decaying
    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        _core.adadelta_update(
            params,
            grads,
            chosen(self._accumulated_grads, indices),
            chosen(self._accumulated_delta_vars, indices),
            learning_rate,
            self.rho,
            self.epsilon,
            scale,
            self.fused_decay,
        )

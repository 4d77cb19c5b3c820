"""What the relatives of Adam share: two running means per weight, and their arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..autograd import Variable
from .base import Optimizer, Rate

__all__ = ["TwoMoments"]


class TwoMoments(Optimizer):
    """Reads the arguments and keeps the state of the optimizers that have Adam's.

    Args:
        learning_rate: float or schedule.
        beta_1: how long the first mean remembers.
        beta_2: how long the second remembers.
        epsilon: keeps the division away from 0.
        **options: those of `Optimizer`.
    """

    _arguments = ("beta_1", "beta_2", "epsilon")
    _second_slot = "velocity"

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        self._momentums, self._velocities = self.add_slots(variables, "momentum", self._second_slot)

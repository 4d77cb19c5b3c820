"""Adamax: Adam with the largest gradient instead of the root mean square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from ..autograd import Variable
from .base import FloatArray, Optimizer, Rate, decaying
from .state import chosen


class Adamax(Optimizer):
    """m = running mean of g, u = max(beta_2 u, |g|); w -= a m / (u + epsilon).

    a = learning_rate / (1 - beta_1^t) at update t (Kingma and Ba 2014, section 7.1).

    Args:
        learning_rate: float or schedule.
        beta_1: how long m remembers.
        beta_2: how slowly u forgets a large gradient.
        epsilon: keeps the division away from 0.
        **options: those of `Optimizer`.
    """

    _arguments = ("beta_1", "beta_2", "epsilon")

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
        self._m: list[Variable] = []
        self._u: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        self._m, self._u = self.add_slots(variables, "momentum", "norm")

    @decaying
    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        _core.adamax_update(
            params,
            grads,
            chosen(self._m, indices),
            chosen(self._u, indices),
            learning_rate,
            self.beta_1,
            self.beta_2,
            self.epsilon,
            int(self.iterations) + 1,
            scale,
            self.fused_decay,
        )

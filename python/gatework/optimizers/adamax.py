"""Adamax: Adam with the largest gradient instead of the root mean square."""

from __future__ import annotations

from .. import _core
from .base import FloatArray, decaying
from .state import chosen
from .two_moments import TwoMoments


class Adamax(TwoMoments):
    """m = running mean of g, u = max(beta_2 u, |g|); w -= a m / (u + epsilon).

    a = learning_rate / (1 - beta_1^t) at update t (Kingma and Ba 2014, section 7.1).

    Args:
        learning_rate: float or schedule.
        beta_1: how long m remembers.
        beta_2: how slowly u forgets a large gradient.
        epsilon: keeps the division away from 0.
        **options: those of `Optimizer`.
    """

    _second_slot = "norm"

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
            chosen(self._momentums, indices),
            chosen(self._velocities, indices),
            learning_rate,
            self.beta_1,
            self.beta_2,
            self.epsilon,
            int(self.iterations) + 1,
            scale,
            self.fused_decay,
        )

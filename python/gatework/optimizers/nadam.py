"""Nadam (Dozat 2016): Adam with Nesterov's momentum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .. import _core
from ..autograd import Variable
from .base import FloatArray, decaying
from .state import chosen
from .two_moments import TwoMoments


class Nadam(TwoMoments):
    """w -= learning_rate (c m + d g) / (sqrt(v / (1 - beta_2^t)) + epsilon).

    m and v as in Adam. With u_t = beta_1 (1 - 0.96^t / 2) and U_t the product of all u so far,
    c = u_{t+1} / (1 - U_{t+1}) and d = (1 - u_t) / (1 - U_t).

    Args:
        learning_rate: float or schedule.
        beta_1: how long m remembers.
        beta_2: how long v remembers.
        epsilon: keeps the division away from 0.
        **options: those of `Optimizer`.
    """

    def build_slots(self, variables: Sequence[Variable]) -> None:
        super().build_slots(variables)
        self._u_product = self._own_variable(np.ones((), np.float32), "variable")

    @decaying
    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        step = int(self.iterations) + 1
        product = float(self._u_product) * self.beta_1 * (1.0 - 0.5 * 0.96**step)
        self._u_product.assign(np.float32(product))
        _core.nadam_update(
            params,
            grads,
            chosen(self._momentums, indices),
            chosen(self._velocities, indices),
            learning_rate,
            self.beta_1,
            self.beta_2,
            self.epsilon,
            step,
            product,
            scale,
            self.fused_decay,
        )

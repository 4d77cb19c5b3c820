"""Adam (Kingma and Ba 2014) and AdamW (Loshchilov and Hutter 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from ..autograd import Variable
from .base import FloatArray, Optimizer, Rate, decaying
from .state import chosen, chosen_or_none


class Adam(Optimizer):
    """m, v = running means of g, g^2; w -= a m / (sqrt(v) + epsilon).

    a = learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) at update t undoes the start of m and v
    at zero.

    Args:
        learning_rate: float or schedule.
        beta_1: how long m remembers.
        beta_2: how long v remembers.
        epsilon: keeps the division away from 0.
        amsgrad: divides by the largest v so far (Reddi et al. 2018).
        **options: those of `Optimizer`.
    """

    _arguments = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []
        self._velocity_hats: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        self._momentums, self._velocities = self.add_slots(variables, "momentum", "velocity")
        if self.amsgrad:
            [self._velocity_hats] = self.add_slots(variables, "velocity_hat")

    @decaying
    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        _core.adam_update(
            params,
            grads,
            chosen(self._momentums, indices),
            chosen(self._velocities, indices),
            chosen_or_none(self._velocity_hats, indices),
            learning_rate,
            self.beta_1,
            self.beta_2,
            self.epsilon,
            int(self.iterations) + 1,
            self.fused_decay,
            scale,
        )


class AdamW(Adam):
    """Adam whose weights also shrink by `weight_decay * learning_rate` at each update."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **options
        )
        if weight_decay is None:
            raise ValueError("weight_decay must be a float, not None; without decay use Adam")

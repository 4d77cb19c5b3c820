"""Schedule-free AdamW (Defazio et al. 2024): a mean of the weights instead of a falling rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from ..autograd import Variable
from .base import FloatArray, Optimizer, Rate
from .state import chosen


class ScheduleFreeAdamW(Optimizer):
    """z -= learning_rate g / (sqrt(v / (1 - beta_2^t)) + epsilon); w = (1 - beta_1) z + beta_1 x.

    x is the mean of all z so far and v the running mean of g^2. z starts at the weights.

    Args:
        learning_rate: float or schedule.
        beta_1: share of the mean x in the weights, above 0.
        beta_2: how long v remembers.
        epsilon: keeps the division away from 0.
        warmup_steps: the rate grows to its full size over so many updates.
        **options: those of `Optimizer`.
    """

    _arguments = ("beta_1", "beta_2", "epsilon", "warmup_steps")

    def __init__(
        self,
        learning_rate: Rate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"beta_1 must be in (0, 1], not {beta_1!r}")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps
        self._momentums: list[Variable] = []
        self._velocities: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        self._momentums, self._velocities = self.add_slots(variables, "momentum", "velocity")
        for z, variable in zip(self._momentums, variables, strict=True):
            z.assign(variable.numpy().copy())

    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        step = int(self.iterations) + 1
        if self.warmup_steps > 0:
            learning_rate *= min(step / self.warmup_steps, 1.0)
        _core.schedule_free_adam_update(
            params,
            grads,
            chosen(self._momentums, indices),
            chosen(self._velocities, indices),
            learning_rate,
            self.beta_1,
            self.beta_2,
            self.epsilon,
            step,
            scale,
        )

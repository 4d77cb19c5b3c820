"""Lion (Chen et al. 2023): the sign of a mean gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from ..autograd import Variable
from .base import FloatArray, Optimizer, Rate, decaying
from .state import chosen


class Lion(Optimizer):
    """w -= learning_rate sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g.

    Args:
        learning_rate: float or schedule.
        beta_1: share of m in the step.
        beta_2: how long m remembers.
        **options: those of `Optimizer`.
    """

    _arguments = ("beta_1", "beta_2")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"beta_1 must be in (0, 1], not {beta_1!r}")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self._momentums: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        [self._momentums] = self.add_slots(variables, "momentum")

    @decaying
    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        _core.lion_update(
            params,
            grads,
            chosen(self._momentums, indices),
            learning_rate,
            self.beta_1,
            self.beta_2,
            scale,
            self.fused_decay,
        )

"""FTRL (McMahan et al. 2013): weights that an L1 penalty makes exactly zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from ..autograd import Variable
from .base import FloatArray, Optimizer, Rate, decaying
from .state import chosen


class Ftrl(Optimizer):
    """n = n + g^2; z += g + 2 shrinkage w - (n^p - n_old^p) w / learning_rate;

    w = (clip(z, -l1, l1) - z) / (n^p / learning_rate + 2 l2 + beta / learning_rate), with
    p = -learning_rate_power.

    Args:
        learning_rate: float or schedule.
        learning_rate_power: at most 0; 0 keeps the rate fixed.
        initial_accumulator_value: what n starts with, at least 0.
        l1_regularization_strength: l1, at least 0.
        l2_regularization_strength: l2, at least 0.
        l2_shrinkage_regularization_strength: shrinkage, at least 0: an L2 penalty on
            the gradient itself.
        beta: beta of the paper.
        **options: those of `Optimizer`.
    """

    _arguments = (
        "learning_rate_power",
        "initial_accumulator_value",
        "l1_regularization_strength",
        "l2_regularization_strength",
        "l2_shrinkage_regularization_strength",
        "beta",
    )

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        for name, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if not value >= 0:
                raise ValueError(f"{name} must be >= 0, not {value!r}")
        if not learning_rate_power <= 0:
            raise ValueError(f"learning_rate_power must be <= 0, not {learning_rate_power!r}")
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        self._sums: list[Variable] = []
        self._linears: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        start = [self.initial_accumulator_value]
        self._sums, self._linears = self.add_slots(variables, "accumulator", "linear", start=start)

    @decaying
    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        _core.ftrl_update(
            params,
            grads,
            chosen(self._sums, indices),
            chosen(self._linears, indices),
            learning_rate,
            self.learning_rate_power,
            self.l1_regularization_strength,
            self.l2_regularization_strength,
            self.l2_shrinkage_regularization_strength,
            self.beta,
            scale,
            self.fused_decay,
        )

"""Adagrad (Duchi, Hazan and Singer 2011): steps that shrink with all gradients so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from ..autograd import Variable
from .base import FloatArray, Optimizer, Rate, decaying
from .state import chosen


class Adagrad(Optimizer):
    """s = s + g^2; w -= learning_rate g / sqrt(s + epsilon).

    Args:
        learning_rate: float or schedule.
        initial_accumulator_value: what s starts with.
        epsilon: keeps the root away from 0.
        **options: those of `Optimizer`.
    """

    _arguments = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon
        self._sums: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        start = [self.initial_accumulator_value]
        [self._sums] = self.add_slots(variables, "accumulator", start=start)

    @decaying
    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        _core.adagrad_update(
            params,
            grads,
            chosen(self._sums, indices),
            learning_rate,
            self.epsilon,
            scale,
            self.fused_decay,
        )

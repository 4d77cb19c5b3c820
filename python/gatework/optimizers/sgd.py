"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from ..autograd import Variable
from .base import FloatArray, Optimizer, Rate, decaying
from .state import chosen_or_none


class SGD(Optimizer):
    """w += v, v = momentum * v - learning_rate * g; with `nesterov` the step looks one v ahead.

    Args:
        learning_rate: float or schedule.
        momentum: in [0, 1]; 0 keeps no state.
        nesterov: Nesterov's momentum (Sutskever et al. 2013).
        **options: those of `Optimizer`.
    """

    _arguments = ("momentum", "nesterov")

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        if isinstance(momentum, bool) or not 0 <= momentum <= 1:
            raise ValueError(f"momentum must be in [0, 1], not {momentum!r}")
        self.momentum = momentum
        self.nesterov = nesterov
        self.momentums: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        if self.momentum != 0:
            [self.momentums] = self.add_slots(variables, "momentum")

    @decaying
    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        _core.sgd_update(
            params,
            grads,
            chosen_or_none(self.momentums, indices),
            learning_rate,
            self.momentum,
            self.nesterov,
            scale,
            self.fused_decay,
        )

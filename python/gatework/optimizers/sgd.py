"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _core
from ..autograd import Variable
from .base import Optimizer, Rate
from .state import writable

FloatArray = npt.NDArray[np.float32]


class SGD(Optimizer):
    """w += v, v = momentum * v - learning_rate * g; with `nesterov` the step looks one v ahead.

    Args:
        learning_rate: float or schedule.
        momentum: in [0, 1]; 0 keeps no state.
        nesterov: Nesterov's momentum (Sutskever et al. 2013).
        **options: those of `Optimizer`.
    """

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

    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        slots = [writable(self.momentums[i]) for i in indices] if self.momentums else None
        _core.sgd_update(params, grads, slots, learning_rate, self.momentum, self.nesterov, scale)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}

"""Adam (Kingma and Ba 2014) and AdamW (Loshchilov and Hutter 2017)."""

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

    def _decay_weights(self, variables: list[Variable], rate: float) -> None:
        # With nothing excluded the fused update decays the weights in the same pass.
        if self._no_decay or self._no_decay_pattern is not None:
            super()._decay_weights(variables, rate)

    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        decayed = self._no_decay or self._no_decay_pattern is not None
        hats = [writable(self._velocity_hats[i]) for i in indices] if self._velocity_hats else None
        _core.adam_update(
            params,
            grads,
            [writable(self._momentums[i]) for i in indices],
            [writable(self._velocities[i]) for i in indices],
            hats,
            learning_rate,
            self.beta_1,
            self.beta_2,
            self.epsilon,
            int(self.iterations) + 1,
            0.0 if decayed or self.weight_decay is None else float(self.weight_decay),
            scale,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }


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

"""LAMB (You et al. 2019): Adam's steps, as long as the weights they change."""

from __future__ import annotations

import numpy as np

from .. import _core
from .base import FloatArray
from .state import chosen
from .two_moments import TwoMoments


class Lamb(TwoMoments):
    """w -= learning_rate r d, d = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon).

    m and v as in Adam; r = norm(w) / norm(d) for each weight array, 1 where either is 0.

    Args:
        learning_rate: float or schedule.
        beta_1: how long m remembers.
        beta_2: how long v remembers.
        epsilon: keeps the division away from 0.
        **options: those of `Optimizer`.
    """

    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        step = int(self.iterations) + 1
        steps = [np.zeros_like(w) for w in params]
        # Adam from zero weights at a rate of 1 is -d; its epsilon stands beside the root of v
        # alone, that of the paper beside the root of the corrected v.
        _core.adam_update(
            steps,
            grads,
            chosen(self._momentums, indices),
            chosen(self._velocities, indices),
            None,
            1.0,
            self.beta_1,
            self.beta_2,
            self.epsilon * float(np.sqrt(1.0 - self.beta_2**step)),
            step,
            0.0,
            scale,
        )
        for w, d in zip(params, steps, strict=True):
            size, length = _core.global_norm([w]), _core.global_norm([d])
            ratio = size / length if size > 0 and length > 0 else 1.0
            w += np.float32(learning_rate * ratio) * d

"""Half-cosine decays (Loshchilov and Hutter 2016), with warm-up or with restarts."""

from __future__ import annotations

import math
from typing import Any

from .decay import LearningRateSchedule, positive


def _cosine(fraction: float, floor: float) -> float:
    return (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * fraction)) + floor


class CosineDecay(LearningRateSchedule):
    """Falls along half a cosine to `alpha` times the rate it starts from.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: length of the fall.
        alpha: what remains, as a fraction.
        warmup_target: when given, the rate first climbs linearly to it in `warmup_steps`.
        warmup_steps: length of the climb.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> float:
        now, start = float(step), float(self.initial_learning_rate)
        if self.warmup_target is not None:
            if now < self.warmup_steps:
                return start + (self.warmup_target - start) * now / self.warmup_steps
            now, start = now - self.warmup_steps, self.warmup_target
        return start * _cosine(min(now, self.decay_steps) / self.decay_steps, self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Half-cosine falls one after the other.

    The n-th fall is `t_mul^n` times as long as the first and starts at `m_mul^n` times its height.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = positive("first_decay_steps", first_decay_steps)
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> float:
        done = float(step) / self.first_decay_steps
        if self.t_mul == 1.0:
            restart = math.floor(done)
            fraction = done - restart
        else:
            # The first n falls together last (t^n - 1) / (t - 1) first falls.
            restart = math.floor(math.log(1.0 - done * (1.0 - self.t_mul)) / math.log(self.t_mul))
            length = self.t_mul**restart
            fraction = (done - (1.0 - length) / (1.0 - self.t_mul)) / length
        height = self.m_mul**restart * 0.5 * (1.0 + math.cos(math.pi * fraction))
        return float(self.initial_learning_rate * ((1.0 - self.alpha) * height + self.alpha))

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }

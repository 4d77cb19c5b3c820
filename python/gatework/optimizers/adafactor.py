"""Adafactor (Shazeer and Stern 2018): the second moment of a matrix from its rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd import Variable
from .base import FloatArray, Optimizer, Rate


class Adafactor(Optimizer):
    """w -= a u / max(1, rms(u) / clip_threshold), u = g / sqrt(v),

    a = max(epsilon_2, rms(w)) min(learning_rate, 1 / sqrt(t)) at update t. v is a running mean of
    g^2 + epsilon_1 that remembers 1 - t^beta_2_decay. Of weights with two axes or more only its
    means r over columns and c over rows are kept, and v = r c / mean(r).

    Args:
        learning_rate: float or schedule.
        beta_2_decay: negative: how quickly v becomes a mean of all gradients.
        epsilon_1: keeps v away from 0.
        epsilon_2: the least size of a weight array in the length of its steps.
        clip_threshold: the largest root mean square of u.
        relative_step: kept in the config as in Keras, where 1 / sqrt(t) bounds the rate either way.
        **options: those of `Optimizer`.
    """

    _arguments = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step
        self._rows: list[Variable] = []
        self._columns: list[Variable] = []
        self._velocities: list[Variable] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        for variable in variables:
            shape = tuple(variable.shape)
            factored = len(shape) >= 2
            # Weights without columns have numbers in place of r and c, as Keras saves them.
            kind = np.float32 if factored else np.int32
            rows = np.zeros(shape[:-1] if factored else (), kind)
            columns = np.zeros((*shape[:-2], shape[-1]) if factored else (), kind)
            self._rows.append(self._own_variable(rows, variable.name))
            self._columns.append(self._own_variable(columns, variable.name))
            self._velocities += self.add_slots([variable], "velocity")[0]

    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        step = int(self.iterations) + 1
        fresh = np.float32(step**self.beta_2_decay)
        rate = min(learning_rate, step**-0.5)
        for w, g, index in zip(params, grads, indices, strict=True):
            g = g * np.float32(scale)
            v = self._velocities[index]._value
            square = g * g + np.float32(self.epsilon_1)
            if w.ndim >= 2:
                r, c = self._rows[index]._value, self._columns[index]._value
                r += fresh * (square.mean(axis=-1) - r)
                c += fresh * (square.mean(axis=-2) - c)
                share = r / r.mean(axis=-1, keepdims=True)
                np.multiply(share[..., None], c[..., None, :], out=v)
            else:
                v += fresh * (square - v)
            u: FloatArray = np.divide(g, np.sqrt(v))
            size = max(self.epsilon_2, _root_mean_square(w)) * rate
            w -= np.float32(size / max(1.0, _root_mean_square(u) / self.clip_threshold)) * u


def _root_mean_square(x: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) if x.size else 0.0

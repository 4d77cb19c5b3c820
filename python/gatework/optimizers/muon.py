"""Muon (Jordan et al. 2024): momentum made orthogonal, for matrices; AdamW for what is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _core
from ..autograd import Variable
from .base import FloatArray, Optimizer, Rate


class Muon(Optimizer):
    """m = momentum m + g; w -= learning_rate rms_rate sqrt(max(rows, columns)) orthogonal(m).

    `orthogonal` is a few Newton-Schulz steps X = a X + (b A + c A A) X with A = X X^T, from
    X = m / norm(m), or with `nesterov` from g + momentum m. Weights without exactly two axes,
    embeddings and what `exclude_layers` names follow AdamW. The size of the step is Moonlight's
    (Liu et al. 2025).

    Args:
        learning_rate: float or schedule.
        adam_beta_1: beta_1 of AdamW.
        adam_beta_2: beta_2 of AdamW.
        adam_weight_decay: weight decay of what follows AdamW; None for none.
        epsilon: that of AdamW.
        weight_decay: weight decay of the matrices.
        exclude_layers: patterns of the paths of weights that follow AdamW.
        exclude_embeddings: whether weights with "embedding" in their path follow AdamW.
        muon_a, muon_b, muon_c: a, b and c.
        adam_lr_ratio: the rate of AdamW in rates of Muon.
        momentum: how long m remembers.
        ns_steps: the number of Newton-Schulz steps.
        nesterov: looks one step ahead.
        rms_rate: size of a step in root mean square; None leaves the orthogonal matrix as it is.
        **options: those of `Optimizer`.
    """

    _arguments = (
        "adam_beta_1",
        "adam_beta_2",
        "adam_weight_decay",
        "epsilon",
        "exclude_layers",
        "exclude_embeddings",
        "muon_a",
        "muon_b",
        "muon_c",
        "adam_lr_ratio",
        "momentum",
        "ns_steps",
        "nesterov",
        "rms_rate",
    )

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **options)
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = list(exclude_layers or ())
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate
        self._momentums: list[Variable] = []
        self._velocities: list[Variable | None] = []

    def build_slots(self, variables: Sequence[Variable]) -> None:
        for variable in variables:
            self._momentums += self.add_slots([variable], "momentum")[0]
            follows = self._follows_adam(variable)
            self._velocities += self.add_slots([variable], "velocity")[0] if follows else [None]

    def _follows_adam(self, variable: Variable) -> bool:
        path = str(getattr(variable, "path", None) or variable.name)
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in path.lower()):
            return True
        return any(re.search(pattern, path) for pattern in self.exclude_layers)

    def _decay_weights(self, variables: Sequence[Variable], rate: float) -> None:
        for variable in variables:
            adam = self._follows_adam(variable)
            decay = self.adam_weight_decay if adam else self.weight_decay
            if decay is not None and self._decays(variable):
                array: FloatArray = variable._value
                array *= np.float32(1.0 - decay * rate)

    def update(
        self,
        params: list[FloatArray],
        grads: list[FloatArray],
        indices: list[int],
        learning_rate: float,
        scale: float,
    ) -> None:
        adam: list[tuple[FloatArray, FloatArray, FloatArray, FloatArray]] = []
        for w, g, index in zip(params, grads, indices, strict=True):
            m: FloatArray = self._momentums[index]._value
            velocity = self._velocities[index]
            if velocity is not None:
                adam.append((w, g, m, velocity._value))
                continue
            g = g * np.float32(scale)
            m *= np.float32(self.momentum)
            m += g
            step = self._orthogonal(g + np.float32(self.momentum) * m if self.nesterov else m)
            size = 1.0 if self.rms_rate is None else max(w.shape) ** 0.5 * self.rms_rate
            w -= np.float32(learning_rate * size) * step
        if adam:
            weights, gradients, means, squares = zip(*adam, strict=True)
            _core.adam_update(
                weights,
                gradients,
                means,
                squares,
                None,
                learning_rate * self.adam_lr_ratio,
                self.adam_beta_1,
                self.adam_beta_2,
                self.epsilon,
                int(self.iterations) + 1,
                0.0,
                scale,
            )

    def _orthogonal(self, x: FloatArray) -> FloatArray:
        a, b, c = (np.float32(number) for number in (self.muon_a, self.muon_b, self.muon_c))
        tall = x.shape[0] > x.shape[1]
        x = np.ascontiguousarray(x.T if tall else x)
        x = x / np.float32(_core.global_norm([x]) + 1e-7)
        for _ in range(self.ns_steps):
            square = _core.gemm(x, x, trans_b=True)
            x = a * x + _core.gemm(b * square + c * _core.gemm(square, square), x)
        return x.T if tall else x

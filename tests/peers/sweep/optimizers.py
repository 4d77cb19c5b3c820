"""Optimizers: the weights after every step, under random options; schedules: their rates."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np

from tests.peers.keras_side import as_array, tensor
from tests.peers.sweep.case import OMITTED, Case, Make, made, worst
from tests.peers.sweep.names import module

SHARED = {
    "weight_decay": [OMITTED, 0.01],
    "clipnorm": [None, None, 0.5],
    "use_ema": [False, True],
    "ema_momentum": [0.99, 0.5],
    "ema_overwrite_frequency": [None, 2],
    "gradient_accumulation_steps": [None, None, 2],
}
STEPS = 7


def of(**choices: Any) -> Case:
    rates = [0.01, 0.1, Make(lambda L: L.schedules.ExponentialDecay(0.1, 2, 0.5))]
    return Case({"learning_rate": rates, **choices, **SHARED}, draws=8)


BETAS = {"beta_1": [0.9, 0.5], "beta_2": [0.999, 0.9], "epsilon": [1e-7, 1e-3]}
CASES: dict[str, Case] = {
    "SGD": of(momentum=[0.0, 0.9], nesterov=[False, True]),
    "RMSprop": of(rho=[0.9, 0.5], momentum=[0.0, 0.5], centered=[False, True]),
    "Adam": of(**BETAS, amsgrad=[False, True]),
    "AdamW": of(**BETAS, amsgrad=[False, True]),
    "Adamax": of(**BETAS),
    "Nadam": of(**BETAS),
    "Adagrad": of(initial_accumulator_value=[0.1, 0.5], epsilon=[1e-7, 1e-3]),
    "Adadelta": of(rho=[0.95, 0.5], epsilon=[1e-7, 1e-3]),
    "Adafactor": of(
        beta_2_decay=[-0.8, -0.5], clip_threshold=[1.0, 0.5], relative_step=[True, False]
    ),
    "Lion": of(beta_1=[0.9, 0.5], beta_2=[0.99, 0.9]),
    "Ftrl": of(l1_regularization_strength=[0.0, 0.01], beta=[0.0, 0.1]),
    "Lamb": of(**BETAS),
    "ScheduleFreeAdamW": of(**BETAS, warmup_steps=[0, 3]),
    "Muon": of(),
}


def largest_difference(name: str, case: Case) -> float:
    import keras

    found = 0.0
    theirs_module, ours_module = module("keras", "optimizers"), module("gatework", "optimizers")
    for arguments, rng in case.arguments(name):
        starts = [rng.normal(size=shape).astype("float32") for shape in ((4, 3), (3,), (2, 3, 2))]
        gradients = [
            [rng.normal(0, 0.5, w.shape).astype("float32") for w in starts] for _ in range(STEPS)
        ]
        paths = []
        for package, library in ((keras, theirs_module), (gatework, ours_module)):
            optimizer = getattr(library, name)(**made(arguments, library))
            weights = [package.Variable(w) for w in starts]
            optimizer.build(weights)
            path = []
            for step in gradients:
                optimizer.apply([as_given(library, g) for g in step], weights)
                path += [np.array(as_array(w.value)) for w in weights]
            if arguments.get("use_ema"):
                optimizer.finalize_variable_values(weights)
                path += [np.array(as_array(w.value)) for w in weights]
            paths.append(path)
        found = max(found, worst(paths[1], paths[0]))
    return found


def as_given(library: Any, gradient: np.ndarray) -> Any:
    """A gradient as each library's tape would hand it over."""
    if library.__name__.startswith("gatework"):
        return gatework.Tensor(gradient)
    return tensor(gradient).detach()


START = {"initial_learning_rate": [0.1, 0.003]}
SCHEDULES: dict[str, Case] = {
    "CosineDecay": Case(
        {
            **START,
            "decay_steps": [20, 7],
            "alpha": [0.0, 0.1],
            "warmup_target": [None, 0.5],
            "warmup_steps": [0, 5],
        },
        draws=6,
    ),
    "CosineDecayRestarts": Case(
        {
            **START,
            "first_decay_steps": [5, 8],
            "t_mul": [2.0, 1.0, 1.5],
            "m_mul": [1.0, 0.7],
            "alpha": [0.0, 0.1],
        },
        draws=6,
    ),
    "ExponentialDecay": Case(
        {**START, "decay_steps": [5, 3], "decay_rate": [0.9, 0.5], "staircase": [False, True]}
    ),
    "InverseTimeDecay": Case(
        {**START, "decay_steps": [5, 3], "decay_rate": [0.9, 0.5], "staircase": [False, True]}
    ),
    "PiecewiseConstantDecay": Case(
        {"boundaries": [[3, 9], [1, 30]], "values": [[0.1, 0.05, 0.001], [1.0, 2.0, 3.0]]}
    ),
    "PolynomialDecay": Case(
        {
            **START,
            "decay_steps": [10, 7],
            "end_learning_rate": [0.0001, 0.01],
            "power": [1.0, 2.0],
            "cycle": [False, True],
        },
        draws=6,
    ),
}


def largest_difference_of_schedule(name: str, case: Case) -> float:
    """The rates of the first steps, each relative to itself: rates are small."""
    theirs, ours = (module(library, "optimizers.schedules") for library in ("keras", "gatework"))
    found = 0.0
    for arguments, _ in case.arguments(name):
        expected, own = (
            np.array([float(schedule(step)) for step in (0, 1, 3, 6, 10, 19, 44)])
            for schedule in (getattr(L, name)(**arguments) for L in (theirs, ours))
        )
        found = max(
            found, float((np.abs(own - expected) / np.maximum(np.abs(expected), 1e-4)).max())
        )
    return found

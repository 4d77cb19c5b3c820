"""Initializers, in their statistics; regularizers, constraints, activations, in their numbers."""

from __future__ import annotations

import functools

import gatework
import numpy as np

from tests.peers.keras_side import as_array, run_gatework, run_keras, tensor, torch_gradients
from tests.peers.sweep.case import Case, worst
from tests.peers.sweep.names import module

SEEDED = {"seed": [7]}
SHAPES = {"shapes": [(300, 200), (5, 60, 90)]}
SCALED = Case(SEEDED, SHAPES)
EXACT = {"exact": True, "shapes": [(4, 6), (5,)]}
INITIALIZERS: dict[str, Case] = {
    "Zeros": Case({}, EXACT),
    "Ones": Case({}, EXACT),
    "Constant": Case({"value": [0.5, -2.0]}, EXACT),
    "Identity": Case({"gain": [1.0, 0.3]}, {"exact": True, "shapes": [(4, 6), (5, 5)]}),
    "STFT": Case({"side": ["real", "imag"]}, {"exact": True, "shapes": [(8, 1, 5)]}),
    "RandomNormal": Case({"mean": [0.0, 1.0], "stddev": [0.05, 0.5], **SEEDED}, SHAPES),
    "RandomUniform": Case({"minval": [-0.05, 0.0], "maxval": [0.05, 2.0], **SEEDED}, SHAPES),
    "TruncatedNormal": Case({"mean": [0.0, 1.0], "stddev": [0.05, 0.5], **SEEDED}, SHAPES),
    "VarianceScaling": Case(
        {
            "scale": [1.0, 2.0],
            "mode": ["fan_in", "fan_out", "fan_avg"],
            "distribution": ["truncated_normal", "untruncated_normal", "uniform"],
            **SEEDED,
        },
        SHAPES,
        draws=6,
    ),
    "GlorotNormal": SCALED,
    "GlorotUniform": SCALED,
    "HeNormal": SCALED,
    "HeUniform": SCALED,
    "LecunNormal": SCALED,
    "LecunUniform": SCALED,
    "Orthogonal": Case(
        {"gain": [1.0, 1.5], **SEEDED}, {"shapes": [(90, 40), (40, 90), (6, 5, 30)]}
    ),
}
# The probability that equal distributions are taken for different ones. The seeds are fixed.
SIGNIFICANCE = 1e-3


def initializers_difference(name: str, case: Case) -> float:
    """Exact values' difference, or that of the distribution functions where values are drawn."""
    from scipy.stats import ks_2samp

    theirs, ours = module("keras", "initializers"), module("gatework", "initializers")
    found = 0.0
    for arguments, _ in case.arguments(name):
        for shape in case.options["shapes"]:
            expected, own = (
                np.asarray(getattr(L, name)(**arguments)(shape)) for L in (theirs, ours)
            )
            if own.shape != expected.shape or own.dtype != expected.dtype:
                raise AssertionError(
                    f"{own.dtype}{own.shape}, there {expected.dtype}{expected.shape}"
                )
            if case.options.get("exact"):
                found = max(found, worst([own], [expected]))
                continue
            distance, probability = ks_2samp(own.ravel(), expected.ravel())[:2]
            if probability < SIGNIFICANCE:
                raise AssertionError(f"other distribution for {arguments}: distance {distance:.3f}")
            if name == "Orthogonal":
                found = max(found, worst([gram(own)], [gram(expected)]))
    return found


def gram(matrix: np.ndarray) -> np.ndarray:
    flat = matrix.reshape(-1, matrix.shape[-1]).astype("float64")
    flat = flat if flat.shape[0] < flat.shape[1] else flat.T
    return flat @ flat.T


REGULARIZERS: dict[str, Case] = {
    "L1": Case({"l1": [0.01, 0.5]}),
    "L2": Case({"l2": [0.01, 0.5]}),
    "L1L2": Case({"l1": [0.0, 0.1], "l2": [0.0, 0.2]}),
    "OrthogonalRegularizer": Case({"factor": [0.01, 0.3], "mode": ["rows", "columns"]}),
}


def regularizers_difference(name: str, case: Case) -> float:
    """Penalty and gradient."""
    theirs, ours = module("keras", "regularizers"), module("gatework", "regularizers")
    found = 0.0
    for arguments, rng in case.arguments(name):
        x = rng.normal(size=(5, 4)).astype("float32")
        watched = tensor(x)
        cost = getattr(theirs, name)(**arguments)(watched)
        expected = [as_array(cost), *torch_gradients([cost], [watched], [np.ones((), "float32")])]
        source = gatework.Tensor(x)
        with gatework.GradientTape() as tape:
            tape.watch(source)
            penalty = getattr(ours, name)(**arguments)(source)
        slope = tape.gradient(penalty, source, unconnected_gradients="zero")
        found = max(found, worst([penalty, slope], expected))
    return found


CONSTRAINTS: dict[str, Case] = {
    "MaxNorm": Case({"max_value": [2, 0.5], "axis": [0, 1, [0, 1]]}),
    "MinMaxNorm": Case(
        {"min_value": [0.0, 1.5], "max_value": [1.0, 2.0], "rate": [1.0, 0.3], "axis": [0, 1]}
    ),
    "NonNeg": Case(),
    "UnitNorm": Case({"axis": [0, 1]}),
}


def constraints_difference(name: str, case: Case) -> float:
    theirs, ours = module("keras", "constraints"), module("gatework", "constraints")
    found = 0.0
    for arguments, rng in case.arguments(name):
        x = rng.normal(size=(5, 4)).astype("float32")
        own, expected = (np.asarray(getattr(L, name)(**arguments)(x)) for L in (ours, theirs))
        found = max(found, worst([own], [expected]))
    return found


PLAIN_ACTIVATIONS = [
    "exponential",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "linear",
    "log_sigmoid",
    "mish",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "swish",
    "tanh",
    "tanh_shrink",
]
ACTIVATIONS: dict[str, Case] = {
    **{name: Case() for name in PLAIN_ACTIVATIONS},
    "celu": Case({"alpha": [1.0, 0.5]}),
    "elu": Case({"alpha": [1.0, 0.5]}),
    "gelu": Case({"approximate": [False, True]}),
    "glu": Case({"axis": [-1]}),
    "hard_shrink": Case({"threshold": [0.5, 1.2]}),
    "leaky_relu": Case({"negative_slope": [0.2, 0.01]}),
    "log_softmax": Case({"axis": [-1, 0]}),
    "relu": Case(
        {"negative_slope": [0.0, 0.2], "max_value": [None, 3.3], "threshold": [0.0, 0.7]}, draws=6
    ),
    "soft_shrink": Case({"threshold": [0.5, 1.2]}),
    "softmax": Case({"axis": [-1, 0]}),
    "squareplus": Case({"b": [4, 1]}),
    "threshold": Case({"threshold": [0.7], "default_value": [0.0, 2.0]}),
    "sparsemax": Case({"axis": [-1]}),
}
CORNERS = np.array([-3, -1.2, -1, -0.7, -0.5, 0, 0.5, 0.7, 1, 1.2, 3, 3.3, 6])


def activations_difference(name: str, case: Case) -> float:
    """Values and gradients, over small, large and very large numbers."""
    theirs, ours = module("keras", "activations"), module("gatework", "activations")
    found = 0.0
    for arguments, rng in case.arguments(name):
        x = np.concatenate([rng.normal(0, 3, 90), np.linspace(-6, 6, 21), [-80, 80, 1e-6, 0]])
        x = x.reshape(5, 23).astype("float32")[:, : 22 if name == "glu" else 23]

        bound = [functools.partial(getattr(L, name), **arguments) for L in (theirs, ours)]
        expected, up, slopes = run_keras(
            module("keras", "layers").Activation(bound[0]), [], x, int(rng.integers(2**31))
        )
        layer = module("gatework", "layers").Activation(bound[1])
        outputs, gradients = run_gatework(layer, [], x, up)
        # At the points where a piece ends, each framework may take either side's slope.
        smooth = np.abs(x[..., None] - CORNERS).min(-1) > 1e-5
        found = max(found, worst(outputs, expected))
        found = max(found, worst([gradients[0] * smooth], [slopes[0] * smooth]))
    return found

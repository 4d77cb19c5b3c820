"""The elementary functions: error in units in the last place, over all of float32."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gatework import _core, reference

pytestmark = pytest.mark.usefixtures("isa")

SMALLEST = float(np.finfo(np.float32).tiny)


def every_nth_float(step: int) -> Any:
    """Finite floats of both signs, evenly spread over their bit patterns."""
    bits = np.arange(0, 2**32, step, dtype=np.uint64).astype(np.uint32)
    x = bits.view(np.float32)
    return x[np.isfinite(x)]


SWEEP = np.concatenate(
    [
        every_nth_float(8191),
        np.linspace(-110, 110, 400_001, dtype=np.float32),
        np.linspace(-1, 1, 200_001, dtype=np.float32),
    ]
)


def ulp_error(actual: Any, expected: Any) -> Any:
    """|actual - expected| in units of the last place of ``expected``; denormals count as zero."""
    unit = np.spacing(np.maximum(abs(expected), SMALLEST).astype(np.float32))
    error = abs(actual.astype(np.float64) - expected) / unit
    both_tiny = (abs(expected) < SMALLEST) & (abs(actual) <= SMALLEST)
    return np.where(both_tiny, 0, error)


# Bounds stated in kernels/math.h: function, float64 value, ULP.
BOUNDS: dict[str, tuple[Callable[[Any], Any], float]] = {
    "exponential": (np.exp, 2.0),
    "elu": (reference.ACTIVATIONS["elu"].value, 3.0),
    "sigmoid": (reference.ACTIVATIONS["sigmoid"].value, 3.0),
    "softplus": (reference.ACTIVATIONS["softplus"].value, 3.0),
    "tanh": (np.tanh, 4.0),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_error_in_units_of_the_last_place(name: str) -> None:
    function, bound = BOUNDS[name]
    x = SWEEP[SWEEP < 88] if name == "exponential" else SWEEP
    error = ulp_error(_core.activation_forward(name, x), function(x.astype(np.float64)))
    worst = int(np.argmax(error))
    assert error[worst] <= bound, f"{error[worst]:.3f} ULP at {x[worst]!r}"


def test_erf_inside_of_gelu() -> None:
    """gelu(x) = x (1 + erf(x / sqrt 2)) / 2: 2 ULP of erf, and the rounding of the sum with 1."""
    x = SWEEP[abs(SWEEP) < 1e30]
    found = _core.activation_forward("gelu", x).astype(np.float64)
    error = abs(found - reference.ACTIVATIONS["gelu"].value(x.astype(np.float64)))
    assert (error <= 2.0**-23 * abs(x) + SMALLEST).all()


def test_gelu_keeps_what_is_not_finite() -> None:
    x = np.tile(np.float32([np.nan, np.inf, -1e30, 0.0, -0.0]), 7)
    found = _core.activation_forward("gelu", x)
    np.testing.assert_array_equal(found, np.tile(np.float32([np.nan, np.inf, 0, 0, 0]), 7))
    slopes = _core.activation_backward("gelu", x, np.ones_like(x))
    assert np.isnan(slopes[::5]).all()
    np.testing.assert_array_equal(slopes[3::5], 0.5)


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("sigmoid", [np.inf, -np.inf, 0.0, -0.0, 1e-40], [1.0, 0.0, 0.5, 0.5, 0.5]),
        ("tanh", [np.inf, -np.inf, 0.0, 20.0, -20.0], [1.0, -1.0, 0.0, 1.0, -1.0]),
        ("exponential", [np.inf, -np.inf, 0.0, -0.0, 200.0], [np.inf, 0.0, 1.0, 1.0, np.inf]),
        ("exponential", [-200.0, 1e-40, 88.8], [0.0, 1.0, np.inf]),
        ("relu", [np.inf, -np.inf, -0.0], [np.inf, 0.0, 0.0]),
        ("softplus", [np.inf, -np.inf, 200.0, -200.0], [np.inf, 0.0, 200.0, 0.0]),
        ("log_sigmoid", [np.inf, -np.inf, -200.0], [0.0, -np.inf, -200.0]),
        ("hard_sigmoid", [np.inf, -np.inf, 3.0, -3.0], [1.0, 0.0, 1.0, 0.0]),
        ("hard_sigmoid_keras2", [np.inf, -np.inf, 2.5, -2.5], [1.0, 0.0, 1.0, 0.0]),
        ("hard_tanh", [np.inf, -np.inf], [1.0, -1.0]),
        ("relu6", [np.inf, -np.inf, 6.0], [6.0, 0.0, 6.0]),
        ("elu", [np.inf, -np.inf, -200.0], [np.inf, -1.0, -1.0]),
    ],
)
def test_special_values(name: str, x: list[float], expected: list[float]) -> None:
    # Every lane of every vector width, and the rest after the last vector.
    tiled = np.tile(np.array(x, np.float32), 7)
    with np.errstate(over="ignore"):
        actual = _core.activation_forward(name, tiled)
    np.testing.assert_array_equal(actual, np.tile(np.array(expected, np.float32), 7))


def test_tanh_keeps_the_sign_of_zero() -> None:
    y = _core.activation_forward("tanh", np.array([0.0, -0.0] * 9, np.float32))
    assert np.signbit(y).tolist() == [False, True] * 9


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "exponential"])
def test_denormals_give_what_zero_gives(name: str) -> None:
    x = np.array([1e-45, 1e-40, -1e-40, -1e-38], np.float32)
    y = _core.activation_forward(name, x)
    zero = _core.activation_forward(name, np.zeros(1, np.float32))
    np.testing.assert_allclose(y, zero.repeat(4), atol=SMALLEST)


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_nan_stays_in_its_place(name: str) -> None:
    for position in range(35):
        x = np.linspace(-3, 3, 35, dtype=np.float32)
        x[position] = np.nan
        assert np.flatnonzero(np.isnan(_core.activation_forward(name, x))).tolist() == [position]


def test_outputs_of_sigmoid_and_tanh_never_leave_their_range() -> None:
    sigmoid = _core.activation_forward("sigmoid", SWEEP)
    tanh = _core.activation_forward("tanh", SWEEP)
    assert (sigmoid >= 0).all()
    assert (sigmoid <= 1).all()
    assert (abs(tanh) <= 1).all()

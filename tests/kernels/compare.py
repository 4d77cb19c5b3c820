"""How kernels are held against the reference."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.kernels.problems import Problem, Solution, solve_by_reference

OUTPUT_ERROR = 1e-5
GRADIENT_ERROR = 1e-4
# A result near zero may be what is left of terms of order one: its error is then that of the terms,
# a few units in the last place of 1.
CANCELLED = 2e-7
# A gradient sums many such terms (dx one for every unit and gate), each with its own roundings.
CANCELLED_SUM = 1e-6


def assert_output(actual: NDArray[Any], expected: NDArray[Any], name: str = "y") -> None:
    """Relative error ≤ 1e-5 in the maximum norm; what is not finite is at the same places."""
    assert actual.dtype == np.float32
    assert actual.shape == expected.shape
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite], err_msg=name)
    scale = np.abs(expected[finite]).max(initial=0.0)
    error = np.abs(actual[finite] - expected[finite]).max(initial=0.0)
    assert error <= max(OUTPUT_ERROR * scale, CANCELLED), f"{name}: {error:.3g} of {scale:.3g}"


def assert_gradient(actual: NDArray[Any], expected: NDArray[Any], name: str) -> None:
    """Relative error ≤ 1e-4 in the Euclidean norm."""
    assert actual.dtype == np.float32
    assert actual.shape == expected.shape
    scale = float(np.linalg.norm(expected))
    error = float(np.linalg.norm(actual - expected))
    bound = max(GRADIENT_ERROR * scale, CANCELLED_SUM)
    assert error <= bound, f"d{name}: {error:.3g} of {scale:.3g}"


def assert_solution(problem: Problem, actual: Solution) -> None:
    """``actual`` is what the reference finds in float64."""
    expected = solve_by_reference(problem.astype(np.float64))
    assert_output(actual.y, expected.y)
    assert len(actual.states) == len(expected.states)
    for i, pair in enumerate(zip(actual.states, expected.states, strict=True)):
        assert_output(*pair, f"states[{i}]")
    assert set(actual.gradients) == set(expected.gradients)
    for name, gradient in expected.gradients.items():
        assert_gradient(actual.gradients[name], gradient, name)


def assert_same_bits(actual: Solution, expected: Solution) -> None:
    """Not one bit differs."""
    for name, a, b in _all(actual, expected):
        assert a.tobytes() == b.tobytes(), f"{name} differs in {np.count_nonzero(a != b)} places"


def _all(actual: Solution, expected: Solution) -> list[tuple[str, NDArray[Any], NDArray[Any]]]:
    pairs = [("y", actual.y, expected.y)]
    for i, (a, b) in enumerate(zip(actual.states, expected.states, strict=True)):
        pairs.append((f"states[{i}]", a, b))
    for name, gradient in expected.gradients.items():
        pairs.append((f"d{name}", actual.gradients[name], gradient))
    return pairs

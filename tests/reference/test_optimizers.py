"""Optimizer steps of the reference, against the formulas written out for one number."""

import math

import numpy as np
import pytest
from gatework import reference


def one(value: float) -> list[np.ndarray]:
    return [np.array([value])]


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_with_momentum(nesterov: bool) -> None:
    w, u = one(1.0), one(0.0)
    expected_w, expected_u = 1.0, 0.0
    for g in (0.5, -0.25, 2.0):
        reference.sgd_update(w, one(g), u, 0.1, 0.9, nesterov, scale=2.0)
        expected_u = 0.9 * expected_u - 0.1 * 2 * g
        expected_w += 0.9 * expected_u - 0.1 * 2 * g if nesterov else expected_u
    np.testing.assert_allclose([w[0][0], u[0][0]], [expected_w, expected_u], rtol=1e-14)


def test_sgd_without_momentum() -> None:
    w = one(1.0)
    reference.sgd_update(w, one(0.5), None, 0.1, 0.0, False)
    assert w[0][0] == 0.95


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_rmsprop(centred: bool, momentum: float) -> None:
    w, v = one(1.0), one(0.0)
    mom = one(0.0) if momentum else None
    avg = one(0.0) if centred else None
    ew, ev, em, ea = 1.0, 0.0, 0.0, 0.0
    for g in (0.5, -0.25, 2.0):
        reference.rmsprop_update(w, one(g), v, mom, avg, 0.01, 0.9, momentum, 1e-7)
        ev = 0.9 * ev + 0.1 * g * g
        ea = 0.9 * ea + 0.1 * g if centred else 0.0
        em = momentum * em + 0.01 * g / math.sqrt(ev - ea * ea + 1e-7)
        ew -= em
    np.testing.assert_allclose([w[0][0], v[0][0]], [ew, ev], rtol=1e-13)


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam(amsgrad: bool, decay: float) -> None:
    w, m, v = one(1.0), one(0.0), one(0.0)
    vhat = one(0.0) if amsgrad else None
    ew, em, ev, eh = 1.0, 0.0, 0.0, 0.0
    for t, g in enumerate((2.0, -0.25, 0.5), start=1):
        reference.adam_update(w, one(g), m, v, vhat, 0.01, 0.9, 0.999, 1e-7, t, decay)
        em = 0.9 * em + 0.1 * g
        ev = 0.999 * ev + 0.001 * g * g
        eh = max(eh, ev) if amsgrad else ev
        alpha = 0.01 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        ew -= 0.01 * decay * ew
        ew -= alpha * em / (math.sqrt(eh) + 1e-7)
    np.testing.assert_allclose([w[0][0], m[0][0], v[0][0]], [ew, em, ev], rtol=1e-12)


def test_global_norm() -> None:
    assert reference.global_norm([np.array([[3.0], [4.0]]), np.array([12.0])]) == 13.0
    assert reference.global_norm([]) == 0.0


def test_global_norm_does_not_overflow_the_type_of_its_arrays() -> None:
    large = np.full(4, 1e30, np.float32)
    np.testing.assert_allclose(reference.global_norm([large]), 2e30, rtol=1e-6)

"""Normalizations of the reference: their gradients against central differences."""

import numpy as np
import pytest
from gatework import reference

from tests.ops.numeric import differences

RNG = np.random.default_rng(0)
X, DY = RNG.normal(size=(2, 5, 4))
GAMMA, BETA = RNG.normal(size=(2, 4))


@pytest.mark.parametrize("centered", [True, False])
def test_rows(centered: bool) -> None:
    def forward(x, gamma, beta):
        return reference.row_norm_forward(x, gamma, beta, 1e-3, centered)[0]

    _, mean, rstd = reference.row_norm_forward(X, GAMMA, BETA, 1e-3, centered)
    found = reference.row_norm_backward(X, GAMMA, mean, rstd, DY)
    for i, gradient in enumerate(found):
        expected = differences(forward, [X, GAMMA, BETA], i, DY)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("constant", [True, False])
def test_columns(masked: bool, constant: bool) -> None:
    mask = np.array([1, 0, 1, 1, 0], bool) if masked else None
    divisor = 3.0 if masked else 5.0
    fixed = reference.column_moments(X, mask, divisor)

    def forward(x, gamma, beta):
        mean, variance = fixed if constant else reference.column_moments(x, mask, divisor)
        return reference.column_norm_forward(x, mean, gamma / np.sqrt(variance + 1e-3), beta)

    rstd = 1 / np.sqrt(fixed[1] + 1e-3)
    found = reference.column_norm_backward(
        X, fixed[0], rstd, GAMMA, mask, 0.0 if constant else divisor, DY
    )
    for i, gradient in enumerate(found):
        expected = differences(forward, [X, GAMMA, BETA], i, DY)
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)

"""Values and slopes of the reference's activations."""

import numpy as np
import pytest
from gatework import reference
from gatework.reference import ACTIVATIONS

# No kink of any activation lies within a step of these points.
POINTS = np.linspace(-8, 8, 401) + 0.0123

KNOWN = {  # at x = -1.5, 0.25 and 4, from 40-digit arithmetic
    "tanh": (-0.905148253644866, 0.244918662403709, 0.999329299739067),
    "sigmoid": (0.182425523806356, 0.562176500885798, 0.982013790037908),
    "relu6": (0.0, 0.25, 4.0),
    "leaky_relu": (-0.3, 0.25, 4.0),
    "elu": (-0.776869839851570, 0.25, 4.0),
    "selu": (-1.36581435336725, 0.262675246838870, 4.20280394942192),
    "celu": (-0.776869839851570, 0.25, 4.0),
    "gelu": (-0.100210801903287, 0.149676581420731, 3.99987331503267),
    "gelu_tanh": (-0.100428423019767, 0.149675350701685, 3.999929754051808),
    "silu": (-0.273638285709534, 0.140544125221449, 3.928055160151634),
    "mish": (-0.298099742166807, 0.169572409663818, 3.99741280697624),
    "softplus": (0.201413277982752, 0.825939419878844, 4.01814992791781),
    "softsign": (-0.6, 0.2, 0.8),
    "exponential": (0.223130160148430, 1.284025416687741, 54.598150033144239),
    "log_sigmoid": (-1.70141327798275, -0.575939419878844, -0.0181499279178097),
    "hard_sigmoid": (0.25, 0.541666666666667, 1.0),
    "hard_sigmoid_keras2": (0.2, 0.55, 1.0),
    "hard_silu": (-0.375, 0.135416666666667, 4.0),
    "hard_tanh": (-1.0, 0.25, 1.0),
    "tanh_shrink": (-0.594851746355134, 0.005081337596291, 3.000670700260933),
    "soft_shrink": (-1.0, 0.0, 3.5),
    "hard_shrink": (-1.5, 0.0, 4.0),
    "sparse_plus": (0.0, 0.390625, 4.0),
    "sparse_sigmoid": (0.0, 0.625, 1.0),
    "squareplus": (0.5, 1.132782218537319, 4.236067977499790),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_values(name: str) -> None:
    values = reference.activation_forward(name, np.array([-1.5, 0.25, 4.0]))
    np.testing.assert_allclose(values, KNOWN[name], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slope_is_the_derivative(name: str) -> None:
    value, slope = ACTIVATIONS[name]
    difference = (value(POINTS + 1e-6) - value(POINTS - 1e-6)) / 2e-6
    np.testing.assert_allclose(slope(POINTS), difference, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_and_shape_are_kept(name: str, dtype: type) -> None:
    x = np.linspace(-2, 2, 12, dtype=dtype).reshape(3, 4)
    for result in (ACTIVATIONS[name].value(x), ACTIVATIONS[name].slope(x)):
        assert result.dtype == dtype
        assert result.shape == (3, 4)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_stays_nan(name: str) -> None:
    assert np.isnan(ACTIVATIONS[name].value(np.array([np.nan]))).all()


def test_far_arguments_do_not_overflow() -> None:
    far = np.array([-1e4, 1e4])
    for name, (value, slope) in ACTIVATIONS.items():
        if name != "exponential":
            assert np.isfinite(value(far)).all()
            assert np.isfinite(slope(far)).all()


def test_backward_multiplies_by_the_slope() -> None:
    dx = reference.activation_backward("softsign", np.array([1.0, -3.0]), np.array([8.0, 16.0]))
    np.testing.assert_allclose(dx, [2.0, 1.0])


def test_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^activation must be one of linear, .*, not 'swash'$"):
        reference.activation_forward("swash", POINTS)

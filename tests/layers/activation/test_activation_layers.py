"""Activation layers against their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework.layers import ELU, LeakyReLU, PReLU, ReLU, Softmax

from tests.ops.numeric import check

X = np.linspace(-3.1, 3.3, 24).reshape(2, 3, 4).astype(np.float32)


@pytest.mark.parametrize(
    ("layer", "formula"),
    [
        (ReLU(), lambda x: np.maximum(x, 0)),
        (ReLU(2.0, 0.5, 1.0), lambda x: np.minimum(np.where(x >= 1, x, 0.5 * (x - 1)), 2)),
        (LeakyReLU(), lambda x: np.where(x > 0, x, 0.3 * x)),
        (LeakyReLU(alpha=0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
        (ELU(0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
        (Softmax(axis=1), lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)),
        (Softmax(axis=(1, 2)), lambda x: np.exp(x) / np.exp(x).sum((1, 2), keepdims=True)),
        (PReLU("ones"), lambda x: x),
    ],
)
def test_values_and_gradients(layer: Any, formula: Any) -> None:
    check(layer, formula, X, atol=1e-4)


def test_a_mask_excludes_from_softmax() -> None:
    mask = np.array([[[True], [False], [True]], [[False], [False], [False]]])
    y = Softmax(axis=1)(X, mask=mask).numpy()
    np.testing.assert_allclose(y.sum(axis=1), [[1] * 4, [0] * 4], rtol=1e-6)
    assert (y[:, 1] == 0).all()
    np.testing.assert_array_equal(Softmax(axis=1)(X, mask=mask.astype(np.float32)).numpy(), y)
    with pytest.raises(ValueError, match=r"mask of .* must broadcast to .*not have shape \(2, 3\)"):
        Softmax()(X, mask=np.ones((2, 3), bool))


def test_prelu_shares_its_slopes_along_axes() -> None:
    for shared, shape in ((None, (3, 4)), (1, (1, 4)), ([1, 2], (1, 1))):
        layer = PReLU(shared_axes=shared)
        layer.build((None, 3, 4))
        assert layer.alpha.shape == shape
    with pytest.raises(ValueError, match="must have known sizes along axes that are not shared"):
        PReLU().build((None, None, 4))
    with pytest.raises(ValueError, match=r"shared_axes must be in \[1, 2\], not 3"):
        PReLU(shared_axes=3).build((None, 3, 4))


@pytest.mark.parametrize(
    "make",
    [
        lambda: ReLU(max_value=-1.0),
        lambda: ReLU(negative_slope=None),
        lambda: ReLU(threshold=-0.5),
        lambda: LeakyReLU(-0.1),
    ],
)
def test_numbers_that_must_not_be_negative(make: Any) -> None:
    with pytest.raises(ValueError, match="must be a number that is not negative, not"):
        make()

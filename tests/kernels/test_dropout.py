"""Dropout kernels: the same bits as the reference, on every instruction set."""

from typing import Any

import numpy as np
import pytest
from gatework import _core, reference
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("isa", "threads_restored")

SHAPES = [(1,), (3,), (4,), (5,), (31, 7), (2, 3, 19), (100_003,), (0,), (3, 0)]
RATES = st.floats(0, 0.999, allow_subnormal=False)
SEEDS = st.integers(0, 2**63 - 1)


@pytest.mark.parametrize("shape", SHAPES)
@given(rate=RATES, seed=SEEDS)
def test_mask_has_the_bits_of_the_reference(shape: tuple[int, ...], rate: float, seed: int) -> None:
    mask = _core.dropout_mask(shape, rate, seed)
    assert mask.tobytes() == reference.dropout_mask(shape, rate, seed).tobytes()
    assert mask.shape == shape


@given(seed=SEEDS)
def test_dropout_has_the_bits_of_the_reference(seed: int) -> None:
    x = np.random.default_rng(0).standard_normal((7, 33)).astype(np.float32)
    for rate in (0.0, 0.2, 0.5, 0.9):
        actual = _core.dropout(x, rate, seed)
        np.testing.assert_array_equal(actual, reference.dropout(x, rate, seed))


@given(seed=SEEDS)
def test_spatial_dropout_has_the_bits_of_the_reference(seed: int) -> None:
    rng = np.random.default_rng(0)
    for shape in ((3, 4, 5), (1, 1, 1), (2, 7, 33), (4, 0, 3)):
        x = rng.standard_normal(shape).astype(np.float32)
        actual = _core.spatial_dropout(x, 0.4, seed)
        np.testing.assert_array_equal(actual, reference.spatial_dropout(x, 0.4, seed))


def test_same_bits_for_any_number_of_threads() -> None:
    x = np.ones((100, 50, 60), np.float32)
    _core.set_num_threads(1)
    expected = [f(x, 0.3, 99).tobytes() for f in (_core.dropout, _core.spatial_dropout)]
    for threads in (2, 3):
        _core.set_num_threads(threads)
        actual = [f(x, 0.3, 99).tobytes() for f in (_core.dropout, _core.spatial_dropout)]
        assert actual == expected


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan"), float("inf")])
@pytest.mark.parametrize(
    "call",
    [
        lambda rate: _core.dropout(np.ones((2, 3), np.float32), rate, 0),
        lambda rate: _core.spatial_dropout(np.ones((2, 3, 4), np.float32), rate, 0),
        lambda rate: _core.dropout_mask((2, 3), rate, 0),
    ],
)
def test_rate_is_checked(call: Any, rate: float) -> None:
    with pytest.raises(ValueError, match=r"^rate must be in \[0, 1\), not -?(\d|nan|inf)"):
        call(rate)

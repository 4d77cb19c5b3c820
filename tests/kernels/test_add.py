"""The sum of two arrays: NumPy's bits on every instruction set and any number of threads."""

import numpy as np
import pytest
from gatework import _core


@pytest.mark.parametrize("size", [0, 1, 7, 8191, 8193, 50_001])
@pytest.mark.parametrize("threads", [1, 3])
def test_sums_are_those_of_numpy(isa, size, threads):
    rng = np.random.default_rng(size)
    a, b = rng.standard_normal((2, size), np.float32)
    a[:5], b[2:7] = np.nan, np.inf
    before = _core.num_threads()
    _core.set_num_threads(threads)
    try:
        np.testing.assert_array_equal(_core.add(a, b), a + b)
    finally:
        _core.set_num_threads(before)


def test_arrays_of_other_shapes_are_refused():
    a = np.zeros((2, 3), np.float32)
    with pytest.raises(ValueError, match=r"b must be of shape \(2, 3\), not \(3, 2\)"):
        _core.add(a, np.zeros((3, 2), np.float32))
    with pytest.raises(TypeError, match="b must be an array of float32, not one of float64"):
        _core.add(a, np.zeros((2, 3)))
    with pytest.raises(ValueError, match="a must be C-contiguous"):
        _core.add(a.T, a.T)

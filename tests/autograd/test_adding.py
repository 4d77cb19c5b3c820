"""Gradients that meet are added, whatever their size, layout and type."""

import numpy as np
import pytest
from gatework import ops
from gatework.autograd import GradientTape, Tensor
from gatework.autograd.adding import added


@pytest.mark.parametrize("shape", [(), (3,), (200, 300)])
@pytest.mark.parametrize("dtypes", [("f4", "f4"), ("f4", "f8"), ("i4", "i4")])
@pytest.mark.parametrize("strided", [False, True])
def test_added_is_numpys_sum(shape, dtypes, strided):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape, scale=9).astype(d) for d in dtypes)
    if strided:
        a = a.T
        b = np.array(b.T, order="F")
    found = added(a, b)
    assert found.dtype == (a + b).dtype
    np.testing.assert_array_equal(found, a + b)


def test_operands_of_other_shapes_are_broadcast():
    a = np.ones((200, 300), np.float32)
    np.testing.assert_array_equal(added(a, a[:1]), a + 1)


def test_a_large_value_used_twice_gets_both_gradients():
    x = Tensor(np.random.default_rng(0).standard_normal((200, 300), np.float32))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.add(ops.multiply(x, 2.0), ops.multiply(x, 3.0))
    np.testing.assert_array_equal(tape.gradient(y, x), np.full(x.shape, 5, np.float32))

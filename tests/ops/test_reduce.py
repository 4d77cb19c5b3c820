"""Reductions: every axis argument, gradients, ties and empty input."""

import numpy as np
import pytest
from gatework import ops
from gatework.autograd import GradientTape, Tensor, Variable
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from tests.ops.numeric import check, values


def log_sum_exp(x, axis=None, keepdims=False):
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


FORMULAS = {
    "sum": np.sum,
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "var": np.var,
    "std": np.std,
    "logsumexp": log_sum_exp,
}
AXES = [None, 0, -1, (0, 2), (1,), [-1, 0]]


@pytest.mark.parametrize("name", sorted(FORMULAS))
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_reduction(name, axis, keepdims):
    axes = tuple(axis) if isinstance(axis, list) else axis
    check(
        lambda x: getattr(ops, name)(x, axis=axis, keepdims=keepdims),
        lambda x: FORMULAS[name](x, axis=axes, keepdims=keepdims),
        values(2, 3, 2),
    )


@given(data=st.data(), shape=array_shapes(min_dims=1, max_dims=4, max_side=3))
def test_any_shape_and_axes(data, shape):
    name = data.draw(st.sampled_from(["sum", "mean", "max", "prod", "logsumexp"]))
    axes = tuple(data.draw(st.sets(st.integers(0, len(shape) - 1))))
    keepdims = data.draw(st.booleans())
    check(
        lambda x: getattr(ops, name)(x, axes, keepdims),
        lambda x: FORMULAS[name](x, axis=axes, keepdims=keepdims),
        values(*shape),
    )


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_numbers_without_axes(name):
    if name != "std":  # whose slope at zero is infinite
        check(getattr(ops, name), FORMULAS[name], values())


@pytest.mark.parametrize("name", sorted(FORMULAS))
@pytest.mark.parametrize("axis", [2, -3, (0, 5)])
def test_axes_out_of_range_are_refused(name, axis):
    with pytest.raises(ValueError, match=r"axis must be in \[-2, 2\), not"):
        getattr(ops, name)(np.ones((2, 3)), axis=axis)


def test_an_axis_named_twice_is_refused():
    with pytest.raises(ValueError, match=r"axis must name each axis once, not \(0, -2\)"):
        ops.sum(np.ones((2, 3)), axis=(0, -2))


def test_ties_share_the_gradient():
    x = Tensor([1.0, 3.0, 3.0])
    for op, at in ((ops.max, x), (ops.min, Tensor([1.0, 1.0, 3.0]))):
        with GradientTape() as tape:
            tape.watch(at)
            y = op(at)
        assert sorted(tape.gradient(y, at).numpy().tolist()) == [0, 0.5, 0.5]


def test_products_with_zeros():
    for x in ([0.0, 2.0, 3.0], [0.0, 0.0, 3.0]):
        check(ops.prod, np.prod, np.array(x))


def test_nothing_to_reduce():
    empty = np.zeros((0, 2), np.float32)
    assert ops.sum(empty).item() == 0.0
    assert ops.prod(empty).item() == 1.0
    assert np.isnan(ops.mean(empty).item())
    assert ops.mean(empty, axis=0).shape == (2,)
    assert ops.logsumexp(empty, axis=0).numpy().tolist() == [-np.inf, -np.inf]
    with pytest.raises(
        ValueError, match=r"x must not be empty along axis 0, not of shape \(0, 2\)"
    ):
        ops.max(empty, axis=0)


def test_log_sum_exp_of_extremes():
    assert ops.logsumexp([1e4, 1e4]).item() == pytest.approx(1e4 + np.log(2))
    assert ops.logsumexp([-np.inf, -np.inf]).item() == -np.inf
    assert ops.logsumexp([np.inf, 0.0]).item() == np.inf


def test_dtypes():
    assert ops.sum([1, 2]).dtype == "int64"
    assert ops.sum(np.array([True, True])).item() == 2
    assert ops.mean([1, 2]).dtype == "float32"
    assert ops.max(np.array([1, 2], np.int8)).dtype == "int8"
    assert ops.sum(Tensor([1.0], "float64")).dtype == "float64"
    assert ops.mean(Tensor([1.0], "float64")).dtype == "float64"


def test_nan_propagates():
    x = [[1.0, np.nan], [1.0, 2.0]]
    for name in ("sum", "mean", "max", "min", "prod", "logsumexp"):
        found = getattr(ops, name)(x, axis=1).numpy()
        assert np.isnan(found).tolist() == [True, False], name


def test_cumsum():
    for axis in (0, 1, -1):
        check(
            lambda x, axis=axis: ops.cumsum(x, axis),
            lambda x, axis=axis: np.cumsum(x, axis),
            values(2, 3),
        )
    check(ops.cumsum, np.cumsum, values(2, 3))


def test_positions_of_extremes():
    x = np.array([[1.0, 5.0, 5.0], [4.0, 2.0, 2.0]])
    assert ops.argmax(x).item() == 1
    assert ops.argmax(x, axis=1).numpy().tolist() == [1, 0]
    assert ops.argmin(x, axis=1, keepdims=True).numpy().tolist() == [[0], [1]]


def test_truth():
    x = [[0, 1], [1, 1]]
    assert ops.any(x).item() is True
    assert ops.all(x, axis=1).numpy().tolist() == [False, True]
    assert ops.any(x, axis=(0, 1), keepdims=True).shape == (1, 1)
    assert ops.count_nonzero(x, axis=0).numpy().tolist() == [1, 2]


def test_gradients_can_be_written_to():
    x = Tensor(np.ones((2, 3)))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(x)
    found = tape.gradient(y, x).numpy()
    assert found.flags.writeable
    assert found.flags.c_contiguous


def test_the_mean_of_single_values_does_not_change_with_the_variable():
    v = Variable([[1.0], [2.0]])
    mean = ops.mean(v, axis=-1)
    v._value[...] = 5.0
    np.testing.assert_array_equal(mean.numpy(), [1.0, 2.0])

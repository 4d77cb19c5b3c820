"""Elementwise operations: values and gradients, broadcasting, dtypes and IEEE results."""

import numpy as np
import pytest
from gatework import ops
from gatework.autograd import GradientTape, Tensor, Variable
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from tests.ops.numeric import check, values

POSITIVE = {"low": 0.3, "high": 3.0}

BINARY = {
    "add": (np.add, {}, {}),
    "subtract": (np.subtract, {}, {}),
    "multiply": (np.multiply, {}, {}),
    "divide": (np.divide, {}, POSITIVE),
    "true_divide": (np.divide, {}, POSITIVE),
    "power": (np.power, POSITIVE, {}),
    "mod": (np.mod, {}, {"low": 5.0, "high": 7.0}),
    "maximum": (np.maximum, {}, {}),
    "minimum": (np.minimum, {}, {}),
}

UNARY = {
    "negative": (np.negative, {}),
    "abs": (np.abs, {}),
    "absolute": (np.abs, {}),
    "square": (np.square, {}),
    "sqrt": (np.sqrt, POSITIVE),
    "rsqrt": (lambda x: 1 / np.sqrt(x), POSITIVE),
    "reciprocal": (lambda x: 1 / x, POSITIVE),
    "exp": (np.exp, {}),
    "expm1": (np.expm1, {}),
    "log": (np.log, POSITIVE),
    "log1p": (np.log1p, POSITIVE),
    "sin": (np.sin, {}),
    "cos": (np.cos, {}),
}


@pytest.mark.parametrize("name", sorted(BINARY))
def test_binary(name):
    formula, first, second = BINARY[name]
    check(getattr(ops, name), formula, values(2, 3, **first), values(2, 3, seed=1, **second))


@pytest.mark.parametrize("name", sorted(UNARY))
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0, 2)])
def test_unary(name, shape):
    formula, options = UNARY[name]
    check(getattr(ops, name), formula, values(*shape, **options))


@given(
    shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3, min_side=0),
    name=st.sampled_from(["add", "subtract", "multiply", "divide", "power"]),
)
def test_broadcasting_is_undone_in_the_gradient(shapes, name):
    a, b = (values(*shape, seed=i, **POSITIVE) for i, shape in enumerate(shapes.input_shapes))
    check(getattr(ops, name), getattr(np, name), a, b)


@given(shapes=mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3))
def test_where_broadcasts(shapes):
    c, a, b = (values(*shape, seed=i) for i, shape in enumerate(shapes.input_shapes))
    check(lambda a, b: ops.where(c > 0, a, b), lambda a, b: np.where(c > 0, a, b), a, b)


def test_the_same_tensor_twice():
    check(lambda x: ops.multiply(x, x), np.square, values(3))
    check(lambda x: x + x * x - x / 2.0, lambda x: x / 2 + x * x, values(3))


@pytest.mark.parametrize("number", [3, 2.5, True, np.float64(2.5), np.int64(3), np.float32(0.1)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_numbers_do_not_widen_floats(number, dtype):
    x = Tensor([1.0, 2.0], dtype)
    for name in ("add", "subtract", "multiply", "divide", "power", "maximum", "mod"):
        if isinstance(number, np.generic) and dtype == "float16":
            continue  # an array of one value is an array: NumPy's rule decides
        op = getattr(ops, name)
        assert op(x, number).dtype == dtype, name
        assert op(number, x).dtype == dtype, name


@pytest.mark.parametrize(
    ("a", "b", "dtype"),
    [
        ([1, 2], [0.5, 1.5], "float32"),
        (np.array([1, 2], np.int32), 0.5, "float32"),
        (np.array([1, 2], np.int32), 3, "int32"),
        (np.array([1, 2], np.int64), [1.0, 2.0], "float32"),
        (np.array([1, 2], np.uint8), np.array([1, 2], np.int32), "int32"),
        ([True, False], 2, "int64"),
        ([True, False], [0.5, 0.5], "float32"),
        (1, 2, "int64"),
        (1, 2.0, "float32"),
    ],
)
def test_mixed_dtypes(a, b, dtype):
    for x, y in ((a, b), (b, a)):
        found = ops.add(x, y)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, np.add(x, y))


def test_integers_are_divided_as_floats():
    assert ops.divide([1], [2]).numpy().tolist() == [0.5]
    assert ops.power(2, -1).item() == 0.5
    assert ops.power(2, 3).dtype == "int64"
    assert ops.sqrt([4, 9]).dtype == "float32"


def test_gradients_between_float_types():
    x, w = Tensor([1.0, 2.0], "float64"), Variable([3.0, 4.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = x * w
    dx, dw = tape.gradient(y, [x, w])
    assert (y.dtype, dx.dtype, dw.dtype) == ("float64", "float64", "float32")
    np.testing.assert_array_equal(dw, [1, 2])


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda: ops.log([0.0, -1.0]), [-np.inf, np.nan]),
        (lambda: ops.sqrt([-1.0]), [np.nan]),
        (lambda: ops.divide([1.0, 0.0], 0.0), [np.inf, np.nan]),
        (lambda: ops.exp([1e3, -1e3]), [np.inf, 0]),
        (lambda: ops.multiply([3e38], 10.0), [np.inf]),
        (lambda: ops.add([3e38], [3e38]), [np.inf]),
        (lambda: ops.subtract([np.inf], [np.inf]), [np.nan]),
        (lambda: ops.square([1e30]), [np.inf]),
        (lambda: ops.power([0.0, -1.0], [-1.0, 0.5]), [np.inf, np.nan]),
        (lambda: ops.mod([1.0], 0.0), [np.nan]),
        (lambda: ops.floor_divide([1.0], 0.0), [np.inf]),
        (lambda: ops.maximum([np.nan], 1.0), [np.nan]),
        (lambda: ops.clip([np.nan, np.inf], 0.0, 1.0), [np.nan, 1]),
        (lambda: ops.log1p([-1.0, -2.0]), [-np.inf, np.nan]),
        (lambda: ops.sin([np.inf]), [np.nan]),
        (lambda: ops.reciprocal([0.0]), [np.inf]),
        (lambda: ops.rsqrt([0.0]), [np.inf]),
    ],
)
def test_special_values_come_without_warnings(compute, expected):
    np.testing.assert_array_equal(compute(), np.float32(expected))


def test_special_gradients_come_without_warnings():
    x = Tensor([0.0, -1.0, 1.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.log(x) + ops.sqrt(x) + 1.0 / x
    found = tape.gradient(y, x).numpy()
    assert not np.isfinite(found[:2]).any()
    assert found[2] == 0.5


def test_slopes_at_kinks():
    def slope(op, at):
        x = Tensor(at)
        with GradientTape() as tape:
            tape.watch(x)
            y = op(x)
        return tape.gradient(y, x).item()

    assert slope(ops.abs, 0.0) == 0.0
    assert slope(lambda x: ops.maximum(x, 0.0), 0.0) == 1.0
    assert slope(lambda x: ops.maximum(0.0, x), 0.0) == 0.0
    assert slope(lambda x: ops.minimum(x, 0.0), 0.0) == 1.0
    assert slope(lambda x: ops.clip(x, -1.0, 1.0), 1.0) == 1.0
    assert slope(lambda x: ops.clip(x, -1.0, 1.0), 1.5) == 0.0
    assert slope(lambda x: x**0, 0.0) == 0.0
    assert slope(lambda x: x**1, 0.0) == 1.0
    assert slope(lambda x: x**2, -3.0) == -6.0
    assert slope(lambda x: x**0.5, 0.0) == np.inf


def test_clip():
    check(lambda x: ops.clip(x, -1.0, 1.0), lambda x: np.clip(x, -1, 1), values(7))
    check(
        lambda x: ops.clip(x, [[-1.0], [0.0]], 1.0), lambda x: np.clip(x, [[-1], [0]], 1), values(7)
    )
    assert ops.clip([1, 5], 2, 3).numpy().tolist() == [2, 3]


def test_a_nan_that_is_not_chosen_stays_out_of_the_gradient():
    x = Tensor([0.0, 4.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.where(x > 0, ops.multiply(x, x), 0.0)
    np.testing.assert_array_equal(tape.gradient(y, x), [0, 8])
    big = Tensor([np.inf, 1.0])
    with GradientTape() as tape:
        tape.watch(big)
        y = ops.where([False, True], big, 2.0)
    np.testing.assert_array_equal(
        tape.gradient(y, big, output_gradients=np.array([np.nan, 1.0])), [0.0, 1.0]
    )


def test_where():
    indices = ops.where([[0, 1], [1, 0]])
    assert [i.numpy().tolist() for i in indices] == [[0, 1], [1, 0]]
    assert ops.where(True, 1.0, 2.0).item() == 1.0
    with pytest.raises(ValueError, match="x1 and x2 must be given both or not at all"):
        ops.where([True], 1.0)


@pytest.mark.parametrize("name", ["sign", "floor", "ceil", "round"])
def test_steps_have_no_gradient(name):
    x = Tensor([-1.5, 0.0, 2.5])
    with GradientTape() as tape:
        tape.watch(x)
        y = getattr(ops, name)(x)
    np.testing.assert_array_equal(y, getattr(np, name)(x.numpy()))
    assert tape.gradient(y, x) is None


@pytest.mark.parametrize(
    "name", ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]
)
def test_comparisons(name):
    a, b = np.array([[1.0, np.nan, 3.0]], np.float32), np.array([[1.0], [2.0]], np.float32)
    found = getattr(ops, name)(a, b)
    assert found.dtype == "bool"
    np.testing.assert_array_equal(found, getattr(np, name)(a, b))
    assert getattr(ops, name).__doc__


def test_integers_are_compared_exactly():
    assert not ops.equal(np.array([2**53 + 1]), np.array([2**53])).numpy().any()
    assert ops.less([2**24], [2**24 + 1]).numpy().all()


def test_logic():
    a, b = [True, True, False, False], [1.0, 0.0, 1.0, 0.0]
    assert ops.logical_and(a, b).numpy().tolist() == [True, False, False, False]
    assert ops.logical_or(a, b).numpy().tolist() == [True, True, True, False]
    assert ops.logical_xor(a, b).numpy().tolist() == [False, True, True, False]
    assert ops.logical_not(b).numpy().tolist() == [False, True, False, True]


def test_classification_of_values():
    x = [1.0, np.nan, np.inf, -np.inf]
    assert ops.isnan(x).numpy().tolist() == [False, True, False, False]
    assert ops.isinf(x).numpy().tolist() == [False, False, True, True]
    assert ops.isfinite(x).numpy().tolist() == [True, False, False, False]


def test_cast():
    x = Tensor([1.5, 2.5])
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.cast(ops.cast(x, "float64") * 2.0, "float32")
        z = ops.cast(x, "int32")
    assert (y.dtype, z.dtype) == ("float32", "int32")
    assert tape.gradient([y], x).numpy().tolist() == [2, 2]
    assert ops.cast(x, "float32") is x
    assert ops.cast([0.0, 2.0], "bool").numpy().tolist() == [False, True]
    assert ops.cast(Tensor([1e300], "float64"), "float32").numpy().tolist() == [np.inf]


def test_shapes_that_do_not_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"\(2,\) \(3,\)"):
        ops.add(np.ones(2), np.ones(3))


def test_stop_gradient_keeps_value_and_dtype():
    assert ops.stop_gradient(Tensor([1.0], "float64")).dtype == "float64"

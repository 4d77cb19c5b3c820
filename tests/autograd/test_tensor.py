"""Tensors: what can become one, and what they look like from NumPy and Python."""

import copy
import pickle

import numpy as np
import pytest
from gatework.autograd import GradientTape, Tensor, Variable, as_array, as_tensor


class Subclass(np.ndarray):
    pass


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (1.5, "float32"),
        ([1.5, 2], "float32"),
        (2, "int64"),
        (True, "bool"),
        (np.float64(2), "float32"),
        (np.ones(2, np.float16), "float32"),
        (np.ones(2, np.longdouble), "float32"),
        (np.ones(2, ">f4"), "float32"),
        (np.ones(2, ">f8"), "float32"),
        (np.ones(2, ">i4"), "int32"),
        (np.ones(2, np.int8), "int8"),
        (np.ones(2, np.uint64), "uint64"),
        ([], "float32"),
        (np.ones(2, np.float32).view(Subclass), "float32"),
    ],
)
def test_dtypes_at_the_boundary(value, dtype):
    t = Tensor(value)
    assert t.dtype == dtype
    assert t._value.dtype.isnative
    assert type(t.numpy()) is np.ndarray
    np.testing.assert_array_equal(t.numpy(), np.asarray(value))


def test_a_dtype_can_be_asked_for():
    assert Tensor([1, 2], "float32").dtype == "float32"
    assert Tensor([1.0], "float64").dtype == "float64"
    assert as_array([1.7], "int32").tolist() == [1]


def test_too_large_a_double_becomes_infinite():
    assert np.isinf(Tensor(1e300).numpy())


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("text", "strings"),
        (1j, "dtype complex128"),
        (None, "NoneType"),
        (object(), "object"),
        (np.array([1, None]), "dtype object"),
        (np.datetime64("2020-01-01"), "dtype datetime64"),
        ({"a": 1}, "dict"),
    ],
)
def test_what_is_not_numeric_is_refused(value, found):
    with pytest.raises(TypeError, match=f"must be an array of numbers or booleans, not {found}"):
        Tensor(value)


def test_ragged_lists_are_refused():
    with pytest.raises(ValueError, match="x must be one array, not ragged"):
        Tensor([[1, 2], [3]])


def test_any_strides_and_alignment():
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    for view in (
        base[::-1, ::2],
        base.T,
        np.asfortranarray(base),
        np.broadcast_to(base, (2, 4, 6)),
    ):
        np.testing.assert_array_equal(Tensor(view).numpy(), view)
    crooked = np.zeros(17, np.uint8)[1:].view(np.float32)
    assert Tensor(crooked).numpy().flags.aligned


def test_read_only_arrays_are_fine():
    x = np.ones(3, np.float32)
    x.flags.writeable = False
    assert (Tensor(x) + 1.0).numpy().tolist() == [2, 2, 2]


def test_dlpack_without_the_array_protocol():
    class Foreign:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    x = np.arange(3, dtype=np.float32)
    np.testing.assert_array_equal(Tensor(Foreign(x)).numpy(), x)
    np.testing.assert_array_equal(np.from_dlpack(Tensor(x)), x)


def test_as_tensor_keeps_tensors():
    t = Tensor([1.0])
    assert as_tensor(t) is t
    assert as_tensor(t, "float32") is t
    assert as_tensor(t, "int32").dtype == "int32"


def test_conversions_of_tensors_are_differentiable():
    x = Tensor([1.0, 2.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = as_tensor([x * 3.0, as_tensor(x, "float64")])
    np.testing.assert_array_equal(tape.gradient(y, x), [4.0, 4.0])


def test_attributes():
    t = Tensor(np.zeros((2, 3)))
    assert (t.shape, t.ndim, t.size, t.dtype, len(t)) == ((2, 3), 2, 6, "float32", 2)
    assert t.T.shape == (3, 2)
    assert t.reshape(3, 2).shape == t.reshape((3, 2)).shape == t.reshape([3, -1]).shape == (3, 2)
    assert t.reshape(-1).shape == (6,)
    assert [row.shape for row in t] == [(3,), (3,)]
    assert repr(t).startswith("<Tensor shape=(2, 3) dtype=float32 value=array(")


def test_python_numbers():
    t = Tensor(2.5)
    assert (float(t), int(t), bool(t), t.item()) == (2.5, 2, True, 2.5)
    assert f"{t:.3f}" == "2.500"
    assert f"{Tensor([2.5]):.1f}" == "2.5"
    assert f"{t}" == str(t)
    assert [10, 20, 30][Tensor(1)] == 20
    with pytest.raises(TypeError, match="rank 0"):
        iter(t)
    with pytest.raises(TypeError):
        format(Tensor([1.0, 2.0]), ".2f")
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor([1.0, 2.0]))


def test_operators_with_arrays_and_numbers_on_either_side():
    t, a = Tensor([4.0, 9.0]), np.array([1.0, 2.0])
    for found, expected in [
        (a + t, [5, 11]),
        (t + a, [5, 11]),
        (a - t, [-3, -7]),
        (2 - t, [-2, -7]),
        (a * t, [4, 18]),
        (1 / t, [1 / 4, 1 / 9]),
        (a / t, [1 / 4, 2 / 9]),
        (2**t, [16, 512]),
        (t**a, [4, 81]),
        (t // 2, [2, 4]),
        (9 // t, [2, 1]),
        (t % 5, [4, 4]),
        (10 % t, [2, 1]),
        (a @ t, 22),
        (t @ a, 22),
        (-t, [-4, -9]),
        (abs(-t), [4, 9]),
        (np.float32(2) * t, [8, 18]),
        (np.float64(2) * t, [8, 18]),
    ]:
        assert type(found) is Tensor
        assert found.dtype == "float32"
        np.testing.assert_allclose(found, np.float32(expected), rtol=1e-6)


def test_comparisons_are_elementwise():
    t = Tensor([1.0, 2.0, 3.0])
    for found, expected in [
        (t == 2, [0, 1, 0]),
        (t != 2, [1, 0, 1]),
        (t < 2, [1, 0, 0]),
        (t <= 2, [1, 1, 0]),
        (t > 2, [0, 0, 1]),
        (t >= 2, [0, 1, 1]),
        (np.array([2.0, 2, 2]) < t, [0, 0, 1]),
        (~(t == 2), [1, 0, 1]),
        ((t > 1) & (t < 3), [0, 1, 0]),
        ((t < 2) | (t > 2), [1, 0, 1]),
    ]:
        assert found.dtype == "bool"
        np.testing.assert_array_equal(found, np.array(expected, bool))
    assert len({t, Tensor([1.0])}) == 2  # hashed by identity


def test_numpy_functions_read_tensors():
    t = Tensor([[1.0, 2.0]])
    assert np.asarray(t) is t.numpy()
    assert np.array(t) is not t.numpy()
    assert np.asarray(t, np.float64).dtype == np.float64
    assert np.sum(t) == 3.0
    with pytest.raises(ValueError, match="copy"):
        np.array(t, np.float64, copy=False)


def test_results_are_arrays_even_without_axes():
    for y in (Tensor(1.0) + 1.0, Tensor([1.0])[0], -Tensor(2.0), Tensor(2.0) > 1.0):
        assert type(y.numpy()) is np.ndarray


def test_copies_stand_alone():
    w = Variable([1.0, 2.0])
    with GradientTape():
        y = w * 2.0
    for twin in (copy.copy(y), copy.deepcopy(y), pickle.loads(pickle.dumps(y))):
        assert twin._node is None
        np.testing.assert_array_equal(twin, y)

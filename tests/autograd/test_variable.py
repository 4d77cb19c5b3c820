"""Variables: creation, assignment and the count of their versions."""

import copy
import pickle

import numpy as np
import pytest
from gatework.autograd import Tensor, Variable


def test_values_are_copied_and_become_float32():
    array = np.arange(3)
    v = Variable(array, name="kernel")
    array[0] = 9
    assert v.dtype == "float32"
    assert (v.name, v.path, v.trainable, v.version) == ("kernel", "kernel", True, 0)
    assert v.value is v
    np.testing.assert_array_equal(v, [0, 1, 2])
    assert v._value.flags.c_contiguous
    assert Variable([1, 2], dtype="int32").dtype == "int32"


def test_callable_initializers_get_shape_and_dtype():
    calls = []

    def initializer(shape, dtype):
        calls.append((shape, dtype))
        return np.ones(shape)

    assert Variable(initializer, shape=[2, 3]).shape == (2, 3)
    assert calls == [((2, 3), "float32")]
    with pytest.raises(ValueError, match="shape must be given when initializer is a callable"):
        Variable(initializer)
    with pytest.raises(ValueError, match=r"must give shape \(2,\), not \(3,\)"):
        Variable(np.ones(3), shape=(2,))
    with pytest.raises(TypeError, match="name must be a string, not int"):
        Variable(1.0, name=3)


def test_assign():
    v = Variable([1.0, 2.0], name="bias")
    old = v._value
    assert v.assign([3, 4]) is v
    assert (v.version, v.writes) == (1, 0)
    np.testing.assert_array_equal(old, [1, 2])
    v.assign_add(np.array([1, 1]))
    v.assign_sub(Tensor(0.5))
    np.testing.assert_array_equal(v, [3.5, 4.5])
    assert (v.version, v.dtype) == (3, "float32")


def test_assign_refuses_other_shapes_and_changes_nothing():
    v = Variable([1.0, 2.0], name="bias")
    for bad in (1.0, [1.0], np.ones((2, 2))):
        with pytest.raises(ValueError, match=r"variable 'bias' must have shape \(2,\), not"):
            v.assign(bad)
    assert v.version == 0
    np.testing.assert_array_equal(v, [1, 2])


def test_assign_takes_a_copy():
    v, array = Variable([1.0, 2.0]), np.array([3.0, 4.0], np.float32)
    v.assign(array)
    array[0] = 9
    np.testing.assert_array_equal(v, [3, 4])


def test_values_read_earlier_survive_a_write_in_place():
    v = Variable([1.0, 2.0])
    before, also = v.numpy(), np.array(v)
    v._value[...] = 7.0
    v.touch()
    np.testing.assert_array_equal(before, [1, 2])
    np.testing.assert_array_equal(also, [1, 2])
    assert (v.version, v.writes) == (1, 1)


def test_copies_keep_everything_but_share_nothing():
    v = Variable([1.0, 2.0], trainable=False, name="kernel")
    v.path = "layer/kernel"
    for twin in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert (twin.name, twin.path, twin.trainable) == ("kernel", "layer/kernel", False)
        twin._value[0] = 9
        np.testing.assert_array_equal(v, [1, 2])
    assert repr(v).startswith("<Variable path=layer/kernel shape=(2,) dtype=float32 value=")

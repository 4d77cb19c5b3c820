"""Making, rearranging and picking: values, gradients and refusals."""

import numpy as np
import pytest
from gatework import ops
from gatework.autograd import GradientTape, Tensor, Variable
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, basic_indices

from tests.ops.numeric import check, values

X = values(2, 3, 4)

REARRANGED = {
    "reshape": (lambda o, x: o.reshape(x, (3, -1)), None),
    "reshape to one axis": (lambda o, x: o.reshape(x, -1), None),
    "transpose": (lambda o, x: o.transpose(x), None),
    "transpose with axes": (lambda o, x: o.transpose(x, (1, 2, 0)), None),
    "transpose with negative axes": (lambda o, x: o.transpose(x, (-1, 0, -2)), None),
    "swapaxes": (lambda o, x: o.swapaxes(x, 0, -1), None),
    "moveaxis": (lambda o, x: o.moveaxis(x, 0, 2), None),
    "moveaxis of several": (lambda o, x: o.moveaxis(x, (0, 1), (2, 0)), None),
    "expand_dims": (lambda o, x: o.expand_dims(x, 1), None),
    "expand_dims at the end": (lambda o, x: o.expand_dims(x, -1), None),
    "expand_dims twice": (lambda o, x: o.expand_dims(x, (0, -1)), None),
    "squeeze": (lambda o, x: o.squeeze(x[:1]), None),
    "squeeze an axis": (lambda o, x: o.squeeze(x[:, :1], 1), None),
    "broadcast_to": (lambda o, x: o.broadcast_to(x, (5, 2, 3, 4)), None),
    "flip": (lambda o, x: o.flip(x), None),
    "flip an axis": (lambda o, x: o.flip(x, 1), None),
    "flip axes": (lambda o, x: o.flip(x, (0, -1)), None),
    "tile": (lambda o, x: o.tile(x, 2), None),
    "tile axes": (lambda o, x: o.tile(x, (2, 1, 3)), None),
    "tile into more axes": (lambda o, x: o.tile(x, (2, 1, 1, 3)), None),
    "repeat": (lambda o, x: o.repeat(x, 2), None),
    "repeat along": (lambda o, x: o.repeat(x, 3, axis=1), None),
    "repeat by counts": (lambda o, x: o.repeat(x, [1, 0, 2], axis=1), None),
    "take": (lambda o, x: o.take(x, np.array([[0, 2], [2, 2]]), axis=1), None),
    "take from all": (lambda o, x: o.take(x, [0, 5, 5]), None),
    "pad": (lambda o, x: o.pad(x, ((1, 0), (0, 2), (1, 1))), None),
    "pad by one number": (lambda o, x: o.pad(x, 1), None),
    "pad with a value": (lambda o, x: o.pad(x, 1, constant_values=7.0), None),
}


@pytest.mark.parametrize("name", sorted(REARRANGED))
def test_rearranged(name):
    call, _ = REARRANGED[name]
    check(lambda x: call(ops, x), lambda x: call(np, x), X)


KEYS = {
    "integer": 1,
    "negative": -1,
    "slice": slice(1, None),
    "backwards": slice(None, None, -1),
    "tuple": (0, slice(None), 2),
    "ellipsis": (Ellipsis, 1),
    "new axis": (None, 0, Ellipsis, None),
    "list": [0, 0, 1],
    "index arrays": (np.array([0, 1, 1]), np.array([2, 0, 0])),
    "mask": np.array([True, False]),
    "mask of all": X > 0,
    "mixed": (slice(None), [2, 0, 2], 1),
    "numpy integer": np.int64(1),
    "true": True,
    "empty": slice(0, 0),
}


@pytest.mark.parametrize("name", sorted(KEYS))
def test_getitem(name):
    key = KEYS[name]
    check(lambda x: x[key], lambda x: x[key], X)


@given(data=st.data(), shape=array_shapes(min_dims=1, max_dims=3, max_side=3))
def test_getitem_by_any_basic_index(data, shape):
    key = data.draw(basic_indices(shape, allow_newaxis=True))
    check(lambda x: x[key], lambda x: x[key], values(*shape))


def test_getitem_by_tensors():
    check(lambda x: x[Tensor([1, 0, 1])], lambda x: x[[1, 0, 1]], X)
    check(lambda x: x[Tensor([True, False])], lambda x: x[[True, False]], X)
    check(lambda x: x[0, Tensor(2)], lambda x: x[0, 2], X)


def test_getitem_out_of_range():
    with pytest.raises(IndexError):
        Tensor(X)[5]


def test_the_index_may_change_afterwards():
    x, index = Tensor(X), np.array([0, 1])
    with GradientTape() as tape:
        tape.watch(x)
        y = x[index]
    index[:] = 0
    assert tape.gradient(y, x).numpy().sum() == 24.0
    assert tape is not None


def test_a_view_of_a_variable_keeps_its_value():
    w = Variable([[1.0, 2.0], [3.0, 4.0]])
    seen = [w[0], ops.reshape(w, -1), ops.transpose(w), ops.expand_dims(w, 0), ops.stop_gradient(w)]
    before = [t.numpy().copy() for t in seen]
    w._value[...] = 9.0
    w.touch()
    for t, value in zip(seen, before, strict=True):
        np.testing.assert_array_equal(t, value)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_joining(axis):
    a, b, c = (values(2, 3, seed=i) for i in range(3))
    check(
        lambda *x: ops.concatenate(x, axis=axis), lambda *x: np.concatenate(x, axis=axis), a, b, c
    )
    check(lambda *x: ops.stack(x, axis=axis), lambda *x: np.stack(x, axis=axis), a, b, c)


def test_joining_different_sizes_and_types():
    check(lambda *x: ops.concatenate(x, 1), lambda *x: np.concatenate(x, 1), X[0], X[0, :, :2])
    x, ints = Tensor([1.0, 2.0]), np.array([3, 4])
    with GradientTape() as tape:
        tape.watch(x)
        y, z = ops.concatenate([x, ints], 0), ops.stack([x, ints])
    assert (y.dtype, z.dtype) == ("float32", "float32")
    assert tape.gradient([y, z], x).numpy().tolist() == [2, 2]
    assert ops.stack([1, 2]).dtype == "int64"
    for op in (ops.concatenate, ops.stack):
        with pytest.raises(ValueError, match="xs must hold at least one tensor, not none"):
            op([])


@pytest.mark.parametrize(("parts", "axis"), [(2, 0), (3, 1), ([1], 2), ([1, 3], -1), (1, 0)])
def test_split(parts, axis):
    expected = np.split(X, parts, axis)
    found = ops.split(X, parts, axis)
    assert [p.shape for p in found] == [p.shape for p in expected]
    for i in range(len(expected)):
        check(
            lambda x, i=i: ops.split(x, parts, axis)[i],
            lambda x, i=i: np.split(x, parts, axis)[i],
            X,
        )


@pytest.mark.parametrize("parts", [2, 0, -1, 4])
def test_unequal_parts_are_refused(parts):
    with pytest.raises(ValueError, match=f"must divide the axis's size 3, not {parts}"):
        ops.split(X, parts, 1)


def test_unstack():
    for axis in (0, -1):
        for i, part in enumerate(ops.unstack(X, axis=axis)):
            np.testing.assert_array_equal(part, np.take(X, i, axis))


def test_axes_out_of_range_are_refused():
    for call in (
        lambda: ops.concatenate([X, X], 3),
        lambda: ops.stack([X, X], 4),
        lambda: ops.split(X, 1, 3),
        lambda: ops.unstack(X, 3),
        lambda: ops.take(X, 0, axis=3),
        lambda: ops.repeat(X, 1, axis=3),
        lambda: ops.squeeze(X, 3),
        lambda: ops.expand_dims(X, 4),
    ):
        with pytest.raises(ValueError, match=r"axis|out of bounds"):
            call()


def test_one_hot():
    np.testing.assert_array_equal(
        ops.one_hot([0, 2, 5, -1], 3), [[1, 0, 0], [0, 0, 1], [0] * 3, [0] * 3]
    )
    assert ops.one_hot([[0], [1]], 4).shape == (2, 1, 4)
    assert ops.one_hot([[0], [1]], 4, axis=0).shape == (4, 2, 1)
    assert ops.one_hot([0], 2, dtype="int32").dtype == "int32"
    assert ops.one_hot(np.array([1.0]), 2).numpy().tolist() == [[0, 1]]


def test_making():
    assert ops.zeros((2, 3)).dtype == "float32"
    assert ops.ones((2,), dtype="int32").dtype == "int32"
    assert ops.full((2,), 3.0).numpy().tolist() == [3, 3]
    assert ops.zeros_like(X).shape == X.shape
    assert ops.zeros_like(Tensor([1, 2])).dtype == "int64"
    assert ops.ones_like(Tensor([1, 2]), dtype="float32").dtype == "float32"
    assert ops.ones((2,), dtype="float64").dtype == "float64"
    assert ops.arange(3).numpy().tolist() == [0, 1, 2]
    assert ops.arange(1, 7, 2).numpy().tolist() == [1, 3, 5]
    assert ops.arange(0.0, 1.0, 0.5).dtype == "float32"
    assert ops.arange(3, dtype="float32").dtype == "float32"
    assert ops.shape(X) == (2, 3, 4)
    assert ops.shape([[1, 2]]) == (1, 2)


def test_converting():
    t = ops.convert_to_tensor([1.0, 2.0])
    assert t.dtype == "float32"
    assert ops.convert_to_tensor(t) is t
    assert ops.convert_to_tensor([1], dtype="float32").dtype == "float32"
    w = Variable([1.0])
    array = ops.convert_to_numpy(w)
    w._value[...] = 2.0
    w.touch()
    assert array.tolist() == [1.0]

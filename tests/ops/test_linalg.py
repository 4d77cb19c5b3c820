"""Products of matrices: every rank, broadcasting of batches, gradients, and refusals."""

import numpy as np
import pytest
from gatework import ops
from gatework.autograd import GradientTape, Tensor
from hypothesis import given
from hypothesis import strategies as st

from tests.ops.numeric import check, values

SHAPES = [
    ((2, 3), (3, 4)),
    ((1, 1), (1, 1)),
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((4, 2, 3), (3, 2)),
    ((4, 2, 3), (3,)),
    ((3,), (4, 3, 2)),
    ((4, 2, 3), (4, 3, 2)),
    ((2, 1, 2, 3), (3, 3, 2)),
    ((2, 3), (4, 3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((0, 2, 3), (0, 3, 2)),
]


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_matmul(a, b):
    check(ops.matmul, np.matmul, values(*a), values(*b, seed=1))


def test_matmul_of_transposed_and_strided_matrices():
    a, b = values(3, 2), values(4, 3, seed=1)
    check(lambda a, b: ops.matmul(ops.transpose(a), ops.transpose(b)), lambda a, b: a.T @ b.T, a, b)
    check(lambda a, b: a[::-1, ::2] @ b[:3], lambda a, b: a[::-1, ::2] @ b[:3], values(2, 5), b)
    c = values(2, 3, 4)
    check(lambda c: c @ c.reshape(2, 4, 3), lambda c: c @ c.reshape(2, 4, 3), c)
    check(lambda c: ops.swapaxes(c, 1, 2) @ c, lambda c: c.swapaxes(1, 2) @ c, c)


@given(
    st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.lists(st.integers(1, 2), max_size=2)
)
def test_matmul_of_any_size(m, k, n, batch):
    check(ops.matmul, np.matmul, values(*batch, m, k), values(k, n, seed=1))


@pytest.mark.parametrize(("a", "b"), [((2, 3), (2, 3)), ((3,), (2, 3)), ((2, 3), (2,))])
def test_matmul_of_what_does_not_fit(a, b):
    with pytest.raises(ValueError, match="x2 must have 3 rows"):
        ops.matmul(values(*a), values(*b))


def test_matmul_of_batches_that_do_not_broadcast():
    with pytest.raises(ValueError, match="broadcast"):
        ops.matmul(values(2, 2, 2), values(3, 2, 2))


def test_matmul_of_numbers():
    with pytest.raises(ValueError, match="x1 and x2 must have at least one axis, not be numbers"):
        ops.matmul(2.0, [1.0])


def test_dtypes():
    assert ops.matmul([[1, 2]], [[3], [4]]).dtype == "int64"
    assert ops.matmul([[1, 2]], [[3.0], [4.0]]).dtype == "float32"
    assert ops.matmul(Tensor([[1.0]], "float64"), Tensor([[2.0]], "float64")).dtype == "float64"


def test_the_gradient_keeps_only_what_is_asked_for():
    x, w = Tensor(values(2, 3)), Tensor(values(3, 2))
    with GradientTape() as tape:
        tape.watch(w)
        y = x @ w
    assert tape.gradient(y, [x, w])[0] is None


@pytest.mark.parametrize(
    ("a", "b"), [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((), (2, 3))]
)
def test_dot(a, b):
    check(ops.dot, np.dot, values(*a), values(*b, seed=1))


@pytest.mark.parametrize(
    ("a", "b", "axes"),
    [
        ((2, 3, 4), (3, 4, 5), 2),
        ((2, 3), (3, 2), 1),
        ((2,), (3,), 0),
        ((2, 3, 4), (4, 5, 2), ([0, 2], [2, 0])),
        ((2, 3, 4), (5, 3), (1, 1)),
        ((2, 3), (2, 3), ([-1, 0], [-1, 0])),
    ],
)
def test_tensordot(a, b, axes):
    check(
        lambda a, b: ops.tensordot(a, b, axes),
        lambda a, b: np.tensordot(a, b, axes),
        values(*a),
        values(*b, seed=1),
    )


def test_tensordot_of_what_does_not_fit():
    with pytest.raises(ValueError, match="x2 must have size 3 along the axes summed over, not 4"):
        ops.tensordot(values(2, 3), values(4, 5), 1)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ij,kj->ki", [(2, 3), (4, 3)]),
        ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]),
        ("bqhd,bkhd->bhqk", [(2, 3, 2, 2), (2, 4, 2, 2)]),
        ("bti,ihd->bthd", [(2, 2, 3), (3, 2, 2)]),
        ("i,j->ij", [(2,), (3,)]),
        ("ij->ji", [(2, 3)]),
        ("ij->i", [(2, 3)]),
        ("ij->", [(2, 3)]),
        ("ij,j->ij", [(2, 3), (3,)]),
        ("ij,jk->i", [(2, 3), (3, 4)]),
        ("ij,ij->", [(2, 3), (2, 3)]),
        ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 3)]),
        ("i,ij,j->", [(2,), (2, 3), (3,)]),
        (" i j , j k -> i k ", [(2, 3), (3, 4)]),
    ],
)
def test_einsum(subscripts, shapes):
    check(
        lambda *x: ops.einsum(subscripts, *x),
        lambda *x: np.einsum(subscripts, *x),
        *(values(*shape, seed=i) for i, shape in enumerate(shapes)),
    )


@pytest.mark.parametrize(
    ("subscripts", "operands", "sentence"),
    [
        ("ij,jk", 2, "must name the output after '->', not 'ij,jk'"),
        ("...i->i", 1, "must name the output"),
        ("ii->i", 1, "must not repeat a letter"),
        ("ij->k", 1, "output letter 'k' must occur in an operand"),
        ("ij,jk->ik", 1, "must have one term per operand"),
        ("ijk->i", 1, r"term 'ijk' must have one letter per axis of shape \(2, 2\)"),
        ("ij,jk->ik", 2, r"letter 'j' must have one size, not 2 and 3"),
    ],
)
def test_bad_subscripts(subscripts, operands, sentence):
    xs = [np.ones((2, 2), np.float32), np.ones((3, 2), np.float32)][:operands]
    with pytest.raises(ValueError, match=sentence):
        ops.einsum(subscripts, *xs)

"""Activations, softmax, dropout and embedding on the compiled kernels."""

import numpy as np
import pytest
from gatework import _core, activations, ops
from gatework.autograd import GradientTape, Tensor, Variable
from gatework.reference import ACTIVATIONS, dropout_mask

from tests.ops.numeric import check, values

X = values(3, 5, low=-4.0, high=4.0)


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activation(name):
    check(getattr(activations, name), ACTIVATIONS[name].value, X, atol=1e-4)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activation_of_any_shape_and_strides(name):
    op = getattr(activations, name)
    for x in (np.float32(0.7), X[:, ::2], X.T, X[:0], np.broadcast_to(X[0], (2, 5))):
        t = Tensor(x)
        with GradientTape() as tape:
            tape.watch(t)
            y = op(t)
        assert y.shape == np.shape(x)
        np.testing.assert_allclose(y, ACTIVATIONS[name].value(np.asarray(x)), rtol=1e-4, atol=1e-5)
        assert tape.gradient(y, t).shape == np.shape(x)


WITH_ARGUMENTS = {
    "relu slope": (
        lambda x: ops.relu(x, negative_slope=0.1),
        lambda x: np.where(x > 0, x, 0.1 * x),
    ),
    "relu max": (lambda x: ops.relu(x, max_value=1.5), lambda x: np.clip(x, 0, 1.5)),
    "relu threshold": (lambda x: ops.relu(x, threshold=1.0), lambda x: np.where(x > 1, x, 0)),
    "relu all": (
        lambda x: ops.relu(x, 0.1, 2.0, 1.0),
        lambda x: np.minimum(np.where(x > 1, x, 0.1 * (x - 1)), 2.0),
    ),
    "leaky_relu": (lambda x: ops.leaky_relu(x, 0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
    "elu": (lambda x: ops.elu(x, 0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    "celu": (
        lambda x: ops.celu(x, 0.5),
        lambda x: np.maximum(x, 0) + np.minimum(0, 0.5 * np.expm1(x / 0.5)),
    ),
    "gelu": (ops.gelu, gelu_tanh),
    "squareplus": (lambda x: ops.squareplus(x, 1.0), lambda x: (x + np.sqrt(x * x + 1)) / 2),
    "soft_shrink": (
        lambda x: ops.soft_shrink(x, 1.0),
        lambda x: np.sign(x) * np.maximum(np.abs(x) - 1, 0),
    ),
    "hard_shrink": (lambda x: ops.hard_shrink(x, 1.0), lambda x: np.where(np.abs(x) > 1, x, 0)),
    "swish": (ops.swish, lambda x: x * sigmoid(x)),
    "hard_swish": (ops.hard_swish, lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "glu": (lambda x: ops.glu(x[:, :4]), lambda x: x[:, :2] * sigmoid(x[:, 2:4])),
    "glu of an axis": (lambda x: ops.glu(x[:2], axis=0), lambda x: x[:1] * sigmoid(x[1:2])),
}


@pytest.mark.parametrize("name", sorted(WITH_ARGUMENTS))
def test_activation_with_arguments(name):
    op, formula = WITH_ARGUMENTS[name]
    check(op, formula, X, atol=1e-4)


def test_activations_saturate():
    x = [-1e4, 1e4, -np.inf, np.inf]
    np.testing.assert_array_equal(ops.sigmoid(x), [0, 1, 0, 1])
    np.testing.assert_array_equal(ops.tanh(x), [-1, 1, -1, 1])
    assert np.isnan(ops.tanh([np.nan]).item())


def test_names_and_documents():
    for name in ACTIVATIONS:
        op = getattr(activations, name)
        assert op.__name__ == name
        assert op.__doc__
    assert set(_core.ACTIVATIONS) <= set(ops.__all__)


def nearest_probabilities(x, axis):
    """max(x - limit, 0), with the limit that makes them add up to one found by halving."""
    low, high = x.max(axis, keepdims=True) - 1, x.max(axis, keepdims=True)
    for _ in range(60):
        limit = (low + high) / 2
        over = np.maximum(x - limit, 0).sum(axis, keepdims=True) > 1
        low, high = np.where(over, limit, low), np.where(over, high, limit)
    return np.maximum(x - low, 0)


@pytest.mark.parametrize("axis", [-1, 0])
def test_sparsemax(axis):
    x = np.random.default_rng(4).normal(size=(4, 5))  # no two a whole number apart: no kinks
    check(lambda x: ops.sparsemax(x, axis), lambda x: nearest_probabilities(x, axis), x, atol=1e-4)


@pytest.mark.parametrize("axis", [-1, 0, 1, -2])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax(name, axis):
    formula = {"softmax": softmax, "log_softmax": lambda x, axis: np.log(softmax(x, axis))}[name]
    check(
        lambda x: getattr(ops, name)(x, axis=axis),
        lambda x: formula(x, axis),
        values(3, 4, 2),
        atol=1e-4,
    )


def test_softmax_over_several_axes():
    def formula(x):
        e = np.exp(x)
        return e / e.sum(axis=(0, 2), keepdims=True)

    check(lambda x: ops.softmax(x, axis=(0, 2)), formula, values(3, 4, 2), atol=1e-4)


def test_softmax_of_extremes():
    np.testing.assert_array_equal(ops.softmax([1e4, -1e4]), [1, 0])
    np.testing.assert_allclose(ops.log_softmax([1e4, 0.0]), [0, -1e4])
    assert ops.softmax(np.zeros((0, 3))).shape == (0, 3)
    with pytest.raises(ValueError, match="must have at least one value along axis -1"):
        ops.softmax(np.zeros((3, 0)))
    with pytest.raises(ValueError, match="x must have at least one axis, not be a number"):
        ops.softmax(1.0)
    with pytest.raises(ValueError, match=r"axis must be in \[-2, 2\), not 2"):
        ops.softmax(X, axis=2)


def test_results_carry_their_logits():
    t = Tensor(X)
    assert ops.sigmoid(t)._logits is t
    assert ops.softmax(t)._logits is t
    assert ops.softmax(t, axis=1)._logits is t
    assert ops.softmax(t, axis=0)._logits is None
    assert (ops.sigmoid(t) * 1.0)._logits is None
    assert ops.tanh(t)._logits is None


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.9])
def test_dropout(rate):
    mask = dropout_mask((3, 5), rate, 7)
    check(lambda x: ops.dropout(x, rate, seed=7), lambda x: x * mask, X)


def test_dropout_with_a_noise_shape():
    mask = dropout_mask((3, 1), 0.5, 7)
    for shape in ((3, 1), (None, 1)):
        check(
            lambda x, shape=shape: ops.dropout(x, 0.5, noise_shape=shape, seed=7),
            lambda x: x * mask,
            X,
        )
    with pytest.raises(ValueError, match=r"noise_shape must have one entry per axis"):
        ops.dropout(X, 0.5, noise_shape=(3,), seed=7)


def test_spatial_dropout():
    mask = dropout_mask((2, 3), 0.5, 7)[:, None]
    check(lambda x: ops.spatial_dropout1d(x, 0.5, 7), lambda x: x * mask, values(2, 4, 3))
    with pytest.raises(ValueError, match="must be"):
        ops.spatial_dropout1d(X, 0.5, 7)


@pytest.mark.parametrize("rate", [1.0, -0.1, float("nan")])
def test_bad_rates(rate):
    for call in (
        lambda: ops.dropout(X, rate, seed=1),
        lambda: ops.spatial_dropout1d(values(2, 4, 3), rate, 1),
        lambda: ops.dropout_mask((2,), rate, 1),
    ):
        with pytest.raises(ValueError, match=r"rate must be in \[0, 1\)"):
            call()


TABLE = values(6, 3)


@pytest.mark.parametrize(
    "ids",
    [
        [[0, 5], [5, 1]],
        np.array([2, 2, 2], np.int32),
        np.array([1, 3], np.uint8),
        np.array([1.0, 3.0]),
        3,
        np.zeros((2, 0), int),
    ],
)
def test_embedding(ids):
    index = np.asarray(ids).astype(int)
    check(lambda table: ops.embedding(table, ids), lambda table: table[index], TABLE)


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        ([0, 6], r"embedding ids must be in \[0, 6\), not 6"),
        ([0, 1, -1], r"embedding ids must be in \[0, 6\), not -1"),
        ([2**31], "not 2147483648"),
        (np.array([2**63], np.uint64), "not 9223372036854775808"),
        ([1.5], "embedding ids must be whole numbers, not 1.5"),
        ([0.0, np.nan], "embedding ids must be whole numbers, not nan"),
        ([np.inf], "embedding ids must be whole numbers, not inf"),
        (np.array([1e20]), "embedding ids must be in"),
    ],
)
def test_bad_ids(ids, sentence):
    with pytest.raises(ValueError, match=sentence):
        ops.embedding(TABLE, ids)


def test_ids_may_change_afterwards():
    table, ids = Variable(TABLE), np.array([0, 1])
    with GradientTape() as tape:
        y = ops.embedding(table, ids)
    ids[:] = 5
    found = tape.gradient(y, table).numpy()
    assert found.sum(axis=1).tolist() == [3, 3, 0, 0, 0, 0]


def test_a_table_must_have_rows_and_columns():
    with pytest.raises(ValueError, match="table"):
        ops.embedding(np.ones(3), [0])

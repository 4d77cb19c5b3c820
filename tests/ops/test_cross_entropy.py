"""Cross-entropies: from logits and from probabilities, values, gradients and refusals."""

import numpy as np
import pytest
from gatework import ops
from gatework.autograd import GradientTape, Tensor

from tests.ops.numeric import check, values

LOGITS = values(4, 3, low=-3.0, high=3.0)
LABELS = np.array([0, 2, 1, 1])
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
BITS = np.array([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 0, 1]], np.float32)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def of_classes(t, p):
    return -(t * np.log(p)).sum(-1)


def of_bits(t, p):
    return -t * np.log(p) - (1 - t) * np.log(1 - p)


def sparse(x, **options):
    return ops.sparse_categorical_crossentropy(LABELS, x, **options)


def test_sparse_from_logits():
    check(lambda x: sparse(x, from_logits=True), lambda x: of_classes(ONE_HOT, softmax(x)), LOGITS)


def test_sparse_through_softmax():
    check(lambda x: sparse(ops.softmax(x)), lambda x: of_classes(ONE_HOT, softmax(x)), LOGITS)


def test_sparse_from_probabilities():
    def formula(p):
        return of_classes(ONE_HOT, p / p.sum(-1, keepdims=True))

    check(sparse, formula, values(4, 3, low=0.1, high=0.9))


def test_categorical():
    target = softmax(values(4, 3, seed=1).astype(np.float64)).astype(np.float32)

    def loss(x, **options):
        return ops.categorical_crossentropy(target, x, **options)

    expected = {"logits": lambda x: of_classes(target, softmax(x))}
    check(lambda x: loss(x, from_logits=True), expected["logits"], LOGITS)
    check(lambda x: loss(ops.softmax(x)), expected["logits"], LOGITS)
    check(
        loss,
        lambda p: of_classes(target, p / p.sum(-1, keepdims=True)),
        values(4, 3, low=0.1, high=0.9),
    )


def test_binary():
    def loss(x, **options):
        return ops.binary_crossentropy(BITS, x, **options)

    check(lambda x: loss(x, from_logits=True), lambda x: of_bits(BITS, sigmoid(x)), LOGITS)
    check(lambda x: loss(ops.sigmoid(x)), lambda x: of_bits(BITS, sigmoid(x)), LOGITS)
    check(loss, lambda p: of_bits(BITS, p), values(4, 3, low=0.1, high=0.9))


@pytest.mark.parametrize("from_logits", [True, False])
def test_targets_may_be_learned(from_logits):
    t = values(4, 3, low=0.1, high=0.9, seed=1)
    p = values(4, 3, low=0.1, high=0.9)
    squash = sigmoid if from_logits else lambda x: x
    check(
        lambda t, x: ops.binary_crossentropy(t, x, from_logits=from_logits),
        lambda t, x: of_bits(t, squash(x)),
        t,
        p,
    )
    scaled = softmax if from_logits else lambda x: x / x.sum(-1, keepdims=True)
    check(
        lambda t, x: ops.categorical_crossentropy(t, x, from_logits=from_logits),
        lambda t, x: of_classes(t, scaled(x)),
        t,
        p,
    )


@pytest.mark.parametrize("shape", [(2, 2, 3), (1, 3), (0, 3), (2, 0, 3), (3,)])
def test_any_leading_axes(shape):
    x = values(*shape, low=-3.0, high=3.0)
    labels = np.arange(int(np.prod(shape[:-1]))).reshape(shape[:-1]) % 3
    one_hot = np.eye(3)[labels]
    check(
        lambda x: ops.sparse_categorical_crossentropy(labels, x, from_logits=True),
        lambda x: of_classes(one_hot, softmax(x)) if x.size else np.zeros(shape[:-1]),
        x,
    )
    bits = (x > 0).astype(np.float32)
    check(
        lambda x: ops.binary_crossentropy(bits, x, from_logits=True),
        lambda x: of_bits(bits, sigmoid(x)),
        x,
    )


def test_certain_and_wrong_predictions_stay_finite_and_keep_their_gradient():
    x = Tensor([[200.0, -200.0]])
    for loss in (
        lambda: ops.sparse_categorical_crossentropy([1], ops.softmax(x)),
        lambda: ops.categorical_crossentropy([[0.0, 1.0]], ops.softmax(x)),
    ):
        with GradientTape() as tape:
            tape.watch(x)
            y = loss()
        assert y.numpy().tolist() == [400.0]
        np.testing.assert_allclose(tape.gradient(y, x), [[1, -1]])
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.binary_crossentropy([[0.0, 1.0]], ops.sigmoid(x))
    assert y.numpy().tolist() == [[200.0, 200.0]]
    np.testing.assert_allclose(tape.gradient(y, x), [[1, -1]])


def test_certain_and_wrong_probabilities_are_clipped():
    largest = -np.log(1e-7)
    assert sparse_loss([1], [[1.0, 0.0]]) == pytest.approx([largest], rel=1e-5)
    found = ops.binary_crossentropy([[1.0, 0.0]], [[0.0, 1.0]]).numpy()
    nearest_to_one = np.float32(1) - np.float32(1e-7)  # further from 1 than 1e-7, in float32
    expected = [[largest, -np.log(1 - nearest_to_one)]]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def sparse_loss(labels, p):
    return ops.sparse_categorical_crossentropy(labels, p).numpy().tolist()


def test_probabilities_that_are_watched_get_a_gradient():
    p = ops.softmax(Tensor(LOGITS))
    with GradientTape() as tape:
        tape.watch(p)
        y = sparse(p)
    assert tape.gradient(y, p).shape == (4, 3)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64, np.float32])
def test_labels_of_any_kind(dtype):
    expected = sparse(LOGITS, from_logits=True).numpy()
    labels = LABELS.astype(dtype)
    found = ops.sparse_categorical_crossentropy(labels, LOGITS, from_logits=True)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([0, 1, 2, 3], r"must be in \[0, 3\), not 3 at position 3"),
        ([0, -1, 2, 0], r"must be in \[0, 3\), not -1 at position 1"),
        ([0.0, 0.5, 2.0, 0.0], "must hold whole class indices, not 0.5 at position 1"),
        ([0.0, 1.0, np.nan, 0.0], "must hold whole class indices, not nan at position 2"),
        ([0.0, 1.0, np.inf, 0.0], "must hold whole class indices, not inf at position 2"),
        ([0, 1], r"target must have shape \(4,\) for an output of shape \(4, 3\), not \(2,\)"),
        (np.eye(4)[:, :3], r"target must have shape \(4,\)"),
    ],
)
@pytest.mark.parametrize("from_logits", [True, False])
def test_bad_labels(labels, sentence, from_logits):
    with pytest.raises(ValueError, match=sentence):
        ops.sparse_categorical_crossentropy(labels, np.abs(LOGITS), from_logits=from_logits)


def test_shapes_that_differ():
    for op in (ops.categorical_crossentropy, ops.binary_crossentropy):
        with pytest.raises(ValueError, match=r"target must have the output's shape \(4, 3\), not"):
            op(np.ones((4, 2)), LOGITS)
    with pytest.raises(ValueError, match="output must have an axis of classes, not be a number"):
        ops.sparse_categorical_crossentropy(0, 1.0)


def test_nan_stays_in_its_row():
    x = LOGITS.copy()
    x[1, 0] = np.nan
    found = sparse(x, from_logits=True).numpy()
    assert np.isnan(found).tolist() == [False, True, False, False]


def test_labels_may_change_afterwards():
    x, labels = Tensor(LOGITS), LABELS.copy()
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = ops.sparse_categorical_crossentropy(labels, x, from_logits=True)
    before = tape.gradient(y, x).numpy()
    labels[:] = 0
    np.testing.assert_array_equal(tape.gradient(y, x), before)

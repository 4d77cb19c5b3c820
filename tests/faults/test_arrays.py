"""Faults 35 to 58: arrays of every make and size. See table.py for those tested elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import _core, layers, losses, metrics, models

from tests.faults.programs import run

RNG = np.random.default_rng(35)
X = RNG.normal(size=(10, 4, 3)).astype(np.float32)
LABELS = RNG.integers(0, 2, 10)


def classifier(**options: Any) -> Any:
    gatework.utils.set_random_seed(3)
    made = models.Sequential(
        [layers.Input((None, 3)), layers.LSTM(4, **options), layers.Dense(2, activation="softmax")]
    )
    made.compile("adam", "sparse_categorical_crossentropy")
    return made


def words(mask_zero: bool = False) -> Any:
    made = models.Sequential(
        [layers.Input((4,)), layers.Embedding(10, 3, mask_zero=mask_zero), layers.GRU(2)]
    )
    made.compile("adam", "mse")
    return made


FORMS: dict[str, Callable[[Any], Any]] = {
    "negative strides": lambda a: a[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
    "Fortran order": np.asfortranarray,
    "every second": lambda a: np.repeat(np.repeat(a, 2, 0), 2, 2)[::2, :, ::2],
    "transposed": lambda a: a.transpose(2, 0, 1).copy().transpose(1, 2, 0),
    "a view of bytes": lambda a: (
        np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(np.float32).reshape(a.shape)
    ),
    "a subclass": lambda a: a.view(type("Mine", (np.ndarray,), {})),
}


@pytest.mark.parametrize("form", FORMS)
def test_35_strides_of_every_kind(form: str) -> None:
    """The same bits from fit and predict, whatever lies between the numbers."""
    plain, other = classifier(), classifier()
    x = FORMS[form](X)
    assert np.array_equal(x, X)
    plain.fit(X, LABELS, epochs=2, verbose=0)
    other.fit(x, LABELS, epochs=2, verbose=0)
    np.testing.assert_array_equal(other.predict(x, verbose=0), plain.predict(X, verbose=0))


def test_35_strides_of_zero() -> None:
    made = classifier()
    one = np.broadcast_to(X[:1, :1, :1], X.shape)
    expected = made.predict(one.copy(), verbose=0)
    np.testing.assert_array_equal(made.predict(one, verbose=0), expected)


@pytest.mark.parametrize("make", [layers.LSTM, layers.GRU, layers.SimpleRNN])
def test_41_nothing_there(make: Any) -> None:
    """No rows are an answer of no rows; no steps, no features and no units are refused."""
    layer = make(5)
    assert layer(np.zeros((0, 4, 3), np.float32)).shape == (0, 5)
    assert make(5, return_sequences=True)(np.zeros((0, 4, 3), np.float32)).shape == (0, 4, 5)
    with pytest.raises(ValueError, match="time step"):
        layer(np.zeros((2, 0, 3), np.float32))
    with pytest.raises(ValueError, match=r"feature|size"):
        make(5)(np.zeros((2, 4, 0), np.float32))
    for units in (0, -1, 1.5, "3", None, True):
        with pytest.raises((ValueError, TypeError), match="units"):
            make(units)


def test_41_empty_data() -> None:
    with pytest.raises(ValueError, match="at least one"):
        classifier().fit(X[:0], LABELS[:0], verbose=0)
    assert classifier().predict(X[:0], verbose=0).shape == (0, 2)


def test_42_batch_sizes() -> None:
    made = classifier()
    expected = made.predict(X, batch_size=10, verbose=0)
    for size in (1, 3, 9, 1000, np.int64(4)):
        np.testing.assert_allclose(made.predict(X, batch_size=size, verbose=0), expected, atol=1e-6)
    for size in (0, -1, 1.5, "2", True):
        for call in (
            lambda size=size: made.predict(X, batch_size=size, verbose=0),
            lambda size=size: made.fit(X, LABELS, batch_size=size, verbose=0),
            lambda size=size: made.evaluate(X, LABELS, batch_size=size, verbose=0),
        ):
            with pytest.raises((ValueError, TypeError), match="batch_size"):
                call()


@pytest.mark.parametrize("shape", [(10,), (10, 3), (10, 4, 3, 1), (10, 4, 2), (10, 4, 5)])
def test_43_shapes_that_do_not_fit(shape: tuple[int, ...]) -> None:
    made = classifier()
    before = made.get_weights()
    x = np.zeros(shape, np.float32)
    for call in (
        lambda: made.predict(x, verbose=0),
        lambda: made(x),
        lambda: made.fit(x, LABELS, verbose=0),
    ):
        with pytest.raises(ValueError, match=r"3.*\(|\(.*3"):
            call()
    for now, then in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_44_lengths_that_differ() -> None:
    made = classifier()
    for arguments, message in (
        ((X, LABELS[:9]), "10.*9|9.*10"),
        ((X, LABELS, np.ones(9)), "sample_weight"),
        ((X, np.eye(2)[LABELS]), "categorical_crossentropy"),
        ((X, LABELS + 0.5), "label|integer|whole"),
    ):
        x, y, weight = (*arguments, None)[:3]
        with pytest.raises(ValueError, match=message):
            made.fit(x, y, sample_weight=weight, verbose=0)


@pytest.mark.parametrize("label", [2, -1, 1 << 31, 1 << 62])
def test_46_labels_out_of_range(label: int) -> None:
    made = classifier()
    y = LABELS.astype(np.int64)
    y[7] = label
    before = made.get_weights()
    for call in (
        lambda: made.fit(X, y, verbose=0),
        lambda: made.evaluate(X, y, verbose=0),
        lambda: losses.sparse_categorical_crossentropy(y, np.full((10, 2), 0.5, np.float32)),
    ):
        with pytest.raises(ValueError, match=f"label.*{label}|{label}.*label"):
            call()
    for now, then in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("mask_zero", [False, True])
@pytest.mark.parametrize(
    "bad", [10, -1, 1 << 31, 1 << 62, float(1 << 63), 1.5, np.nan, np.inf, -np.inf]
)
def test_47_ids_out_of_range(bad: Any, mask_zero: bool) -> None:
    """Also beside padding, in the last place, and in the types that hold them."""
    ids = np.array([[1, 2, 3, 0], [4, 0, 0, 0]], type(bad) if isinstance(bad, int) else float)
    ids[1, 3] = bad
    for call in (words(mask_zero).predict, layers.Embedding(10, 3, mask_zero=mask_zero)):
        with pytest.raises(ValueError, match=r"indices|ids|whole|integer|inputs"):
            call(ids)
    if isinstance(bad, int) and bad > 0:
        with pytest.raises(ValueError, match=r"indices|ids|inputs"):
            layers.Embedding(10, 3)(ids.astype(np.uint64))


def test_50_sizes_beyond_memory() -> None:
    """With 2 GB of addresses: refused before or by the allocator, never a product gone round."""
    run(
        """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        for units, inputs in ((60_000, 60_000), (1 << 31, 1 << 31), (1 << 62, 4), (4, 1 << 61)):
            for make in (layers.LSTM, layers.GRU, layers.SimpleRNN, layers.Dense):
                try:
                    make(units).build((None, 3, inputs))
                except (MemoryError, ValueError, OverflowError) as error:
                    assert isinstance(error, MemoryError) or str(error), error
                else:
                    raise AssertionError((make, units, inputs))
        x, y = some_data()
        small_model().fit(x, y, verbose=0)
        """
    )


def test_52_more_than_two_to_the_31_elements(tmp_path: Any) -> None:
    """Arrays in a sparse file: only what is asked for is ever read."""
    free = shutil.disk_usage(tmp_path).free
    if free < 1 << 30:
        pytest.skip("needs a disk with room for a sparse file")
    table = np.memmap(tmp_path / "table", np.float32, "w+", shape=((1 << 25) + 7, 65))
    assert table.size > 1 << 31
    table[-1] = np.arange(65)
    table[1] = 7
    found = _core.embedding_forward(table, np.array([(1 << 25) + 6, 1, 0, (1 << 25) + 6]))
    np.testing.assert_array_equal(found, np.stack([table[-1], table[1], table[0], table[-1]]))
    # A product whose operands lie further apart than 32 bits count.
    left = table[:: (1 << 25) + 6]
    assert left.strides[0] // 4 > 1 << 31
    np.testing.assert_allclose(
        _core.gemm(left, np.ones((65, 3), np.float32)), left @ np.ones((65, 3)), rtol=1e-6
    )


@pytest.mark.parametrize("cell", ["lstm", "gru", "simple_rnn"])
def test_53_denormals_cost_nothing(cell: str) -> None:
    """States that decay below 1e-38 over many steps, beside states that do not."""
    make = {"lstm": layers.LSTM, "gru": layers.GRU, "simple_rnn": layers.SimpleRNN}[cell]
    layer = make(32)
    layer.build((None, None, 1))
    weights = [np.zeros_like(w) for w in layer.get_weights()]
    weights[1][...] = 0.5 * np.eye(32).repeat(weights[1].shape[1] // 32, 1).reshape(32, -1)
    layer.set_weights(weights)
    x = np.zeros((16, 400, 1), np.float32)
    state = [np.full((16, 32), 1e-3, np.float32)] * (2 if cell == "lstm" else 1)
    zeros = [np.zeros_like(s) for s in state]

    def seconds(initial: list[Any]) -> float:
        best = np.inf
        for _ in range(7):
            begin = time.perf_counter()
            layer(x, initial_state=initial)
            best = min(best, time.perf_counter() - begin)
        return best

    assert seconds(state) < 10 * seconds(zeros)


def test_55_logarithms_of_zero_and_classes_of_none() -> None:
    zero_one = np.array([[0.0, 1.0]], np.float32)
    for loss in (
        losses.binary_crossentropy(1 - zero_one, zero_one),
        losses.categorical_crossentropy(1 - zero_one, zero_one),
        losses.sparse_categorical_crossentropy(np.array([0]), zero_one),
        losses.kl_divergence(1 - zero_one, zero_one),
        losses.poisson(zero_one, np.zeros((1, 2), np.float32)),
        losses.mean_squared_logarithmic_error(zero_one, -zero_one),
        losses.cosine_similarity(0 * zero_one, zero_one),
    ):
        assert np.isfinite(np.asarray(loss)).all()
    nothing = np.zeros((4, 1), np.float32)
    for metric in (metrics.Precision(), metrics.Recall(), metrics.AUC(), metrics.F1Score()):
        metric.update_state(nothing, nothing)
        assert (np.asarray(metric.result()) == 0).all(), metric.name
    assert float(metrics.Mean().result()) == 0.0


def test_57_a_failed_batch_leaves_the_states() -> None:
    made = models.Sequential(
        [layers.Input((4, 3), batch_size=2), layers.LSTM(3, stateful=True), layers.Dense(1)]
    )
    first = made.predict_on_batch(X[:2])
    layer = made.layers[0]
    before = [np.asarray(s).copy() for s in layer.states]
    for bad in (X[:3], X[:2, :, :2]):
        with pytest.raises(ValueError, match=r"batch|size|shape|features"):
            made.predict_on_batch(bad)
        for now, then in zip(layer.states, before, strict=True):
            np.testing.assert_array_equal(np.asarray(now), then)
    layer.reset_states()
    np.testing.assert_array_equal(made.predict_on_batch(X[:2]), first)


@pytest.mark.parametrize("rate", [-0.1, 1.5, np.nan, np.inf, "x", None, True])
@pytest.mark.parametrize("argument", ["dropout", "recurrent_dropout"])
def test_58_rates(argument: str, rate: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=argument):
        layers.LSTM(3, **{argument: rate})


def test_58_dropout_is_for_training() -> None:
    made = classifier(dropout=0.5, recurrent_dropout=0.5)
    expected = classifier()
    expected.set_weights(made.get_weights())
    np.testing.assert_array_equal(made.predict(X, verbose=0), expected.predict(X, verbose=0))
    assert not np.array_equal(np.asarray(made(X, training=True)), made.predict(X, verbose=0))

"""Faults 64 and 65: threads that share a model. ThreadSanitizer runs these, too (`make tsan`)."""

from __future__ import annotations

import threading
import time
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import _core, inference, layers, models

RNG = np.random.default_rng(59)
X = RNG.normal(size=(96, 6, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 96)


def model(units: int = 16) -> Any:
    gatework.utils.set_random_seed(5)
    made = models.Sequential(
        [layers.Input((6, 4)), layers.LSTM(units), layers.Dense(3, activation="softmax")]
    )
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


def in_threads(count: int, work: Any) -> None:
    """Runs work(number) on so many threads; raises what one of them raised."""
    failures: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_64_eight_threads_predict() -> None:
    made = model(40)
    parts = [X[i::8] for i in range(8)]
    expected = [made.predict(part, verbose=0) for part in parts]

    def work(number: int) -> None:
        for _ in range(12):
            found = made.predict(parts[number], verbose=0)
            np.testing.assert_array_equal(found, expected[number])

    in_threads(8, work)


def test_64_other_threads_go_on() -> None:
    """While a kernel runs for a quarter of a second, Python code beside it runs as well."""
    size = 400
    while True:
        square = np.ones((size, size), np.float32)
        begin = time.monotonic()
        _core.gemm(square, square)
        if time.monotonic() - begin > 0.25:
            break
        size *= 2
    ticks: list[float] = []
    done = threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(time.monotonic())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.monotonic()
    _core.gemm(square, square)
    end = time.monotonic()
    done.set()
    thread.join()
    assert sum(begin < t < end for t in ticks) >= 10


class Count(gatework.optimizers.Optimizer):
    """Adds one to all weights, but not at once: a mixture shows."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        for row in range(variable.shape[0]):
            value = variable.numpy().copy()
            value[row] += 1
            variable.assign(value)


def counting() -> Any:
    """A model whose weights are equal after each of its steps."""
    made = models.Sequential(
        [layers.Input((4,)), layers.Dense(64, use_bias=False, kernel_initializer="zeros")]
    )
    made.compile(Count(0.1), "mse")
    return made


def test_65_predict_beside_fit() -> None:
    """Every prediction is that of the weights between two updates, never of half an update."""
    made = counting()
    x, y = np.ones((8, 4), np.float32), np.ones((8, 64), np.float32)
    seen: set[float] = set()
    steps: list[int] = []
    done = threading.Event()
    ready = threading.Barrier(4)

    def predict() -> None:
        ready.wait(60)
        while not done.is_set():
            found = made.predict(x, verbose=0)
            assert (found == found[0, 0]).all()
            assert found[0, 0] % 4 == 0
            seen.add(float(found[0, 0]))

    def fit() -> None:
        ready.wait(60)
        give_up = time.monotonic() + 60
        try:
            while len(seen) < 10 and time.monotonic() < give_up:
                made.fit(x, y, batch_size=1, epochs=20, verbose=0)
                steps.append(20 * len(x))
        finally:
            done.set()

    in_threads(4, lambda number: fit() if number == 0 else predict())
    assert made.get_weights()[0][0, 0] == sum(steps)
    assert len(seen) >= 10, "predictions must not wait until fit is done"


def saved(made: Any, path: Any) -> Any:
    made.save(path)
    return gatework.saving.load_model(path, compile=False).get_weights()[0]


READERS = {
    "get_weights": lambda made, path: made.get_weights()[0],
    "save": lambda made, path: saved(made, path / "m.keras"),
    "save to .h5": lambda made, path: saved(made, path / "m.h5"),
    "compile": lambda made, path: inference.compile(made)(np.eye(4, dtype=np.float32)),
    "compiled and saved": lambda made, path: (
        inference.compile(made).save(path / "m.gwp")
        or inference.load(path / "m.gwp", verify=True)(np.eye(4, dtype=np.float32))
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_65_what_reads_all_weights_beside_fit(reader: str, tmp_path: Any) -> None:
    """Copies, files and programs made while another thread trains hold no half of an update."""
    made = counting()
    x, y = np.ones((8, 4), np.float32), np.ones((8, 64), np.float32)
    done = threading.Event()

    def fit() -> None:
        while not done.is_set():
            made.fit(x, y, batch_size=1, epochs=5, verbose=0)

    thread = threading.Thread(target=fit)
    thread.start()
    seen: set[float] = set()
    give_up = time.monotonic() + 60
    try:
        while len(seen) < 10 and time.monotonic() < give_up:
            found = READERS[reader](made, tmp_path)
            assert (found == found[0, 0]).all(), "half of an update"
            seen.add(float(found[0, 0]))
    finally:
        done.set()
        thread.join()
    assert len(seen) >= 10


def test_65_generate_beside_fit() -> None:
    """Each token is chosen by the weights between two updates: with equal weights, the first."""
    made = models.Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(7, 4, embeddings_initializer="ones"),
            layers.Dense(7, use_bias=False, kernel_initializer="zeros"),
        ]
    )
    made.compile(Count(0.1), gatework.losses.SparseCategoricalCrossentropy(from_logits=True))
    made.layers[0].trainable = False
    x = np.ones((4, 3), int)
    done = threading.Event()
    scores: list[Any] = []

    class Keep(gatework.samplers.GreedySampler):
        def __call__(self, logits: Any, draws: Any = None) -> Any:
            scores.append(np.array(logits))
            return super().__call__(logits, draws)

    def fit() -> None:
        while not done.is_set():
            made.fit(x, x, batch_size=1, epochs=5, verbose=0)

    thread = threading.Thread(target=fit)
    thread.start()
    try:
        give_up = time.monotonic() + 60
        while len({float(row[0, 0]) for row in scores}) <= 5 and time.monotonic() < give_up:
            made.generate([1, 2], max_length=10, sampler=Keep())
    finally:
        done.set()
        thread.join()
    assert all((row == row[0, 0]).all() and row[0, 0] % 4 == 0 for row in scores)
    assert len({float(row[0, 0]) for row in scores}) > 5, "generate must not wait for fit"


def test_65_what_is_refused_beside_fit() -> None:
    made = model()
    started, stop = threading.Event(), threading.Event()

    class Wait(gatework.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.model.evaluate(X[:4], Y[:4], verbose=0)  # by the thread that trains
            started.set()
            stop.wait(60)

    thread = threading.Thread(
        target=lambda: made.fit(X, Y, batch_size=96, verbose=0, callbacks=[Wait()])
    )
    thread.start()
    try:
        assert started.wait(60)
        for call in (
            lambda: made.fit(X, Y, verbose=0),
            lambda: made.evaluate(X, Y, verbose=0),
            lambda: made.train_on_batch(X, Y),
            lambda: made.test_on_batch(X, Y),
        ):
            with pytest.raises(RuntimeError, match="must wait until the other thread"):
                call()
        assert made.predict(X, verbose=0).shape == (96, 3)
        made.set_weights(made.get_weights())
    finally:
        stop.set()
        thread.join()
    assert made.fit(X, Y, verbose=0).epoch == [0]

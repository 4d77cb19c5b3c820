"""Faults 59 to 73: processes that fork, threads that share a model, an interpreter that ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import _core, layers, models

from tests.faults.programs import code, run

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="forks, or reads /proc")


def model(units: int = 16) -> Any:
    gatework.utils.set_random_seed(5)
    made = models.Sequential(
        [layers.Input((6, 4)), layers.LSTM(units), layers.Dense(3, activation="softmax")]
    )
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


RNG = np.random.default_rng(59)
X = RNG.normal(size=(96, 6, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 96)


@LINUX
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_59_fork_after_fit() -> None:
    """The child computes, trains, and saves what its parent would."""
    out = run(
        """
        import multiprocessing
        model, (x, y) = small_model(64), some_data(512)
        model.fit(x, y, verbose=0)
        expected = model.predict(x, verbose=0)

        def child(queue):
            queue.put(model.predict(x, verbose=0))
            model.fit(x, y, verbose=0)
            queue.put(model.get_weights()[0])

        context = multiprocessing.get_context("fork")
        queue = context.Queue()
        process = context.Process(target=child, args=(queue,))
        begin = time.monotonic()
        process.start()
        found, weights = queue.get(timeout=30), queue.get(timeout=30)
        process.join(30)
        assert process.exitcode == 0
        assert time.monotonic() - begin < 10
        assert (found == expected).all()
        model.fit(x, y, verbose=0)  # goes on here as it did there
        assert (model.get_weights()[0] == weights).all()
        print("same")
        """
    )
    assert out == "same\n"


@LINUX
def test_60_fork_beside_a_kernel() -> None:
    """Sixty forks while three threads are inside kernels, one of them training the model itself."""
    run(
        """
        model, (x, y) = small_model(48), some_data(256)
        model.fit(x, y, verbose=0)
        expected, done = model.predict(x, verbose=0), threading.Event()
        square = np.ones((200, 200), np.float32)
        product = _core.gemm(square, square)
        other = small_model(48)

        def repeat(call):
            while not done.is_set():
                call()

        calls = [lambda: _core.gemm(square, square), lambda: model.predict(x, verbose=0),
                 lambda: other.fit(x, y, verbose=0)]
        threads = [threading.Thread(target=repeat, args=(call,)) for call in calls]
        for thread in threads: thread.start()
        for i in range(60):
            pid = os.fork()
            if pid == 0:
                signal.alarm(20)
                good = (_core.gemm(square, square) == product).all()
                good &= (model.predict(x, verbose=0) == expected).all()
                good &= np.isfinite(other.predict(x, verbose=0)).all()
                os._exit(0 if good else 3)
            assert os.waitpid(pid, 0)[1] == 0
        done.set()
        for thread in threads: thread.join()
        """
    )


def double_of(x: Any) -> Any:
    return model().predict(x, verbose=0)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_61_other_ways_to_start(tmp_path: Any, method: str) -> None:
    (tmp_path / "work.py").write_text(
        "import sys, multiprocessing, numpy as np\n"
        "import gatework\n"
        "from gatework import layers, models\n"
        "def model():\n"
        "    gatework.utils.set_random_seed(5)\n"
        "    return models.Sequential([layers.Input((6, 4)), layers.LSTM(16), layers.Dense(3)])\n"
        "def work(x):\n"
        "    return model().predict(x, verbose=0)\n"
        "if __name__ == '__main__':\n"
        "    x = np.ones((7, 6, 4), 'f4')\n"
        "    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:\n"
        "        for found in pool.map(work, [x] * 3):\n"
        "            np.testing.assert_array_equal(found, work(x))\n"
    )
    subprocess.run([sys.executable, str(tmp_path / "work.py"), method], check=True, timeout=120)


def test_61_joblib() -> None:
    joblib = pytest.importorskip("joblib")
    expected = double_of(X[:5])
    with joblib.Parallel(n_jobs=2, backend="loky", timeout=120) as pool:
        for found in pool(joblib.delayed(double_of)(X[:5]) for _ in range(3)):
            np.testing.assert_array_equal(found, expected)


@LINUX
@pytest.mark.parametrize("value", ["0", "-1", "abc", "1000"])
def test_62_omp_num_threads(value: str) -> None:
    """What cannot be honoured is ignored; no setting starts threads that nothing has to do for."""
    program = """
        model, (x, y) = small_model(8), some_data(64)
        model.fit(x, y, verbose=0)
        print(_core.num_threads(), len(os.listdir("/proc/self/task")))
    """
    process = subprocess.run(
        [sys.executable, "-c", code(program)],
        env={**os.environ, "OMP_NUM_THREADS": value},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    threads, running = map(int, process.stdout.split())
    assert 1 <= threads <= (1000 if value == "1000" else max(3, os.cpu_count() or 1))
    assert running < 64


@LINUX
def test_62_one_processor() -> None:
    out = run(
        """
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        os.execv(sys.executable, [sys.executable, "-c",
                 "from gatework import _core; print(_core.num_threads())"])
        """
    )
    if "OMP_NUM_THREADS" not in os.environ:
        assert out == "1\n"


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


def test_65_predict_beside_fit() -> None:
    """Every prediction is that of the weights between two updates, never of half an update.

    All weights are equal after each step of this optimizer, so that a mixture would show.
    """
    made = models.Sequential(
        [layers.Input((4,)), layers.Dense(64, use_bias=False, kernel_initializer="zeros")]
    )

    class Count(gatework.optimizers.Optimizer):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            for row in range(variable.shape[0]):  # not at once
                value = variable.numpy().copy()
                value[row] += 1
                variable.assign(value)

    made.compile(Count(0.1), "mse")
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


class Numbers(gatework.utils.PyDataset):
    """Batches, as many as it is told to have."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return X[:4], Y[:4]


def test_70_sources_that_end_wrongly() -> None:
    made = model()

    def changes_shape() -> Any:
        for i in range(10):
            yield (X[:4, :, :3] if i == 7 else X[:4]), Y[:4]

    def ends_by_itself() -> Any:
        yield X[:4], Y[:4]
        raise OSError("the tape is torn")

    with pytest.raises(ValueError, match="3") as caught:
        made.fit(changes_shape(), verbose=0)
    assert "in fit, at batch 7" in caught.value.__notes__
    with pytest.raises(OSError, match="the tape is torn"):
        made.fit(ends_by_itself(), verbose=0)
    with pytest.raises(ValueError, match="at least one batch"):
        made.fit(Numbers(0), verbose=0)
    with pytest.raises((ValueError, TypeError), match="sample axis"):
        made.fit(iter([3]), verbose=0)
    assert made.fit(Numbers(2), verbose=0).epoch == [0]


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def create_and_delete(times: int) -> None:
    for i in range(times):
        made = model(8)
        made.train_on_batch(X[:8], Y[:8])
        thread = None
        if i % 10 == 0:  # deleted while in use
            thread = threading.Thread(target=made.predict, args=(X,), kwargs={"verbose": 0})
            thread.start()
        del made
        if thread is not None:
            thread.join()


@LINUX
def test_72_models_come_and_go() -> None:
    """Memory after 400 models is that after 200, to 5 %."""
    create_and_delete(200)
    before = resident()
    create_and_delete(200)
    assert resident() < 1.05 * before


@LINUX
@pytest.mark.long
def test_72_ten_thousand_models() -> None:
    create_and_delete(500)
    before = resident()
    create_and_delete(10_000)
    assert resident() < 1.05 * before


def test_73_the_end_with_running_threads() -> None:
    """The interpreter shuts down while daemon threads are inside kernels."""
    for _ in range(2):
        run(
            """
            model, (x, y) = small_model(64, 100, 16), some_data(64, 100, 16)
            model.predict(x, verbose=0)
            def work():
                while True:
                    model.predict(x, verbose=0)
            for _ in range(3):
                threading.Thread(target=work, daemon=True).start()
            time.sleep(0.2)
            """
        )


@LINUX
def test_73_interpreters_within() -> None:
    """In a second interpreter of the process the package works or says that it cannot."""
    program = """
import sys
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    try:
        import _interpreters as interpreters
    except ImportError:
        sys.exit()
import gatework.layers, numpy as np
for _ in range(2):
    made = interpreters.create()
    try:
        interpreters.run_string(made, "import gatework.layers")
    except Exception:
        pass
    interpreters.destroy(made)
print(np.asarray(gatework.layers.LSTM(3)(np.ones((2, 3, 4), "f4"))).shape)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout in ("(2, 3)\n", "")

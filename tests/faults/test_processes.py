"""Faults 59 to 73: processes that fork, models that come and go, an interpreter that ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers, models

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
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_59_fork_of_programs_and_streams() -> None:
    """A program, its streams, attention and generation go on in the child as in the parent."""
    out = run(
        """
        from gatework import inference
        gatework.utils.set_random_seed(1)
        words = models.Sequential([
            layers.Input((None,)), layers.TokenAndPositionEmbedding(9, 40, 8),
            layers.TransformerDecoder(16, 2), layers.LSTM(64, return_sequences=True),
            layers.Dense(9),
        ])
        recurrent = models.Sequential([
            layers.Input((None, 3)), layers.LSTM(64, return_sequences=True), layers.Dense(2),
        ])
        x = some_data(64)[0]
        program = inference.compile(recurrent, dtype="bfloat16")
        session = program.session(64)
        session.step(x[:, 0])
        def work():
            return program(x), session.step(x[:, 1]), words.generate([1, 2], max_length=11)
        for _ in range(2):
            before = session.state
            expected = work()
            session.state = before
            pid = os.fork()
            if pid == 0:
                signal.alarm(30)
                good = all((one == two).all() for one, two in zip(work(), expected))
                os._exit(0 if good else 3)
            assert os.waitpid(pid, 0)[1] == 0
            assert all((one == two).all() for one, two in zip(work(), expected))
            session.state = before
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

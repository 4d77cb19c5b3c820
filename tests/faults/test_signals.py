"""Faults 66 to 68: Ctrl-C and other signals, inside kernels and while files are written."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from gatework import _core, layers, models
from gatework.callbacks import Callback

from tests.faults.programs import run, start
from tests.saving.hostile import same

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sends itself signals")

# Kernels that would run for a minute and more, with the threads they use.
LONG = """
    threads = int(sys.argv[1])
    _core.set_num_threads(threads)
    kind = sys.argv[2]
    layer = {
        "rows": lambda: layers.LSTM(128, return_sequences=False),
        "team": lambda: layers.LSTM(512, recurrent_initializer="glorot_uniform"),
        "normalized": lambda: layers.LSTM(128, layer_normalization=True),
        "rounded": lambda: layers.GRU(256, dtype="mixed_bfloat16"),
        "attention": lambda: layers.TransformerDecoder(64, 2),
    }[kind.removeprefix("program of ")]()
    batch, steps = (1, 4000) if kind == "team" else (8, 4000) if "attention" in kind else (32, 4000)
    if kind.startswith("program of "):
        layer = gatework.inference.compile(models.Sequential([layers.Input((None, 64)), layer]))
    x = np.broadcast_to(np.float32(0.1), (batch, steps, 64)).copy()
    layer(x[:, :2])
    begun = time.monotonic()
    def interrupt():
        time.sleep(0.5)
        global sent
        sent = time.monotonic()
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=interrupt).start()
    try:
        while True:
            layer(x)
    except KeyboardInterrupt:
        waited = time.monotonic() - sent
    again = np.asarray(layer(x[:, :20]))
    assert np.isfinite(again).all()
    assert threading.active_count() == 1
    print(waited)
"""


@pytest.mark.parametrize(
    ("threads", "kind"),
    [
        ("1", "rows"),
        ("2", "rows"),
        ("2", "team"),
        ("2", "normalized"),
        ("2", "rounded"),
        ("2", "attention"),
        ("2", "program of rows"),
        ("1", "program of attention"),
    ],
)
def test_66_ctrl_c_in_a_long_kernel(threads: str, kind: str) -> None:
    assert float(run(LONG, threads, kind)) < 1.0


def test_66_ctrl_c_in_one_call() -> None:
    """One product of minutes ends within a second."""
    out = run(
        """
        a = np.ones((6000, 6000), np.float32)
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        begin = time.monotonic()
        try:
            for _ in range(100):
                _core.gemm(a, a)
        except KeyboardInterrupt:
            print(time.monotonic() - begin)
        assert (_core.gemm(a[:8, :8].copy(), a[:8, :8].copy()) == 8).all()
        """
    )
    assert 0.2 < float(out) < 1.5


def test_66_ctrl_c_in_fit() -> None:
    """History is kept, the model predicts and trains on, the metrics begin anew."""
    out = run(
        """
        class Interrupt(gatework.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                if epoch == 2:
                    threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        model, (x, y) = small_model(64, 60, 8), some_data(400, 60, 8)
        begin = time.monotonic()
        try:
            model.fit(x, y, epochs=500, verbose=0, callbacks=[Interrupt()])
        except KeyboardInterrupt:
            pass
        else:
            raise AssertionError("nothing interrupted it")
        assert model.history.epoch[:2] == [0, 1] and len(model.history.history["loss"]) >= 2
        assert np.isfinite(model.predict(x[:4], verbose=0)).all()
        assert model.fit(x[:32], y[:32], verbose=0).epoch == [0]
        print("good")
        """
    )
    assert out == "good\n"


def interrupted(call: Callable[[], Any], seconds: float, error: type[BaseException]) -> bool:
    """Whether an exception that a signal's handler raises after a while comes out of the call."""
    inside = True

    def handler(*_: Any) -> None:
        if inside:
            raise error

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        call()
        inside = False
        return False
    except error:
        return True
    finally:
        inside = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# A handler may happen to run in a destructor or a callback, of h5py or of the collector of garbage.
in_destructors = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@in_destructors
def test_66_a_signal_in_the_middle_of_many_calls() -> None:
    """A handler that raises, at forty moments of training: the model is whole after each."""
    made = models.Sequential([layers.Input((5, 3)), layers.LSTM(4), layers.Dense(1)])
    made.compile("adam", "mse")
    x, y = np.ones((64, 5, 3), np.float32), np.ones((64, 1), np.float32)

    class Stop(Exception):
        pass

    stopped = 0
    for i in range(40):
        stopped += interrupted(
            lambda: made.fit(x, y, batch_size=4, epochs=3, verbose=0), 0.002 + 0.0007 * i, Stop
        )
        assert np.isfinite(made.predict(x[:2], verbose=0)).all()
        assert made._lookups is None
    assert stopped > 10


@in_destructors
def test_67_ctrl_c_while_saving(tmp_path: Any) -> None:
    """At many moments: the file is the old one or the new one, and nothing lies beside it."""
    made = models.Sequential([layers.Input((50, 30)), layers.LSTM(100), layers.Dense(1)])
    for name in ("m.keras", "m.h5", "m.weights.h5"):
        path = tmp_path / name
        store = made.save_weights if "weights" in name else made.save
        store(path)
        begin = time.perf_counter()
        store(path)
        took = time.perf_counter() - begin
        times = 0
        for i in range(12):
            values = [np.full_like(w, i) for w in made.get_weights()]
            old = made.get_weights()
            made.set_weights(values)
            seconds = max(took * (i + 0.5) / 12, 1e-5)
            times += interrupted(partial(store, path), seconds, KeyboardInterrupt)
            made.load_weights(path)
            found = made.get_weights()
            expected = values if found[0].flat[0] == values[0].flat[0] else old
            same(made, expected)
            assert sorted(p.name for p in tmp_path.iterdir()) == [name]
        assert times
        path.unlink()


def test_68_handlers_of_the_user() -> None:
    """Handlers run during kernels, on the main thread only; SIGTERM ends the process as ever."""
    run(
        """
        seen = []
        signal.signal(signal.SIGALRM, lambda *_: seen.append(threading.current_thread()))
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        model, (x, y) = small_model(64, 100, 8), some_data(200, 100, 8)
        def work():
            model.predict(x, verbose=0)
        other = threading.Thread(target=work)
        other.start()
        begin = time.monotonic()
        while time.monotonic() - begin < 1.0:
            model.predict(x, verbose=0)
        other.join()
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert len(seen) > 5
        assert set(seen) == {threading.main_thread()}
        """
    )
    process = start(
        """
        model, (x, y) = small_model(128, 400, 8), some_data(200, 400, 8)
        print("ready", flush=True)
        model.fit(x, y, epochs=1000, verbose=0)
        """
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    process.terminate()
    _, said = process.communicate(timeout=10)
    assert process.returncode == -signal.SIGTERM
    assert said == ""


def test_68_fit_on_another_thread() -> None:
    """Training away from the main thread neither takes signals nor fails."""
    made = models.Sequential([layers.Input((5, 3)), layers.GRU(4), layers.Dense(1)])
    made.compile("adam", "mse")
    x, y = np.ones((64, 5, 3), np.float32), np.ones((64, 1), np.float32)
    handlers = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    epochs: list[int] = []
    thread = threading.Thread(
        target=lambda: epochs.extend(made.fit(x, y, epochs=3, verbose=0).epoch)
    )
    thread.start()
    thread.join()
    assert epochs == [0, 1, 2]
    assert handlers == [
        signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    ]


def test_68_a_handler_that_raises_beside_another_thread() -> None:
    """A signal raised while another thread computes reaches the main thread alone."""
    made = models.Sequential([layers.Input((50, 16)), layers.LSTM(64)])
    x = np.ones((64, 50, 16), np.float32)
    results: list[Any] = []

    class Signal(Callback):
        def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 0:
                signal.raise_signal(signal.SIGUSR1)

    def handler(*_: Any) -> None:
        raise InterruptedError("mine")

    def predict() -> None:
        results.append(made.predict(x, batch_size=16, verbose=0, callbacks=[Signal()]))

    def compute_beside(thread: threading.Thread) -> None:
        thread.start()
        square = np.ones((300, 300), np.float32)
        while thread.is_alive():
            _core.gemm(square, square)
        time.sleep(0.1)

    before = signal.signal(signal.SIGUSR1, handler)
    thread = threading.Thread(target=predict)
    try:
        with pytest.raises(InterruptedError, match="mine"):
            compute_beside(thread)
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    assert results[0].shape == (64, 64)

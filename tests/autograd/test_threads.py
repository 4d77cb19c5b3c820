"""Tapes of different threads know nothing of each other."""

import threading

import numpy as np
from gatework import ops
from gatework.autograd import GradientTape, Tensor, Variable, is_recording


def run_all(work, count):
    errors = []

    def guarded(i):
        try:
            work(i)
        except BaseException as error:  # reported by the main thread
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_tape_records_its_own_thread_only():
    w = Variable(2.0)
    made = []

    def work(_):
        assert not is_recording(w)
        made.append(w * w)

    with GradientTape() as tape:
        run_all(work, 1)
        y = made[0] * w
    assert tape.gradient(y, w).item() == 4.0


def test_watching_on_one_thread_is_not_seen_on_another():
    x = Tensor(2.0)

    def work(_):
        with GradientTape() as tape:
            y = x * x
        assert tape.gradient(y, x) is None

    with GradientTape() as tape:
        tape.watch(x)
        run_all(work, 2)
        y = x * x
    assert tape.gradient(y, x).item() == 4.0


def test_many_threads_share_one_variable():
    w = Variable(np.arange(1.0, 5.0))
    together = threading.Barrier(4)

    def work(i):
        together.wait()
        for step in range(50):
            with GradientTape() as tape:
                y = ops.sum(w * w * float(i + step))
            np.testing.assert_array_equal(tape.gradient(y, w), 2 * (i + step) * np.arange(1.0, 5.0))

    run_all(work, 4)

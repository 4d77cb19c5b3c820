"""The lock of a model's weights: what may run beside what, and that nobody starves."""

from __future__ import annotations

import threading
import time

import pytest
from gatework.models.weights_lock import WeightsLock


def test_a_reader_gets_in_between_two_writes_of_a_busy_writer() -> None:
    """Fails if a writer that comes back at once always passes readers that wait."""
    lock = WeightsLock()
    stop, writes = threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            with lock.writing():
                writes[0] += 1
                time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        waited = []
        for _ in range(20):
            while not writes[0]:
                time.sleep(0.001)
            before = writes[0]
            with lock.reading():
                waited.append(writes[0] - before)
    finally:
        stop.set()
        writer.join()
    assert max(waited) <= 2


def test_a_writer_gets_in_between_readers_that_overlap() -> None:
    lock = WeightsLock()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with lock.reading():
                time.sleep(0.002)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(20):
            with lock.writing():
                assert lock._readers == {}
    finally:
        stop.set()
        for reader in readers:
            reader.join()


def test_a_thread_reads_while_it_writes_and_writes_while_it_reads() -> None:
    lock = WeightsLock()
    with lock.writing(), lock.reading(), lock.writing():
        assert lock._writer == threading.get_ident()
    with lock.reading(), lock.writing(), lock.reading():
        assert lock._writer == threading.get_ident()
    assert lock._writer is None
    assert lock._readers == {}


def test_many_threads_never_see_half_of_a_write() -> None:
    lock = WeightsLock()
    pair, torn = [0, 0], []

    def work(number: int) -> None:
        for _ in range(200):
            if number % 2:
                with lock.writing():
                    pair[0] += 1
                    time.sleep(0)
                    pair[1] += 1
            else:
                with lock.reading():
                    if pair[0] != pair[1]:
                        torn.append(tuple(pair))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not torn
    assert pair == [600, 600]


def test_training_in_another_thread_is_refused() -> None:
    lock = WeightsLock()
    failures: list[Exception] = []

    def other() -> None:
        try:
            with lock.training("lstm"):
                failures.append(AssertionError("was not refused"))
        except RuntimeError as error:
            failures.append(error)

    with lock.training("lstm"):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(60)
    with pytest.raises(RuntimeError, match="'lstm' must wait"):
        raise failures[0]

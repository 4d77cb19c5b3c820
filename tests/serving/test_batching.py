"""What is there at the same time runs together, in order, and nobody gets another's rows."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from gatework.serving.batching import Batcher
from gatework.serving.errors import BadRequest, Overloaded
from gatework.serving.joining import Concatenated
from gatework.serving.settings import Settings


class Slow:
    """Doubles, one batch at a time, when it is let to; remembers the shapes that it saw."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, arrays: list[Any]) -> list[Any]:
        self.go.wait(20)
        self.seen.append(arrays[0].shape)
        if arrays[0].shape[1] == 7:
            raise ValueError("seven is no good")
        if arrays[0].shape[1] == 8:
            raise RuntimeError("a fault")
        return [arrays[0] * 2, arrays[0].sum(axis=1)]


def run(scenario: Any, **settings: Any) -> Slow:
    slow = Slow()
    with ThreadPoolExecutor(1) as executor:
        asyncio.run(scenario(Batcher(Concatenated(slow), executor, Settings(**settings)), slow))
    return slow


def rows(*values: float, width: int = 2) -> list[Any]:
    return [np.array([[value] * width for value in values], "float32")]


def test_what_comes_while_one_runs_is_the_next_batch() -> None:
    async def scenario(batcher: Batcher, slow: Slow) -> None:
        jobs = [asyncio.create_task(batcher.compute(rows(i))) for i in range(6)]
        await asyncio.sleep(0.05)
        assert batcher.waiting == 5
        slow.go.set()
        for i, (doubled, total) in enumerate(await asyncio.gather(*jobs)):
            np.testing.assert_array_equal(doubled, [[2 * i, 2 * i]])
            np.testing.assert_array_equal(total, [2 * i])
        assert batcher.waiting == 0

    assert run(scenario).seen == [(1, 2), (5, 2)]


def test_batches_have_at_most_so_many_rows_and_one_shape() -> None:
    async def scenario(batcher: Batcher, slow: Slow) -> None:
        first = asyncio.create_task(batcher.compute(rows(0)))
        await asyncio.sleep(0.05)
        jobs = [asyncio.create_task(batcher.compute(rows(i, i, width=2 + i % 2))) for i in range(6)]
        large = asyncio.create_task(batcher.compute(rows(*range(9))))
        await asyncio.sleep(0.05)
        slow.go.set()
        await asyncio.gather(first, *jobs)
        np.testing.assert_array_equal((await large)[1], 2 * np.arange(9))

    seen = run(scenario, max_batch=4).seen
    assert max(shape[0] for shape in seen) == 4
    assert sum(shape[0] for shape in seen) == 1 + 12 + 9
    assert seen[1] == (4, 2)


def test_waiting_for_others() -> None:
    async def scenario(batcher: Batcher, slow: Slow) -> None:
        slow.go.set()
        first = asyncio.create_task(batcher.compute(rows(1)))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(batcher.compute(rows(2)))
        await asyncio.gather(first, second)

    assert run(scenario, max_wait=1.0).seen == [(2, 2)]


def test_a_full_batch_waits_for_nobody() -> None:
    async def scenario(batcher: Batcher, slow: Slow) -> None:
        slow.go.set()
        await asyncio.wait_for(batcher.compute(rows(1, 2)), 5)

    assert run(scenario, max_wait=60.0, max_batch=2).seen == [(2, 2)]


def test_a_full_queue_refuses() -> None:
    async def scenario(batcher: Batcher, slow: Slow) -> None:
        jobs = [asyncio.create_task(batcher.compute(rows(i))) for i in range(4)]
        await asyncio.sleep(0.05)
        with pytest.raises(Overloaded, match="the queue must not exceed 3 rows: 3 wait"):
            await batcher.compute(rows(9))
        slow.go.set()
        await asyncio.gather(*jobs)
        await batcher.compute(rows(9))

    run(scenario, max_queue=3)


def test_what_nobody_waits_for_does_not_run() -> None:
    async def scenario(batcher: Batcher, slow: Slow) -> None:
        jobs = [asyncio.create_task(batcher.compute(rows(i))) for i in range(3)]
        await asyncio.sleep(0.05)
        jobs[1].cancel()
        await asyncio.sleep(0.05)
        slow.go.set()
        found = await asyncio.gather(*jobs, return_exceptions=True)
        assert isinstance(found[1], asyncio.CancelledError)
        np.testing.assert_array_equal(found[2][0], [[4, 4]])

    assert run(scenario).seen == [(1, 2), (1, 2)]


def test_errors_reach_those_of_the_batch_and_no_others() -> None:
    async def scenario(batcher: Batcher, slow: Slow) -> None:
        slow.go.set()
        jobs = [batcher.compute(rows(1, width=width)) for width in (2, 7, 8, 3)]
        good, bad, fault, fine = await asyncio.gather(*jobs, return_exceptions=True)
        np.testing.assert_array_equal(good[1], [2])
        np.testing.assert_array_equal(fine[1], [3])
        assert isinstance(bad, BadRequest)
        assert "seven is no good" in str(bad)
        assert isinstance(fault, RuntimeError)

    run(scenario)

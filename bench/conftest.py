"""One way to measure, so that every suite makes rows of the same table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import gatework
import pytest
from pytest_benchmark.fixture import BenchmarkFixture


class Measure(Protocol):
    """Times ``call`` and returns its last result."""

    def __call__(
        self,
        group: str,
        rival: str,
        call: Callable[[], Any],
        *,
        flops: float | None = None,
        bytes_moved: float | None = None,
    ) -> Any: ...


@pytest.fixture
def measure(benchmark: BenchmarkFixture) -> Measure:
    """A row ``rival`` of the table ``group``, with the work done where it is known."""

    def run(
        group: str,
        rival: str,
        call: Callable[[], Any],
        *,
        flops: float | None = None,
        bytes_moved: float | None = None,
    ) -> Any:
        benchmark.group = group
        benchmark.extra_info["rival"] = rival
        if flops is not None:
            benchmark.extra_info["flops"] = flops
        if bytes_moved is not None:
            benchmark.extra_info["bytes"] = bytes_moved
        return benchmark(call)

    return run


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: Any) -> None:
    """What the figures depend on besides the processor."""
    machine_info["gatework"] = {
        "version": gatework.__version__,
        "isa": gatework.runtime.isa(),
        "threads": gatework.runtime.get_num_threads(),
    }

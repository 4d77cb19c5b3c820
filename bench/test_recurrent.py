"""Recurrent layers: forward and backward, or forward alone."""

from functools import cache

import numpy as np
import pytest

from bench.conftest import Measure
from bench.recurrent import RIVALS, Array, solve
from bench.workloads import RECURRENT, Recurrent

# Two float32 computations that sum in a different order, over up to 200 steps.
TOLERANCE = 1e-3
# Above this the reference takes seconds for one pass: it gives the answer once and is not timed.
NUMPY_FLOPS = 2e9
ROWS = [
    pytest.param(workload, rival, id=f"{workload.name}-{rival}")
    for workload in RECURRENT
    for rival in RIVALS
    if rival != "NumPy" or workload.flops <= NUMPY_FLOPS
]


@cache
def expected(workload: Recurrent) -> list[Array]:
    return solve(workload, "NumPy")


@pytest.mark.parametrize(("workload", "rival"), ROWS)
def test_recurrent(workload: Recurrent, rival: str, measure: Measure) -> None:
    found = measure(workload.group, rival, lambda: solve(workload, rival), flops=workload.flops)
    for actual, wanted in zip(found, expected(workload), strict=True):
        assert np.linalg.norm(actual - wanted) <= TOLERANCE * np.linalg.norm(wanted)

"""The guard that counts instructions: what it reads, and what it calls a regression."""

import json

import numpy as np
import pytest

from bench.instructions.__main__ import STORED, Skipped, check_environment, total
from bench.instructions.compare import compare, table
from bench.instructions.workloads import LEVELS, workloads


@pytest.mark.parametrize(
    ("stored", "counted", "verdict"),
    [
        (1000, 1000, "ok"),
        (1000, 1049, "ok"),
        (1000, 1051, "MORE"),
        (1000, 991, "ok"),
        (1000, 989, "fewer: store it"),
        (None, 1000, "new: store it"),
        (1000, None, "not counted"),
    ],
)
def test_verdicts(stored: int | None, counted: int | None, verdict: str) -> None:
    before = {} if stored is None else {"dense": {"avx2": stored}}
    now = {} if counted is None else {"dense": {"avx2": counted}}
    (row,) = compare(before, now)
    assert row.verdict == verdict
    assert table([row]).endswith(verdict)


def test_one_of_callgrinds_files() -> None:
    dump = (
        "# callgrind format\nversion: 1\n\n"
        'desc: Trigger: Client Request: ["lstm train", "avx2", 8]\n\n'
        "events: Ir\nsummary: 90\n\nfn=(1)\n1 90\n\ntotals: 98\n"
    )
    assert total(dump) == (("lstm train", "avx2", 8), 98)
    with pytest.raises(RuntimeError, match="another format"):
        total("events: Ir\ntotals: 98\n")


def test_another_compiler_is_not_compared() -> None:
    stored = {"compiler": "GNU 12.2.0", "python": "3.11"}
    check_environment(stored, dict(stored))
    with pytest.raises(Skipped, match=r": compiler GNU 14\.1\.0, not GNU 12\.2\.0$"):
        check_environment(stored, {**stored, "compiler": "GNU 14.1.0"})


def test_every_workload_runs_and_has_a_stored_count() -> None:
    stored = json.loads(STORED.read_text())["instructions"]
    names = []
    for name, call in workloads():
        names.append(name)
        result = call()
        for array in result if isinstance(result, tuple) else (result,):
            if isinstance(array, np.ndarray):
                assert np.isfinite(array).all(), name
    assert sorted(stored) == sorted(names)
    assert all(set(counts) == set(LEVELS) for counts in stored.values())

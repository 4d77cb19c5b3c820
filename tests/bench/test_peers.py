"""The bench beside other frameworks: it must notice wrong answers and count honestly."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.peers import coordinator, load, report, topics
from bench.peers.coordinator import OURS, Failure, Measured, Peer, Result, Row
from bench.workloads import Recurrent, Served, SessionStep, Step

SMALL = Recurrent("small", "lstm", 2, 3, 4, 5)


@pytest.fixture(scope="module")
def ours() -> Iterator[Peer]:
    peer = Peer(OURS, 1)
    assert peer.started()
    yield peer
    peer.end()


def measured(*ratios: float, threads: int = 1) -> Measured:
    """A training row whose rivals are PyTorch and JAX."""
    rivals = {"PyTorch": Result([ratios[0]]), "JAX scan": Result([ratios[1]])}
    return Measured(Row("training", "small", SMALL, {}), threads, 0.002, rivals)


def test_turns_of_a_worker_with_itself(ours: Peer) -> None:
    row = Row("training", "small", SMALL, {"again": SMALL}, {"again": OURS})
    found = coordinator.measure(row, {OURS: ours}, 1, rounds=3)
    assert found is not None
    assert len(found.rivals["again"].ratios) == 3
    assert not found.rivals["again"].problem
    assert 0 < found.seconds < 1


def test_another_answer_disagrees(ours: Peer) -> None:
    other = Recurrent("small", "gru", 2, 3, 4, 5)
    row = Row("training", "small", SMALL, {"other": other}, {"other": OURS})
    found = coordinator.measure(row, {OURS: ours}, 1, rounds=1)
    assert found is not None
    assert found.rivals["other"].problem.startswith("DISAGREES")
    assert not found.rivals["other"].ratios


def test_a_rival_that_fails_is_named(ours: Peer, capfd: pytest.CaptureFixture[str]) -> None:
    broken = Recurrent("small", "no such cell", 2, 3, 4, 5)
    row = Row("training", "small", SMALL, {"broken": broken}, {"broken": OURS})
    found = coordinator.measure(row, {OURS: ours}, 1, rounds=1)
    assert found is not None
    assert found.rivals["broken"].problem == "failed"
    assert "no such cell" in capfd.readouterr().err
    with pytest.raises(Failure, match="no such cell"):
        ours.ask("prepare", broken, None)


def test_steps_are_reported_one_by_one(ours: Peer) -> None:
    step = Step("step", "gru", 8, count=50)
    together = ours.ask("prepare", step, None)["seconds"]
    assert np.median(ours.ask("time", step, 5)) < together / 10


@pytest.mark.parametrize("value", [np.nan, 1.01])
def test_arrays_that_differ(tmp_path: Path, value: float) -> None:
    a, b = np.ones(4, np.float32), np.ones(4, np.float32)
    b[1] = value
    for name, array in (("a", a), ("b", b)):
        np.savez(tmp_path / f"{name}.npz", array)
    found = coordinator._disagreement(tmp_path / "a.npz", tmp_path / "b.npz")
    assert found.startswith("DISAGREES: array 0 differs by")
    assert not coordinator._disagreement(tmp_path / "a.npz", tmp_path / "a.npz")


def test_rows_that_are_lost_are_marked() -> None:
    assert report.cell(Result([0.8, 0.9, 1.0])) == "**0.90 (0.85–0.95)** ▼"
    assert report.cell(Result([1.2], form="run")) == "1.20 (1.20–1.20) run"
    assert report.cell(Result(problem="failed")) == "**failed**"
    assert report.cell(None) == "–"


def test_comparisons_that_others_disturbed_are_marked() -> None:
    assert report.cell(Result([1.2], foreign=0.2, owned=1.0)) == "1.20 (1.20–1.20) ⚠"
    assert report.cell(Result([1.2], foreign=0.05, owned=1.0)) == "1.20 (1.20–1.20)"


def test_work_of_others_is_seen() -> None:
    core = min(os.sched_getaffinity(0))
    program = f"import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    before = load.busy({core})
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", program], timeout=0.5)
    assert load.busy({core}) - before > 0.2


def test_geometric_means() -> None:
    text = report.means([measured(2.0, 4.0), measured(8.0, 0.5)])
    assert "the fastest rival of each row: 1.00 (rows: 2)" in text
    assert "PyTorch: 4.00 (rows: 2)" in text


def test_share_of_the_peak() -> None:
    peak = 2 * SMALL.flops / 0.002 / 1e9  # twice what the row reaches
    row = report.table([measured(2.0, 4.0)], {1: peak}).splitlines()[-1]
    assert row.split(" | ")[4] == "50"


def test_half_of_the_tokens_are_real() -> None:
    from bench.peers.rivals.gatework import half_real

    for side in ("pre", "post"):
        mask = half_real(32, 100, side)
        assert mask.mean() == pytest.approx(0.5, abs=0.005)
        assert mask[:, -1 if side == "pre" else 0].all()


def test_every_row_can_be_chosen_by_its_name() -> None:
    assert len({row.label for row in topics.rows()}) == len(topics.rows())
    for name in topics.known() - {"scaling"}:
        assert topics.chosen({name})


def test_a_table_of_samples_and_steps_leaves_out_what_a_row_has_not() -> None:
    served = Served("served", 4, train=False)
    step = SessionStep("step", "lstm", 8)
    found = [
        Measured(Row("programs", w.name, w, {}), 1, 0.002, {"PyTorch": Result([2.0])})
        for w in (served, step)
    ]
    heading, _, first, second = report.table(found, {1: 100.0}).splitlines()
    columns = [part.strip() for part in heading.strip("|").split("|")]
    of_served, of_step = (
        dict(zip(columns, (part.strip() for part in row.strip("|").split("|")), strict=True))
        for row in (first, second)
    )
    assert of_served["samples/s"] == "2,000"
    assert of_served["GFLOP/s"] == of_step["samples/s"] == ""
    assert of_step["GFLOP/s"] == "0.0"

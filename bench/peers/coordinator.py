"""Starts a process for every rival and lets them take turns, so that all meet the same machine.

Between a turn of ours and one of a rival there is always the same short sleep: threads of the one
before that still spin have gone to sleep by then. A rival's ratio in a round is its median beside
that of our turn just before it.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from multiprocessing import Pipe
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from bench.peers import load
from bench.peers.worker import MISSING, RIVALS, cores

OURS = "gatework"
REST = 0.02  # seconds between two turns
TURN = 0.2  # seconds of a turn, about
MOST = 30  # calls in a turn
DISTURBED = 0.1  # share of the cores that others may have before a ratio is marked
TOLERANCE = 1e-3  # of the norm: float32 sums in another order, over hundreds of steps


class Failure(RuntimeError):
    """A worker could not do what it was asked to."""


@dataclass(frozen=True)
class Row:
    """A workload of ours, and of each rival by its column."""

    topic: str
    label: str
    workload: Any
    rivals: dict[str, Any]  # column: workload
    workers: dict[str, str] = field(default_factory=dict)  # column: rival, where they differ
    agree: bool = True
    tolerance: float = TOLERANCE
    rounds: int | None = None  # at most; for what takes many seconds


@dataclass
class Result:
    """Of one rival in one row."""

    ratios: list[float] = field(default_factory=list)
    form: str = ""
    problem: str = ""  # "DISAGREES" or "failed"
    foreign: float = 0.0  # seconds others had of the cores, in its turns and ours before them
    owned: float = 0.0  # seconds of the cores, busy or not

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The interquartile range of the ratios."""
        low, high = np.percentile(self.ratios, [25, 75])
        return float(low), float(high)

    @property
    def disturbed(self) -> bool:
        return self.foreign > DISTURBED * self.owned


@dataclass
class Measured:
    """A row with its times: ours in seconds, the rivals beside it."""

    row: Row
    threads: int
    seconds: float
    rivals: dict[str, Result]


def environment(rival: str, threads: int) -> dict[str, str]:
    """What libraries read once, when they are imported."""
    count = str(threads)
    names = ("OMP_NUM", "MKL_NUM", "OPENBLAS_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
    chosen = {f"{name}_THREADS": count for name in names}
    chosen |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
    eigen = "true" if threads > 1 else "false"
    chosen["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={eigen}"
    backend = {"JAX": "jax", "TensorFlow": "tensorflow", "PyTorch": "torch"}
    if rival.startswith("Keras on "):
        chosen["KERAS_BACKEND"] = backend[rival.removeprefix("Keras on ")]
    return {**os.environ, **chosen}


class Peer:
    """The process of one rival, seen from here."""

    def __init__(self, rival: str, threads: int) -> None:
        self.connection, theirs = Pipe()
        command = [sys.executable, "-m", "bench.peers.worker", rival, str(threads)]
        self.process = subprocess.Popen(
            [*command, str(theirs.fileno())],
            env=environment(rival, threads),
            pass_fds=[theirs.fileno()],
            stdout=sys.stderr,
        )
        theirs.close()
        self.rival = rival
        self.cores = set(cores(threads))

    def end(self) -> None:
        self.connection.close()
        self.process.wait()

    def started(self) -> str | None:
        """The versions, None where the rival is not installed."""
        kind, value = self._receive()
        if kind == MISSING:
            print(f"{self.rival} is left out: {value}", file=sys.stderr)
            return None
        return str(value)

    def ask(self, method: str, *arguments: Any) -> Any:
        try:
            self.connection.send((method, arguments))
        except BrokenPipeError:
            raise Failure(f"{self.rival} has ended") from None
        kind, value = self._receive()
        if kind == "failed":
            raise Failure(f"{self.rival}: {value}")
        return value

    def _receive(self) -> tuple[str, Any]:
        try:
            return self.connection.recv()  # type: ignore[no-any-return]
        except EOFError:
            raise Failure(f"{self.rival} ended with {self.process.wait()}") from None


@dataclass(frozen=True)
class Turn:
    """What a worker does when it is its turn."""

    peer: Peer
    workload: Any
    repeats: int

    def seconds(self, result: Result | None = None) -> list[float]:
        """Of each call; what others had of the cores meanwhile is added to the result."""
        time.sleep(REST)
        cores, process = self.peer.cores, self.peer.process.pid
        start, before = time.perf_counter(), load.busy(cores) - load.used(process)
        seconds = list(self.peer.ask("time", self.workload, self.repeats))
        if result is not None:
            result.foreign += load.busy(cores) - load.used(process) - before
            result.owned += len(cores) * (time.perf_counter() - start)
        return seconds


def measure(row: Row, peers: dict[str, Peer], threads: int, rounds: int) -> Measured | None:
    """Times a row; None where none of its rivals takes part.

    A rival that fails or disagrees is named as such and not timed. Raises Failure if ours fails.
    """
    results: dict[str, Result] = {}
    with TemporaryDirectory() as folder:
        answer = Path(folder) / "ours.npz" if row.agree else None
        prepared = peers[OURS].ask("prepare", row.workload, answer)
        ours = Turn(peers[OURS], row.workload, _repeats(prepared))
        turns: dict[str, Turn] = {}
        for column, workload in row.rivals.items():
            peer = peers.get(row.workers.get(column, column))
            found = _prepare(peer, workload, answer, row.tolerance) if peer else None
            if found is not None:
                results[column], turn = found
                if turn is not None:
                    turns[column] = turn
    seconds = _rounds(min(rounds, row.rounds or rounds), ours, turns, results) if results else []
    for peer in peers.values():
        if peer.process.poll() is None:
            peer.ask("forget")
    return Measured(row, threads, statistics.median(seconds), results) if seconds else None


def _prepare(
    peer: Peer, workload: Any, answer: Path | None, tolerance: float
) -> tuple[Result, Turn | None] | None:
    """None where the rival has no such thing; no turn where it fails or disagrees."""
    theirs = answer.with_name("theirs.npz") if answer else None
    try:
        prepared = peer.ask("prepare", workload, theirs)
        if prepared is None:
            return None
        problem = _disagreement(answer, theirs, tolerance) if answer and theirs else ""
    except Failure as failure:
        return Result(problem=_told(failure)), None
    if problem:
        print(f"{peer.rival} {problem}", file=sys.stderr)
        return Result(problem=problem), None
    return Result(form=prepared["form"]), Turn(peer, workload, _repeats(prepared))


def _rounds(
    rounds: int, ours: Turn, turns: dict[str, Turn], results: dict[str, Result]
) -> list[float]:
    """Lets them take turns; all seconds of ours, and the ratios into the results."""
    seconds: list[float] = []
    for _ in range(rounds):
        if not turns:
            seconds += ours.seconds()
        for column, turn in list(turns.items()):
            result = results[column]
            own = ours.seconds(result)
            seconds += own
            try:
                theirs = turn.seconds(result)
                result.ratios.append(statistics.median(theirs) / statistics.median(own))
            except Failure as failure:
                result.problem = _told(failure)
                del turns[column]
    return seconds


def _told(failure: Failure) -> str:
    print(failure, file=sys.stderr)
    return "failed"


def _repeats(prepared: dict[str, Any]) -> int:
    return max(1, min(MOST, int(TURN / max(prepared["seconds"], 1e-6))))


def _disagreement(ours: Path, theirs: Path, tolerance: float = TOLERANCE) -> str:
    """Empty where all arrays are equal within ``tolerance``, relative to the norm of ours."""
    with np.load(ours) as own, np.load(theirs) as other:
        names = own.files
        if names != other.files:
            return f"DISAGREES: {len(other.files)} arrays, not {len(names)}"
        for name in names:
            a, b = own[name].astype(np.float64), other[name].astype(np.float64)
            if a.shape != b.shape:
                return f"DISAGREES: array {name[4:]} is {b.shape}, not {a.shape}"
            difference = float(np.linalg.norm(a - b) / max(float(np.linalg.norm(a)), 1e-30))
            if not difference <= tolerance:
                return f"DISAGREES: array {name[4:]} differs by {difference:.1e}"
    return ""


def start(rivals: Collection[str], threads: int) -> tuple[dict[str, Peer], dict[str, str]]:
    """The processes of ours and those rivals that are installed, and their versions."""
    peers: dict[str, Peer] = {}
    versions: dict[str, str] = {}
    started = [Peer(name, threads) for name in RIVALS if name == OURS or name in rivals]
    for peer in started:  # they import at the same time
        rival, found = peer.rival, peer.started()
        if found is None:
            peer.end()
        else:
            peers[rival], versions[rival] = peer, found
    if OURS not in peers:
        raise Failure("gatework cannot be imported: make dev")
    return peers, versions

"""What a user of a program waits for: python -m bench.latency [--steps 1000000] [--only lstm,...]

``overhead`` a step of one unit: what is left when there is nothing to compute
``lstm``, ``gru``  each of many steps of a session by itself: median, 99 %, 99.9 %, the longest
``threads``  8 Python threads on one program beside one thread, results compared
``start``    a process from its start to the first prediction of a program of 10 MB
``size``     megabytes of what serving a program needs: gatework and NumPy

One thread computes. The process is bound to no core; run it alone.
"""

import argparse
import functools
import gc
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gatework
import numpy as np
from gatework import inference, layers, runtime

from bench.peers.rivals import models
from bench.report import duration
from bench.workloads import Served

UNITS = (64, 128, 256, 512, 1024)
THREADS = 8
LIMIT = 20.0  # seconds of a row; fewer steps where they take longer

START = """
import time
begin = time.clock_gettime(time.CLOCK_MONOTONIC)
import numpy as np
import gatework.inference
program = gatework.inference.load({path!r})
program(np.zeros((1, 20, 256), "float32"))
print(time.clock_gettime(time.CLOCK_MONOTONIC))
"""


def program_of(cell: Any, units: int, inputs: int | None = None) -> Any:
    """One recurrent layer that gives its last step."""
    inputs = units if inputs is None else inputs
    return inference.compile(gatework.Sequential([layers.Input((None, inputs)), cell(units)]))


def each_step(program: Any, units: int, inputs: int, steps: int) -> Any:
    """Nanoseconds of each step, sorted; fewer than asked for where they take too long."""
    session = program.session()
    x = np.random.default_rng(0).normal(size=(64, 1, inputs)).astype("float32")
    rows, y = list(x), np.empty((1, units), np.float32)
    clock, step = time.perf_counter_ns, session.step
    for row in rows:
        step(row, y)
    begin = clock()
    for row in rows:
        step(row, y)
    steps = min(steps, int(LIMIT * 1e9 / ((clock() - begin) / len(rows) + 100)))
    found = np.empty(steps, np.int64)
    gc.disable()
    for i in range(steps):
        row = rows[i & 63]
        begin = clock()
        step(row, y)
        found[i] = clock() - begin
    gc.enable()
    found.sort()
    return found


def tails(cell: Any, steps: int) -> None:
    print(
        f"{'step':<14}{'steps':>10}{'median':>10}{'99 %':>10}{'99.9 %':>10}{'longest':>10}  99.9 %"
    )
    for units in UNITS:
        line(f"{cell.__name__} H{units}", each_step(program_of(cell, units), units, units, steps))


def overhead(steps: int) -> None:
    line("LSTM H1 I1", each_step(program_of(layers.LSTM, 1, 1), 1, 1, steps))


def line(name: str, found: Any) -> None:
    """One row: a share of the steps is at most so long."""
    at = [found[min(int(share * len(found)), len(found) - 1)] for share in (0.5, 0.99, 0.999, 1)]
    cells = "".join(f"{duration(ns * 1e-9):>10}" for ns in at)
    print(f"{name:<14}{len(found):>10,}{cells}  {at[2] / at[0]:.1f}x the median", flush=True)


def threads(steps: int) -> None:
    """The tutorial's model, one sample at a time."""
    w = Served("program-1", 1, train=False)
    program = inference.compile(models.tutorial(gatework, w))
    rng = np.random.default_rng(0)
    samples = rng.integers(0, w.words, (64, 1, w.time))
    wanted = [program(x) for x in samples]
    rate_alone, rate_together = [], []
    count = 400
    for _ in range(5):
        rate_alone.append(count / seconds(1, count, program, samples, wanted))
        rate_together.append(count * THREADS / seconds(THREADS, count, program, samples, wanted))
    alone, together = statistics.median(rate_alone), statistics.median(rate_together)
    print(
        f"threads: 1 thread {alone:,.0f} samples a second, {THREADS} threads {together:,.0f}, "
        f"{together / alone:.2f}x; every result equal to that of one thread"
    )


def seconds(count: int, calls: int, program: Any, samples: Any, wanted: Sequence[Any]) -> float:
    """Of so many threads with so many calls each.

    Raises:
        RuntimeError: a result is another than the one computed alone.
    """
    wrong: list[int] = []

    def work(thread: int) -> None:
        for i in range(calls):
            at = (i + thread * 7) % len(samples)
            if not np.array_equal(program(samples[at]), wanted[at]):
                wrong.append(at)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    begin = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    elapsed = time.perf_counter() - begin
    if wrong:
        raise RuntimeError(f"{len(wrong)} results differ from those of one thread")
    return elapsed


def start(steps: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gwp"
        model = gatework.Sequential(
            [
                layers.Input((None, 256)),
                layers.LSTM(512, return_sequences=True),
                layers.LSTM(256),
                layers.Dense(512),
            ]
        )
        inference.compile(model).save(path)
        size = path.stat().st_size
        found = []
        for _ in range(9):
            begin = time.clock_gettime(time.CLOCK_MONOTONIC)
            done = subprocess.run(
                [sys.executable, "-c", START.format(path=str(path))],
                check=True,
                capture_output=True,
                text=True,
            )
            found.append(float(done.stdout) - begin)
    print(
        f"start: {size / 1e6:.1f} MB, from the process' start to the first prediction "
        f"{duration(statistics.median(found))} ({duration(min(found))} to {duration(max(found))})"
    )


def size(steps: int) -> None:
    found = {}
    for module in (gatework, np):
        folder = Path(module.__file__ or "").parent
        # NumPy's wheel has its BLAS beside it.
        folders = [folder, *folder.parent.glob(f"{folder.name}.libs")]
        files = (path for one in folders for path in one.rglob("*") if path.is_file())
        found[folder.name] = sum(
            path.stat().st_size for path in files if "__pycache__" not in path.parts
        )
    parts = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in found.items())
    print(f"size: {parts}, together {sum(found.values()) / 1e6:.1f} MB")


PARTS: dict[str, Callable[[int], None]] = {
    "overhead": overhead,
    "lstm": functools.partial(tails, layers.LSTM),
    "gru": functools.partial(tails, layers.GRU),
    "threads": threads,
    "start": start,
    "size": size,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--only", default=",".join(PARTS), metavar="PART,PART")
    chosen = parser.parse_args()
    runtime.set_num_threads(1)
    for name in chosen.only.split(","):
        PARTS[name](chosen.steps)


if __name__ == "__main__":
    main()

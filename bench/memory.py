"""python -m bench.memory [--batch 8] [--units 128] [--times 100,1000,10000] [--attention]

What an LSTM, or causal attention of heads of 64, needs of memory beyond its arguments and results,
by the length of the sequences: the peak of a fresh process during one call, less what it held
before. Training of an LSTM is beside what it has to remember: for every step the gates, the states
and the inputs, all of which the gradient reads. That of attention reads arguments and results.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tests.kernels.cells import CELLS

MEGABYTE = 2**20


@dataclass(frozen=True)
class Size:
    """An LSTM, or attention, over (batch, time, units) sequences."""

    batch: int
    time: int
    units: int
    train: bool
    attention: bool = False

    @property
    def remembered(self) -> int:
        """Bytes of what the gradient of an LSTM reads at all steps; none in inference."""
        floats = (CELLS["lstm"].gates + 2 + 1) * self.units
        return 4 * floats * self.batch * self.time if self.train and not self.attention else 0

    @property
    def returned(self) -> int:
        """Bytes of what the call gives back for each step: gradients, of attention outputs too."""
        gradients = (3 if self.attention else 1) if self.train else 0
        return 4 * self.batch * self.time * self.units * (gradients + self.attention)


def peak_of(size: Size) -> int:
    """Bytes that a call of this size takes in a process of its own, results left out."""
    command = [sys.executable, "-m", "bench.memory", "--one", *map(str, vars(size).values())]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(found.stdout) - size.returned


def resident(kind: str) -> int:
    """Bytes of memory of this process: "VmRSS" now, "VmHWM" at most."""
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(kind))


def measure(size: Size) -> int:
    """What one call adds to the peak of this process, after a short one that sets everything up."""
    from gatework import _core

    _core.set_num_threads(1)
    short = Size(size.batch, 4, size.units, size.train, size.attention)
    prepare = attention if size.attention else lstm
    prepare(short)()
    call = prepare(size)
    before = resident("VmRSS")
    kept = call()
    del kept
    return resident("VmHWM") - before


def attention(size: Size) -> Callable[[], object]:
    """Causal attention through the public API."""
    from gatework import GradientTape, Tensor, ops

    rng = np.random.default_rng(0)
    shape = (size.batch, size.time, size.units // 64, 64)
    given = [Tensor(rng.standard_normal(shape, np.float32)) for _ in range(3)]

    def call() -> object:
        with GradientTape() as tape:
            if size.train:
                tape.watch(given)
            y = ops.dot_product_attention(*given, is_causal=True)
        return y, tape.gradient(y, given) if size.train else None

    return call


def lstm(size: Size) -> Callable[[], object]:
    """The kernels of an LSTM that returns its last output."""
    from gatework import _core

    rng = np.random.default_rng(0)
    units = size.units
    kernel, recurrent = (
        0.1 * rng.standard_normal((units, 4 * units), np.float32) for _ in range(2)
    )
    bias = np.zeros(4 * units, np.float32)
    x = rng.standard_normal((size.batch, size.time, units), np.float32)
    dy = np.ones((size.batch, units), np.float32)

    def call() -> object:
        *_, saved = _core.recurrent_forward(
            "lstm", x, kernel, recurrent, bias, None, None, None, None,
            "tanh", "sigmoid", False, False, False, size.train,
        )  # fmt: skip
        return _core.recurrent_backward(saved, dy, (None, None), True) if size.train else None

    return call


def table(sizes: list[Size]) -> str:
    lines = [f"{'':<32}{'MB':>8}{'remembered':>12}{'ratio':>7}"]
    for size in sizes:
        peak = peak_of(size)
        work, letter = "training" if size.train else "inference", "D" if size.attention else "H"
        name = f"{work} B{size.batch} T{size.time} {letter}{size.units}"
        ratio = f"{peak / size.remembered:7.2f}" if size.remembered else ""
        lines.append(
            f"{name:<32}{peak / MEGABYTE:>8.1f}{size.remembered / MEGABYTE:>12.1f}{ratio}".rstrip()
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--times", default="100,1000,10000", metavar="T,T")
    parser.add_argument("--attention", action="store_true", help="in place of an LSTM")
    parser.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        *numbers, train, attends = options.one
        print(measure(Size(*map(int, numbers), train == "True", attends == "True")))
        return
    times = [int(text) for text in options.times.split(",")]
    sizes = [
        Size(options.batch, time, options.units, train, options.attention)
        for train in (True, False)
        for time in times
    ]
    print(table(sizes))


if __name__ == "__main__":
    main()

"""python -m bench.memory [--batch 8] [--units 128] [--times 100,1000,10000]

What a layer needs of memory beyond its arguments and results, by the length of the sequences: the
peak of a fresh process during one call, less what it held before. Training is beside what it has to
remember: for every step the gates, the states and the inputs, all of which the gradient reads.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass

import numpy as np

from tests.kernels.cells import CELLS

MEGABYTE = 2**20


@dataclass(frozen=True)
class Size:
    """An LSTM over (batch, time, units) sequences."""

    batch: int
    time: int
    units: int
    train: bool

    @property
    def remembered(self) -> int:
        """Bytes of gates, of h and c, and of the inputs at all steps; none in inference."""
        floats = (CELLS["lstm"].gates + 2 + 1) * self.units
        return 4 * floats * self.batch * self.time if self.train else 0

    @property
    def returned(self) -> int:
        """Bytes of what the call gives back for each step: the gradient of the inputs."""
        return 4 * self.batch * self.time * self.units if self.train else 0


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
    rng = np.random.default_rng(0)
    units = size.units
    kernel, recurrent = (
        0.1 * rng.standard_normal((units, 4 * units), np.float32) for _ in range(2)
    )
    bias = np.zeros(4 * units, np.float32)
    x = rng.standard_normal((size.batch, size.time, units), np.float32)
    dy = np.ones((size.batch, units), np.float32)

    def call(inputs: np.ndarray) -> object:
        *_, saved = _core.recurrent_forward(
            "lstm", inputs, kernel, recurrent, bias, None, None, None, None,
            "tanh", "sigmoid", False, False, False, size.train,
        )  # fmt: skip
        return _core.recurrent_backward(saved, dy, (None, None), True) if size.train else None

    call(x[:, :4].copy())
    before = resident("VmRSS")
    kept = call(x)
    del kept
    return resident("VmHWM") - before


def table(sizes: list[Size]) -> str:
    lines = [f"{'':<32}{'MB':>8}{'remembered':>12}{'ratio':>7}"]
    for size in sizes:
        peak = peak_of(size)
        name = (
            f"{'training' if size.train else 'inference'} B{size.batch} T{size.time} H{size.units}"
        )
        ratio = f"{peak / size.remembered:7.2f}" if size.train else ""
        lines.append(
            f"{name:<32}{peak / MEGABYTE:>8.1f}{size.remembered / MEGABYTE:>12.1f}{ratio}".rstrip()
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.memory")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--times", default="100,1000,10000", metavar="T,T")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        *numbers, train = options.one
        print(measure(Size(*map(int, numbers), train=train == "True")))
        return
    times = [int(text) for text in options.times.split(",")]
    print(
        table(
            [Size(options.batch, t, options.units, train) for train in (True, False) for t in times]
        )
    )


if __name__ == "__main__":
    main()

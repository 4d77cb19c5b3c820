"""`gatework bench`: the kernels beside the same mathematics in plain NumPy."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from . import peak_command
from .errors import UsageError

NAME = "bench"
DESCRIPTION = (
    "Time the recurrent kernels beside the same mathematics in plain NumPy, on this machine."
)
HELP = "time the recurrent kernels beside NumPy"

GATES = {"lstm": 4, "gru": 3, "simple_rnn": 1}
SHAPES = ((32, 100, 64, 64), (32, 100, 128, 128), (32, 100, 256, 256), (1, 100, 256, 256))
PATIENCE = 1.0  # seconds spent on one measurement, about
AGREEMENT = 1e-4  # largest difference of outputs and gradients, relative to their norm


@dataclass(frozen=True)
class Row:
    """One line of the table: B batch, T time steps, I inputs, H units."""

    cell: str
    shape: tuple[int, int, int, int]
    what: str
    seconds: float
    numpy_seconds: float
    difference: float

    @property
    def gflops(self) -> float:
        """Matrix-product operations per second; a training step counts three forward ones."""
        b, t, i, h = self.shape
        products = 2 * b * t * (i + h) * h * GATES[self.cell]
        return products * (3 if self.what == "train" else 1) / self.seconds / 1e9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `gatework bench`."""
    parser.add_argument("--threads", type=int, metavar="N", help="threads (default: all cores)")
    parser.add_argument("--repeats", type=int, metavar="N", default=7, help="default: %(default)s")
    parser.add_argument(
        "--cell", choices=sorted(GATES), action="append", help="default: every cell"
    )
    subparsers = parser.add_subparsers(title="instead of the table of kernels", metavar="COMMAND")
    sub = subparsers.add_parser(
        peak_command.NAME, help=peak_command.HELP, description=peak_command.DESCRIPTION
    )
    peak_command.add_arguments(sub)
    sub.set_defaults(run=peak_command.run)


def run(options: argparse.Namespace) -> int:
    """Print the table, a line as soon as it is measured."""
    for name in ("threads", "repeats"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise UsageError(f"--{name} must be at least 1, not {value}")
    import gatework._core as _core

    if options.threads:
        _core.set_num_threads(options.threads)
    print(
        f"{_core.isa()}, {_core.num_threads()} threads, float32, medians; "
        "train = forward and backward"
    )
    print(
        f"{'cell':<11}{'batch':>6}{'time':>6}{'in':>6}{'units':>6}  {'what':<8}"
        f"{'gatework':>11}{'NumPy':>11}{'faster':>9}{'GFLOP/s':>9}{'difference':>12}"
    )
    for row in measure(options.cell or list(GATES), options.repeats):
        b, t, i, h = row.shape
        print(
            f"{row.cell:<11}{b:>6}{t:>6}{i:>6}{h:>6}  {row.what:<8}"
            f"{row.seconds * 1e3:>8.2f} ms{row.numpy_seconds * 1e3:>8.1f} ms"
            f"{row.numpy_seconds / row.seconds:>8.1f}x{row.gflops:>9.1f}{row.difference:>12.1e}",
            flush=True,
        )
    return 0


def measure(
    cells: list[str],
    repeats: int,
    shapes: tuple[tuple[int, int, int, int], ...] = SHAPES,
) -> Iterator[Row]:
    """Time every cell at every shape.

    Raises:
        RuntimeError: kernel and reference differ by more than `AGREEMENT`.
    """
    for cell in cells:
        for shape in shapes:
            yield from _measure_shape(cell, shape, repeats)


def _measure_shape(cell: str, shape: tuple[int, int, int, int], repeats: int) -> Iterator[Row]:
    import numpy as np

    import gatework._core as _core
    from gatework import reference

    b, t, i, h = shape
    g = GATES[cell] * h
    rng = np.random.default_rng(0)

    def normal(*size: int, scale: float = 1.0) -> Any:
        return (scale * rng.standard_normal(size)).astype(np.float32)

    x, dy = normal(b, t, i), normal(b, t, h)
    kernel, recurrent = normal(i, g, scale=i**-0.5), normal(h, g, scale=h**-0.5)
    bias = normal(*((2, g) if cell == "gru" else (g,)), scale=0.1)

    def forward(keep: bool = False) -> Any:
        return _core.recurrent_forward(
            cell, x, kernel, recurrent, bias, None, None, None, None,
            "tanh", "tanh" if cell == "simple_rnn" else "sigmoid", False, False, True, keep,
        )  # fmt: skip

    def train() -> tuple[Any, ...]:
        y, _, saved = forward(keep=True)
        dx, dkernel, *_ = _core.recurrent_backward(saved, dy, no_state_gradients, True)
        return y, dx, dkernel

    def numpy_forward() -> Any:
        return reference.recurrent(cell, x, (kernel, recurrent, bias))

    def numpy_train() -> tuple[Any, ...]:
        y, _, cache = numpy_forward()
        gradients = reference.recurrent_backward(cache, dy)
        return y, gradients["x"], gradients["kernel"]

    no_state_gradients = (None,) * (2 if cell == "lstm" else 1)
    pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "forward": (forward, numpy_forward),
        "train": (train, numpy_train),
    }
    for what, (ours, numpys) in pairs.items():
        difference = max(
            float(np.linalg.norm(a - r)) / max(float(np.linalg.norm(r)), 1e-30)
            for a, r in zip(_arrays(ours()), _arrays(numpys()), strict=False)
        )
        if not difference <= AGREEMENT:
            raise RuntimeError(
                f"{cell} {what}: kernel and reference differ by {difference:.1e}, "
                f"more than {AGREEMENT:.0e}"
            )
        yield Row(cell, shape, what, _median(ours, repeats), _median(numpys, 3), difference)


def _arrays(result: Any) -> list[Any]:
    """The arrays to compare: outputs, and gradients where there are any."""
    import numpy as np

    return [part for part in result if isinstance(part, np.ndarray)]


def _median(call: Callable[[], Any], repeats: int) -> float:
    """Seconds of a call, the median of `repeats`, fewer when they take more than `PATIENCE`."""
    call()
    seconds: list[float] = []
    while len(seconds) < repeats and sum(seconds) < PATIENCE:
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)

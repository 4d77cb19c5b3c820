"""`gatework bench peak`: what the machine can do at most."""

from __future__ import annotations

import argparse

from .errors import UsageError
from .info_command import cpu_name

NAME = "peak"
DESCRIPTION = (
    "Measure this machine: arithmetic, read bandwidth of caches and memory, the cost of a "
    "parallel region and of a barrier. Threads work at the same time, each on buffers of its own."
)
HELP = "measure what this machine can do at most"
LABEL, UNIT, FIGURE = 18, 9, 11  # widths of columns


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `gatework bench peak`."""
    # Not `threads`: that is an option of `gatework bench` itself, which would be overwritten.
    parser.add_argument(
        "--threads",
        dest="thread_counts",
        metavar="N,N",
        help="numbers of threads, a column each (default: 1 and all cores)",
    )


def run(options: argparse.Namespace) -> int:
    """Print the table, a line as soon as it is measured."""
    import gatework._core as _core
    from gatework._peak import SAMPLES, SECONDS, peaks

    if options.thread_counts is None:
        counts = sorted({1, _core.num_threads()})
    else:
        counts = thread_counts(options.thread_counts)
    print(
        f"{cpu_name()}, {_core.isa()}; best and median of {SAMPLES} samples of {SECONDS} s; "
        "sizes are each thread's"
    )
    left = " " * (LABEL + UNIT)
    print(left + "".join(f"{_threads(n):>{2 * FIGURE}}" for n in counts))
    print(left + f"{'best':>{FIGURE}}{'median':>{FIGURE}}" * len(counts))
    for peak in peaks():
        figures = [peak.measure(n, SECONDS, SAMPLES) for n in counts]
        if not any(figures):
            continue  # no such instruction
        digits = 2 if peak.unit == "µs" else 1
        cells = "".join(
            f"{figure.best:>{FIGURE}.{digits}f}{figure.median:>{FIGURE}.{digits}f}"
            if figure
            else f"{'–':>{FIGURE}}" * 2
            for figure in figures
        )
        print(f"{peak.label:<{LABEL}}{peak.unit:<{UNIT}}{cells}", flush=True)
    return 0


def thread_counts(text: str) -> list[int]:
    """ "1,2" as numbers.

    Raises:
        UsageError: one of them is none, or below 1.
    """
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        counts = [0]
    if not all(1 <= n <= 4096 for n in counts):
        raise UsageError(f"--threads must be numbers between 1 and 4096, as in 1,2, not {text!r}")
    return counts


def _threads(n: int) -> str:
    return f"{n} thread" if n == 1 else f"{n} threads"

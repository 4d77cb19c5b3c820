"""`gatework info`."""

from __future__ import annotations

import argparse
import platform
from pathlib import Path

NAME = "info"
DESCRIPTION = (
    "Show the version, the processor, the instruction set in use, the threads and the build."
)
HELP = "version, CPU, instruction sets, threads and build"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`gatework info` takes none."""


def run(options: argparse.Namespace) -> int:
    """Print the report."""
    for line in report():
        print(line)
    return 0


def report() -> list[str]:
    """The lines of `gatework info`, a name and a value each."""
    import numpy as np

    import gatework
    import gatework._core as _core

    rows: list[tuple[str, str]] = [
        ("gatework", gatework.__version__),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("NumPy", np.__version__),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("CPU", cpu_name()),
        ("CPU features", _plain(_core.cpu_features())),
        ("instruction set", f"{_core.isa()} (available: {_plain(_core.isa_available())})"),
        ("threads", str(_core.num_threads())),
    ]
    for key, value in gatework.build_config().items():
        if key == "version":
            continue  # shown above
        rows.append((f"build: {str(key).replace('_', ' ')}", _plain(value)))
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {value}" for name, value in rows]


def cpu_name() -> str:
    """The processor's own name, as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux: the platform module's shorter answer has to do
    return platform.processor() or platform.machine() or "unknown"


def _plain(value: object) -> str:
    """A value as words: `yes`, `no`, items with commas; of a mapping of flags, those set."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        if all(isinstance(v, bool) for v in value.values()):
            return ", ".join(str(k) for k, v in value.items() if v) or "none"
        return ", ".join(f"{k}={_plain(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(str(v) for v in value) or "none"
    return str(value) or "none"

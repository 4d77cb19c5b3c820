"""Counts the instructions of small workloads under callgrind, beside the counts that are stored.

python -m bench.instructions            compares; exit code 1 when a count grew by more than 5 %
python -m bench.instructions --store    writes the counts down

Counts hardly move from run to run, however busy the machine is. They do move with the compiler and
with Python: where these are not those of the stored counts, nothing is compared.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .compare import SLACK, compare, table
from .workloads import REPEATS, environment

HERE = Path(__file__).parent
STORED = HERE / "counts.json"


class Skipped(Exception):
    """Why nothing can be counted or compared here."""


def compile_counter(folder: Path) -> Path:
    """The library that tells callgrind when to count.

    Raises:
        Skipped: there is no compiler or no header of valgrind.
    """
    compiler, library = os.environ.get("CXX", "c++"), folder / "counter.so"
    command = [compiler, "-shared", "-fPIC", "-O1", f"{HERE / 'counter.cpp'}", "-o", f"{library}"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise Skipped(f"there is no compiler {compiler}") from error
    except subprocess.CalledProcessError as error:
        raise Skipped(f"counter.cpp does not compile:\n{error.stderr}") from error
    return library


def count(folder: Path) -> dict[str, dict[str, int]]:
    """Instructions of one call, by workload and instruction set.

    Raises:
        Skipped: valgrind is not there.
        RuntimeError: the workloads failed.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise Skipped("valgrind is not installed (Debian: apt install valgrind)")
    log = folder / "log"
    command = [
        *(valgrind, "--tool=callgrind", "--instr-atstart=no", f"--log-file={log}"),
        f"--callgrind-out-file={folder / 'callgrind'}",
        *(sys.executable, "-m", "bench.instructions.workloads", f"{compile_counter(folder)}"),
    ]
    settings = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, env={**os.environ, **settings})
    if done.returncode != 0:
        raise RuntimeError(f"the workloads ended with {done.returncode}\n{log.read_text()}")
    totals = dict(total(path.read_text()) for path in folder.glob("callgrind.*"))
    counts: dict[str, dict[str, int]] = {}
    for name, level, repeats in totals:
        if repeats == REPEATS:
            calls = totals[name, level, 2 * REPEATS] - totals[name, level, REPEATS]
            counts.setdefault(name, {})[level] = round(calls / REPEATS)
    return {name: dict(sorted(counts[name].items())) for name in sorted(counts)}


def total(dump: str) -> tuple[tuple[str, str, int], int]:
    """Workload, instruction set and repeats of one of callgrind's files, and its instructions."""
    label = re.search(r"^desc: Trigger: Client Request: (.+)$", dump, re.M)
    instructions = re.search(r"^totals: (\d+)$", dump, re.M)
    if label is None or instructions is None:
        raise RuntimeError("this valgrind writes callgrind's files in another format")
    name, level, repeats = json.loads(label[1])
    return (name, level, repeats), int(instructions[1])


def check_environment(stored: dict[str, str], here: dict[str, str]) -> None:
    """Raises Skipped when counts of one environment say nothing about those of the other."""
    other = [
        f"{name} {here.get(name)}, not {stored[name]}"
        for name in stored
        if stored[name] != here.get(name)
    ]
    if other:
        raise Skipped(f"the stored counts are of another environment: {'; '.join(other)}")


def run(store: bool) -> int:
    """Counts, then writes or compares; returns the exit code."""
    here = environment()
    stored = json.loads(STORED.read_text())
    if not store:
        check_environment(stored["environment"], here)
    with tempfile.TemporaryDirectory() as folder:
        counts = count(Path(folder))
    rows = list(compare(stored["instructions"], counts))
    print(table(rows))
    if store:
        text = json.dumps({"environment": here, "instructions": counts}, indent=2)
        STORED.write_text(text + "\n")
        return 0
    more = [row for row in rows if row.verdict == "MORE"]
    if more:
        print(f"\n{len(more)} of {len(rows)} counts grew by more than {SLACK:.0%}")
    return 1 if more else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bench.instructions", description="Count the instructions of small workloads."
    )
    parser.add_argument("--store", action="store_true", help="write the counts down")
    options = parser.parse_args()
    try:
        return run(options.store)
    except Skipped as reason:
        print(f"skipped: {reason}")
        return 0


if __name__ == "__main__":
    sys.exit(main())

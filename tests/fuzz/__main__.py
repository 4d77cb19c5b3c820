"""Fuzzes the readers of files for a given time: ``python -m tests.fuzz [TARGET ...]``.

With atheris installed the mutations follow the coverage of gatework's code; without, they are drawn
at random. Each target runs in a process of its own. Prints a line per target: executions, coverage
as atheris counts it, findings. What was found lies in build/fuzz; put it into
tests/fuzz/findings/<target>/ when it is fixed.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import re
import subprocess
import sys
import time
from pathlib import Path

OUT = Path("build/fuzz")
SLOWEST = 20  # seconds for one input
MOST_MB = 2048
INSIDE = "--inside"  # the process of one target


def fuzz_by_coverage(name: str, seconds: float) -> None:
    """In this process; ends it."""
    import atheris

    with atheris.instrument_imports(include=["gatework"]):
        from tests.fuzz.targets import TARGETS
    target = TARGETS[name]
    corpus = OUT / name / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(target.seeds()):
        target(seed)  # what is loaded late is loaded now
        (corpus / f"seed{i}").write_bytes(seed)

    def mutate(data: bytes, most: int, seed: int) -> bytes:
        draw = random.Random(seed)
        if draw.random() < 0.5:
            return target.mutate(data, draw)[:most]
        return bytes(atheris.Mutate(data, most))

    options = [
        f"-max_total_time={round(seconds)}", f"-timeout={SLOWEST}", f"-rss_limit_mb={MOST_MB}",
        "-max_len=200000", "-len_control=0", "-print_final_stats=1", "-verbosity=1",
        f"-artifact_prefix={OUT / name}/", str(corpus),
    ]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], target, custom_mutator=mutate)
    atheris.Fuzz()


def fuzz_at_random(name: str, seconds: float) -> None:
    from tests.fuzz.targets import TARGETS

    target, draw = TARGETS[name], random.Random()
    (OUT / name).mkdir(parents=True, exist_ok=True)
    seeds, end, count = target.seeds(), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = target.mutate(draw.choice(seeds), draw)
        last = OUT / name / "last.bin"
        last.write_bytes(data)  # for what ends the process
        begin = time.process_time()
        target(data)
        if time.process_time() - begin > SLOWEST:
            raise TimeoutError(f"{last} takes more than {SLOWEST} s")
        count += 1
    print(f"stat::number_of_executed_units: {count}")


def main() -> int:
    guided = importlib.util.find_spec("atheris") is not None
    if sys.argv[1:2] == [INSIDE]:  # before gatework is imported, to be imported with counters
        (fuzz_by_coverage if guided else fuzz_at_random)(sys.argv[2], float(sys.argv[3]))
        return 0
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"some of {', '.join(TARGETS)}; all by default")
    parser.add_argument("--seconds", type=float, default=300, help="for all of them together")
    given = parser.parse_args()
    names = given.targets or list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"targets must be some of {', '.join(TARGETS)}, not {', '.join(unknown)}")
    print(f"{'target':14}{'seconds':>9}{'executions':>12}{'coverage':>10}  findings", flush=True)
    found = 0
    for name in names:
        seconds = given.seconds / len(names)
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "tests.fuzz", INSIDE, name, str(seconds)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        said = done.stdout.decode("utf-8", "replace")
        (OUT / name).mkdir(parents=True, exist_ok=True)
        (OUT / name / "log.txt").write_text(said, encoding="utf-8")
        count = re.search(r"number_of_executed_units:\s*(\d+)", said)
        coverage = re.findall(r"cov: (\d+)", said)
        finding = "none" if done.returncode == 0 else f"see {OUT / name}/log.txt"
        found += done.returncode != 0
        print(
            f"{name:14}{time.monotonic() - begin:9.0f}{count[1] if count else '?':>12}"
            f"{coverage[-1] if coverage else '-':>10}  {finding}",
            flush=True,
        )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""python -m bench.peers [--threads 1,2] [--only T1,T5,...] [--rivals PyTorch,OpenVINO,...]
                      [--rounds N] [-o bench/RESULTS.md]

Ours and every rival that is installed, by turns. Exits with 1 where a rival fails or disagrees.
"""

import argparse
import datetime
import os
import shlex
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from gatework import runtime
from gatework.cli.info_command import cpu_name

from bench.peers import coordinator, scaling, topics
from bench.peers.coordinator import OURS, Peer
from bench.peers.report import Report
from bench.peers.worker import RIVALS

ROOT = Path(__file__).parents[2]


def numbers(text: str) -> list[int]:
    found = [int(part) for part in text.split(",")]
    cores = len(os.sched_getaffinity(0))
    if not all(1 <= number <= cores for number in found):
        raise argparse.ArgumentTypeError(f"must be from 1 to {cores}, the cores, not {text}")
    return found


def names_of(known: Collection[str]) -> Callable[[str], set[str]]:
    """A list of names, all of them known."""

    def names(text: str) -> set[str]:
        found = set(text.split(","))
        if unknown := found - set(known):
            wrong = ", ".join(sorted(unknown))
            raise argparse.ArgumentTypeError(f"must be of {', '.join(sorted(known))}, not {wrong}")
        return found

    return names


def positive(text: str) -> int:
    if int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return int(text)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers", description="Times gatework beside other frameworks."
    )
    default = "1,2" if len(os.sched_getaffinity(0)) > 1 else "1"
    parser.add_argument("--threads", type=numbers, default=default, metavar="N,N")
    parser.add_argument("--only", type=names_of(topics.known()), default=set(), metavar="ROW,TOPIC")
    parser.add_argument("--rivals", type=names_of(RIVALS), default=set(RIVALS), metavar="NAME,NAME")
    parser.add_argument("--rounds", type=positive, default=7, metavar="N")
    parser.add_argument("-o", "--output", type=Path, help="write Markdown there")
    parser.add_argument("--plot", type=Path, default=ROOT / "docs/images/scaling.png")
    return parser.parse_args()


def main() -> int:
    chosen = options()
    report = Report(
        command=shlex.join(["python", "-m", "bench.peers", *sys.argv[1:]]),
        machine=f"{cpu_name()}, {os.cpu_count()} cores, {runtime.isa()}",
        date=datetime.date.today().isoformat(),
        rounds=chosen.rounds,
        wheels=sorted((ROOT / "dist").glob("*.whl")),
    )
    for threads in chosen.threads:
        peers, report.versions = coordinator.start(chosen.rivals, threads)
        try:
            run(chosen, threads, peers, report)
        finally:
            for peer in peers.values():
                peer.end()
    print(report.text())
    return int(report.failed)


def run(chosen: argparse.Namespace, threads: int, peers: dict[str, Peer], report: Report) -> None:
    """Measures with one number of threads; what is done is written at once."""
    report.peaks[threads] = peers[OURS].ask("peak", threads)
    for row in topics.chosen(chosen.only):
        measured = coordinator.measure(row, peers, threads, chosen.rounds)
        if measured is None:
            print(f"{row.label}: no rival takes part", file=sys.stderr)
            continue
        report.measured.append(measured)
        print(f"{row.label}, threads: {threads}", file=sys.stderr)
        write(chosen.output, report)
    if not chosen.only or "scaling" in chosen.only:
        report.points += scaling.measure(peers, threads, min(chosen.rounds, 3))
        scaling.plot(report.points, chosen.plot)
        folder = (chosen.output or ROOT / "bench/RESULTS.md").resolve().parent
        report.picture = os.path.relpath(chosen.plot.resolve(), folder)
        write(chosen.output, report)


def write(path: Path | None, report: Report) -> None:
    if path is not None:
        path.write_text(report.text())


if __name__ == "__main__":
    sys.exit(main())

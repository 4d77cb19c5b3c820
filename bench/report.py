"""Tables of a run of the suites.

python -m bench.report build/bench.json            prints them
python -m bench.report build/bench.json -o FILE    writes them as Markdown too
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

HEADINGS = ("", "median", "fastest", "work", "beside gatework")


def duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size or unit == "µs":
            return (
                f"{seconds / size:.3g} {unit}"
                if seconds < 100 * size
                else f"{seconds / size:.0f} {unit}"
            )
    raise AssertionError


def work(extra: dict[str, Any], seconds: float) -> str:
    if "flops" in extra:
        return f"{extra['flops'] / seconds / 1e9:.1f} GFLOP/s"
    if "bytes" in extra:
        return f"{extra['bytes'] / seconds / 1e9:.1f} GB/s"
    return ""


def rows(benchmarks: Iterable[dict[str, Any]]) -> list[tuple[str, ...]]:
    """The rows of one group, the fastest first."""
    ordered = sorted(benchmarks, key=lambda b: b["stats"]["median"])
    ours = [b["stats"]["median"] for b in ordered if b["extra_info"]["rival"] == "gatework"]
    return [
        (
            b["extra_info"]["rival"],
            duration(b["stats"]["median"]),
            duration(b["stats"]["min"]),
            work(b["extra_info"], b["stats"]["median"]),
            f"{b['stats']['median'] / ours[0]:.2f} x" if ours else "",
        )
        for b in ordered
    ]


def groups(report: dict[str, Any]) -> dict[str, list[tuple[str, ...]]]:
    """Tables by heading, in the order they were measured."""
    found: dict[str, list[dict[str, Any]]] = {}
    for benchmark in report["benchmarks"]:
        found.setdefault(benchmark["group"], []).append(benchmark)
    return {name: rows(benchmarks) for name, benchmarks in found.items()}


def machine(report: dict[str, Any]) -> str:
    info = report["machine_info"]
    cpu, ours = info.get("cpu", {}), info.get("gatework", {})
    return (
        f"{cpu.get('brand_raw', 'unknown processor')}; gatework {ours.get('version')} on "
        f"{ours.get('isa')}, {ours.get('threads')} threads; {report['datetime'][:10]}"
    )


def as_text(report: dict[str, Any]) -> str:
    tables = groups(report)
    lines: Sequence[tuple[str, ...]] = [
        HEADINGS,
        *(row for table in tables.values() for row in table),
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]

    def line(cells: Sequence[str]) -> str:
        first = f"  {cells[0]:<{widths[0]}}"
        rest = (f"  {cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True))
        return (first + "".join(rest)).rstrip()

    text = [machine(report), "", line(HEADINGS)]
    for name, table in tables.items():
        text += [name, *(line(row) for row in table)]
    return "\n".join(text)


def as_markdown(report: dict[str, Any]) -> str:
    text = [machine(report), "", f"| {' | '.join(HEADINGS)} |", "|---" + "|---:" * 4 + "|"]
    for name, table in groups(report).items():
        text += [f"| **{name}** |||||", *(f"| {' | '.join(row)} |" for row in table)]
    return "\n".join(text) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Tables of a run of the suites.")
    parser.add_argument("json", type=Path, help="what pytest --benchmark-json wrote")
    parser.add_argument("-o", "--output", type=Path, help="write Markdown there")
    options = parser.parse_args()
    report = json.loads(options.json.read_text())
    print(as_text(report))
    if options.output is not None:
        options.output.write_text(as_markdown(report))


if __name__ == "__main__":
    main()

"""RESULTS.md: tables of what was measured, and the machine it was measured on."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.peers.coordinator import DISTURBED, Measured, Result
from bench.peers.scaling import Point
from bench.peers.topics import BESIDE, NOTES, TITLES
from bench.peers.worker import RIVALS
from bench.report import duration
from bench.transformers import Gpt
from bench.workloads import Padding, Tutorial

LOST = "▼"
NOISY = "⚠"
LEGEND = (
    "Times are medians. A rival's column is the time it takes divided by ours: the median over "
    "the rounds of its turn beside ours just before it, and the quartiles of these ratios. "
    f"Below 1 the rival is faster, which is marked {LOST}. Every rival's answer was compared with "
    "ours (relative norm of the difference at most 1e-3, with bfloat16 5e-2), except where dropout "
    "is random. "
    "GFLOP/s counts the matrix products only; a training step has three times those of a "
    "forward pass. Each process is bound to as many cores as it has threads. "
    f"{NOISY}: others had more than {DISTURBED:.0%} of these cores meanwhile; measure again."
)


@dataclass
class Report:
    """Everything of one run, written anew whenever something was added."""

    command: str
    machine: str  # processor, cores, instruction set
    date: str
    versions: dict[str, str] = field(default_factory=dict)
    peaks: dict[int, float | None] = field(default_factory=dict)  # GFLOP/s by threads
    measured: list[Measured] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    picture: str = ""
    rounds: int = 0
    wheels: list[Path] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether any rival failed or disagreed."""
        return any(result.problem for m in self.measured for result in m.rivals.values())

    def text(self) -> str:
        parts = [self.heading()]
        for topic, title in TITLES.items():
            found = [m for m in self.measured if m.row.topic == topic]
            if found:
                parts.append(f"## {title}\n\n{NOTES[topic]}\n\n{table(found, self.peaks)}")
                if topic == "training":
                    parts.append(means(found))
        if self.wheels:
            parts.append("\n".join(wheel(path) for path in self.wheels))
        if self.points:
            parts.append(scaling(self.points, self.picture))
        return "\n\n".join(part for part in parts if part) + "\n"

    def heading(self) -> str:
        versions = "; ".join(f"{name} {version}" for name, version in self.versions.items())
        lines = [
            "# Beside other frameworks",
            f"{self.machine}; {self.date}.",
            f"`{self.command}`, {self.rounds} rounds (fewer where a call takes many seconds).",
            f"{versions}.",
        ]
        peaks = [f"{p:.0f} on {n}" for n, p in sorted(self.peaks.items()) if p is not None]
        if peaks:
            lines.append(f"Peak of float32 FMA, in GFLOP/s by threads: {', '.join(peaks)}.")
        return "\n\n".join([*lines, LEGEND])


def table(found: Sequence[Measured], peaks: dict[int, float | None]) -> str:
    """One topic's; columns that would be empty are left out."""
    columns = [c for c in (*RIVALS, BESIDE) if any(c in m.rivals for m in found)]
    flops = any(hasattr(m.row.workload, "flops") for m in found)
    samples = any(isinstance(m.row.workload, (Tutorial, Padding)) for m in found)
    tokens = any(isinstance(m.row.workload, Gpt) for m in found)
    peaked = flops and any(peaks.get(m.threads) for m in found)
    headings = ["workload", "threads", "gatework"]
    headings += ["GFLOP/s"] * flops + ["% of peak"] * peaked + ["samples/s"] * samples
    headings += ["tokens/s"] * tokens
    lines = [
        "| " + " | ".join([*headings, *columns]) + " |",
        "|---" + "|---:" * (len(headings) + len(columns) - 1) + "|",
    ]
    for m in sorted(found, key=lambda m: order(m, found)):
        cells = [m.row.label, str(m.threads), duration(m.seconds)]
        if flops:  # of some rows
            work = getattr(m.row.workload, "flops", None)
            rate = work / m.seconds / 1e9 if work else None
            cells.append(f"{rate:.1f}" if rate else "")
            if peaked:
                peak = peaks.get(m.threads)
                cells.append(f"{100 * rate / peak:.0f}" if peak and rate else "")
        if samples:
            counted = isinstance(m.row.workload, (Tutorial, Padding))
            cells.append(f"{amount(m.row.workload) / m.seconds:,.0f}" if counted else "")
        if tokens:
            cells.append(f"{m.row.workload.tokens / m.seconds:,.0f}")
        cells += [cell(m.rivals.get(column), column != BESIDE) for column in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def order(m: Measured, found: Sequence[Measured]) -> tuple[int, int]:
    """Rows in the order of the first run, those of one workload side by side."""
    labels = [other.row.label for other in found]
    return labels.index(m.row.label), m.threads


def amount(workload: Tutorial | Padding) -> int:
    return workload.samples if isinstance(workload, Tutorial) else workload.count


def cell(result: Result | None, marked: bool = True) -> str:
    if result is None:
        return "–"
    if result.problem:
        return f"**{result.problem}**"
    low, high = result.spread
    text = f"{result.ratio:.2f} ({low:.2f}–{high:.2f})"
    if marked and result.ratio < 1:
        text = f"**{text}** {LOST}"
    if result.disturbed:
        text += f" {NOISY}"
    return f"{text} {result.form}".rstrip()


def means(found: Iterable[Measured]) -> str:
    """Geometric means of the ratios, by threads; only of rows that have a rival."""
    lines = []
    by_threads: dict[int, list[Measured]] = {}
    for m in found:
        by_threads.setdefault(m.threads, []).append(m)
    for threads, rows in sorted(by_threads.items()):
        sound = [[r.ratio for r in m.rivals.values() if r.ratios] for m in rows]
        torch = [m.rivals["PyTorch"].ratio for m in rows if timed(m, "PyTorch")]
        for rival, ratios in (
            ("the fastest rival of each row", [min(r) for r in sound if r]),
            ("PyTorch", torch),
        ):
            if ratios:
                mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
                text = f"- Geometric mean, threads: {threads}, against {rival}: {mean:.2f}"
                lines.append(f"{text} (rows: {len(ratios)}){f' {LOST}' if mean < 1 else ''}")
    return "\n".join(lines)


def timed(m: Measured, rival: str) -> bool:
    return rival in m.rivals and bool(m.rivals[rival].ratios)


def wheel(path: Path) -> str:
    return f"Wheel: {path.name}, {path.stat().st_size / 1e6:.2f} MB."


def scaling(points: Sequence[Point], picture: str) -> str:
    """Cost of a token by length and by batch; training and inference side by side."""
    text = ["## Cost of a token", "LSTM, I128 H128; time by length with B8, by batch with T50."]
    if picture:
        text.append(f"![Time per token by length and by batch]({picture})")
    headings = ["size", "threads", "training", "inference"]
    lines = ["| " + " | ".join(headings) + " |", "|---" + "|---:" * 3 + "|"]
    found: dict[tuple[str, int], dict[bool, float]] = {}
    for point in points:
        key = point.workload.name, point.threads
        found.setdefault(key, {})[point.workload.train] = point.per_token
    for (name, threads), times in found.items():
        both = [duration(times[train]) if train in times else "" for train in (True, False)]
        lines.append("| " + " | ".join([name, str(threads), *both]) + " |")
    return "\n\n".join([*text, "\n".join(lines)])

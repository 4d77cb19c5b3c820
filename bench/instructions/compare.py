"""Counted instructions beside the stored ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SLACK = 0.05  # more than this share above the stored count is a regression
NOTABLE = 0.01  # less than this share below it is not worth storing

# Instructions of one call, by workload and instruction set.
Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Row:
    """One workload on one instruction set; None where there is no count."""

    workload: str
    level: str
    stored: int | None
    counted: int | None

    @property
    def change(self) -> float | None:
        """Share by which the count grew."""
        if self.stored is None or self.counted is None:
            return None
        return self.counted / self.stored - 1

    @property
    def verdict(self) -> str:
        if self.counted is None:
            return "not counted"
        if self.change is None:
            return "new: store it"
        if self.change > SLACK:
            return "MORE"
        return "fewer: store it" if self.change < -NOTABLE else "ok"


def compare(stored: Counts, counted: Counts) -> Iterator[Row]:
    """A row for every count there is, the counted ones first."""
    keys = dict.fromkeys(
        (workload, level) for counts in (counted, stored) for workload in counts
        for level in counts[workload]
    )  # fmt: skip
    for workload, level in keys:
        yield Row(
            workload,
            level,
            stored.get(workload, {}).get(level),
            counted.get(workload, {}).get(level),
        )


def table(rows: list[Row]) -> str:
    """The rows as aligned text."""
    lines = [f"{'':<16}{'':<10}{'stored':>12}{'counted':>12}{'change':>9}"]
    for row in rows:
        numbers = "".join(
            f"{'–' if n is None else format(n, ','):>12}" for n in (row.stored, row.counted)
        )
        change = "" if row.change is None else f"{row.change:+.1%}"
        lines.append(f"{row.workload:<16}{row.level:<10}{numbers}{change:>9}  {row.verdict}")
    return "\n".join(lines)

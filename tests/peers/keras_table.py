"""Writes the comparison with Keras as a page: python -m tests.peers.keras_table -o docs/keras.md"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.peers.sweep.table import Row

# Read once, when Keras is imported.
os.environ["KERAS_BACKEND"] = "torch"

HEAD = """# Beside Keras

Every public name of Keras {version} in the modules below, compared with ours by
`python -m tests.peers.keras_table`, which also wrote this page: do not edit it.

- **same**: the same arguments in the same order with the same defaults. Where a number is given,
  outputs and gradients (weights after every update, results after every batch) were compared over
  random arguments; it is the largest difference, relative to the larger of one and the largest
  value.
- **different**: what differs, in words.
- **not here**: why, below each table.

Seeds do not draw the numbers that they draw there. Initializers, and in training the layers that
draw, are compared in their distribution. Of callbacks, the decisions on the same logs are compared.

Left out of the comparison of arguments: {arguments}.
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("-o", "--output", type=Path, help="the page; standard output when absent")
    options.add_argument("--topic", help="one module only")
    options.add_argument(
        "--no-numbers", action="store_true", help="names and arguments only: quick"
    )
    given = options.parse_args()
    warnings.filterwarnings("ignore", module="keras")
    page = "\n".join(render(given.topic, not given.no_numbers)) + "\n"
    if given.output:
        given.output.write_text(page, encoding="utf-8")
    else:
        sys.stdout.write(page)


def render(only: str | None = None, numbers: bool = True) -> Iterator[str]:
    import keras

    from tests.peers.keras_side import repair_schedule_free
    from tests.peers.sweep import table
    from tests.peers.sweep.known import ARGUMENTS

    repair_schedule_free()
    arguments = ", ".join(f"`{name}`" for name in ARGUMENTS)
    yield HEAD.format(version=keras.__version__, arguments=arguments)
    for topic in [only] if only else table.TOPICS:
        rows = table.rows(topic, numbers)
        counts = Counter(row.status for row in rows)
        told = ", ".join(f"{counts[s]} {s}" for s in ("same", "different", "not here") if counts[s])
        yield f"## {topic}\n\n{told}\n"
        yield "| name | is | numbers | remarks |\n|---|---|---|---|"
        shown = [row for row in rows if row.here and not is_folded(row)]
        yield from (line(row, [r.name for r in rows if is_folded(r, row.name)]) for row in shown)
        yield ""
        yield from not_here(rows)
        print(f"{topic}: {told}", file=sys.stderr, flush=True)


def is_folded(row: Row, main: str | None = None) -> bool:
    """Whether a row says no more than that of the name (or the name `main`) it is another of."""
    plain = row.here and row.status == "same" and not row.more
    return plain and row.alias_of is not None and main in (None, row.alias_of)


def line(row: Row, others: list[str]) -> str:
    remarks = [f"another name of `{row.alias_of}`"] if row.alias_of else []
    if others:
        remarks.append("also " + ", ".join(f"`{name}`" for name in others))
    remarks += [text for text in (row.known, row.error) if text]
    remarks += row.signature
    if row.more:
        remarks.append("more: " + ", ".join(f"`{name}`" for name in row.more))
    told = "; ".join(remarks).replace("|", "\\|")
    return f"| `{row.name}` | {row.status} | {number(row)} | {told} |"


def number(row: Row) -> str:
    from tests.peers.sweep.table import case_of

    case = case_of(row.topic, row.name)
    if row.difference is None or case is None:
        return ""
    if row.topic == "initializers" and not case.options.get("exact"):
        return "distribution"
    return f"{row.difference:.0e}" if row.difference > 1e-12 else "0"


def not_here(rows: list[Row]) -> Iterator[str]:
    """The names that are missing, by their reasons."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if not row.here:
            reasons.setdefault(row.missing or "no reason", []).append(f"`{row.name}`")
    if reasons:
        yield "Not here:\n"
        yield from (f"- {', '.join(names)}: {why}." for why, names in reasons.items())
        yield ""


if __name__ == "__main__":
    main()

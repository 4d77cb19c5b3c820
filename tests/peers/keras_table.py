"""Writes the comparison with Keras as a page: python -m tests.peers.keras_table -o docs/keras.md"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

# Read once, when Keras is imported.
os.environ["KERAS_BACKEND"] = "torch"

HEAD = """# Beside Keras

Every public name of Keras {version} in the modules below, compared with ours by
`python -m tests.peers.keras_table`, which also wrote this page: do not edit it.

- **same**: the same arguments in the same order with the same defaults. Where a number is given,
  outputs and gradients (weights after every update, results after every batch) were compared over
  random arguments; it is the largest difference, relative to the larger of one and the largest
  value. Initializers are compared in their distribution, seeds being another matter.
- **different**: what differs, in words.
- **not here**: why.

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
        yield "| name | | numbers | remarks |\n|---|---|---|---|"
        yield from (line(row) for row in rows)
        yield ""
        print(f"{topic}: {told}", file=sys.stderr, flush=True)


def line(row: object) -> str:
    from tests.peers.sweep.table import Row

    assert isinstance(row, Row)
    remarks = [f"another name of `{row.alias_of}`"] if row.alias_of else []
    remarks += [text for text in (row.known, row.missing, row.error) if text]
    remarks += row.signature
    if row.more:
        remarks.append("more: " + ", ".join(f"`{name}`" for name in row.more))
    numbers = "" if row.difference is None else f"{row.difference:.0e}"
    told = "; ".join(remarks).replace("|", "\\|")
    return f"| `{row.name}` | {row.status} | {numbers} | {told} |"


if __name__ == "__main__":
    main()

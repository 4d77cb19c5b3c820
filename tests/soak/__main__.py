"""Random models against the reference for a given time: ``python -m tests.soak --seconds 300``.

Every case is one recurrent or attention problem (shapes, masks, activations, dropout) solved by the
kernels on an instruction set and a number of threads, or one small model (layers, masks, batch
sizes) predicted in two ways, compiled, saved, streamed, and, where Keras is installed, predicted by
Keras. Prints how many cases there were. A failure is shrunk and written as a script that shows it
again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, Verbosity, given, settings

from tests.soak.cases import KINDS, Case, cases, run_case, script_of

REPORT = Path("build/soak")


class Over(BaseException):
    """Time is up: no failure, and nothing to shrink."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=None, help="of the draws; another each time")
    given_options = parser.parse_args()
    end = time.monotonic() + given_options.seconds
    counted: Counter[str] = Counter()
    # Keras chooses its backend when it is first imported.
    os.environ.setdefault("KERAS_BACKEND", "jax")
    failed: list[Case] = []

    options = settings(
        max_examples=1 << 30, deadline=None, database=None, verbosity=Verbosity.quiet,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
    )  # fmt: skip

    @options
    @given(case=cases())
    def soak(case: Case) -> None:
        if not failed and time.monotonic() > end:
            raise Over
        try:
            run_case(case)
        except Exception:
            failed.append(case)  # the last one is the smallest that failed
            raise
        if not failed:
            counted[case.kind] += 1

    seed = given_options.seed if given_options.seed is not None else time.time_ns()
    print(f"seed {seed}", flush=True)
    try:
        from hypothesis import seed as seeded

        seeded(seed)(soak)()
    except Over:
        pass
    except Exception as error:
        REPORT.mkdir(parents=True, exist_ok=True)
        path = REPORT / "failure.py"
        path.write_text(script_of(failed[-1]), encoding="utf-8")
        print(f"failed: {str(error)[:2000]}\nthe smallest case: {failed[-1]}\nagain: python {path}")
    total = sum(counted.values())
    print(f"{total} cases in {given_options.seconds:.0f} s: " + ", ".join(
        f"{counted[kind]} {kind}" for kind in KINDS
    ))  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Every kernel once, for memcheck: ``make valgrind``.

Shapes are off the vectors: one lane, one vector and a lane, two and some. memcheck reports where a
number that was never written decides a branch or an address; all results go through a system call,
which makes it report those that were never written, too.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np
from gatework import _core

from tests.fuzz.good_calls import CALLS, attention, attention_of, recurrent, recurrent_of

SINK = os.open(os.devnull, os.O_WRONLY)

MORE = {
    **{
        f"{cell} of {units} units": (recurrent, recurrent_of(cell, units, mask="post"))
        for cell in _core.CELLS
        for units in (1, 9, 33)
    },
    "one feature": (attention, attention_of(features=1, value_features=1, mask=(0, 3))),
    "many keys": (attention, attention_of(time=5, keys=131, features=9, value_features=17)),
    "causal": (attention, attention_of(time=67, keys=67, features=8, causal=True, rate=0.1)),
}


def consume(value: Any) -> None:
    """Gives the bytes of all arrays to the system."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        os.write(SINK, np.ascontiguousarray(value).data if value.size else b"")
    elif isinstance(value, dict):
        for one in value.values():
            consume(one)
    elif isinstance(value, list | tuple):
        for one in value:
            consume(one)


def main() -> None:
    begin = time.monotonic()
    for level in _core.isa_available():
        for threads in (1, 2):
            _core.set_isa(level)
            _core.set_num_threads(threads)
            for name, (call, make) in {**CALLS, **MORE}.items():
                if name.startswith(("set_", "program")) and level != _core.isa_available()[-1]:
                    continue  # packed at the best level
                print(f"{level}, {threads} threads: {name}", file=sys.stderr, flush=True)
                arguments = make()
                consume(call(arguments))
                consume(arguments)
                _core.set_isa(level)
                _core.set_num_threads(threads)
    print(f"all kernels in {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()

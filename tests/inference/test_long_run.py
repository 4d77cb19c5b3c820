"""A stream that goes on for long: memory stays as it is, and so do the numbers."""

from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.inference import compile

from tests.inference.models import shaken

KB_PAGE = 4
ALLOWED_KB = 2048  # of the interpreter's own, over any number of steps


def resident_kb() -> int:
    """Memory of this process, in KB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * KB_PAGE


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc of Linux")
@pytest.mark.parametrize(
    "count", [200_000, pytest.param(10_000_000, marks=pytest.mark.long)], ids=["short", "long"]
)
def test_a_long_stream_is_its_sequence_in_flat_memory(count: int) -> None:
    model = shaken(
        gatework.Sequential(
            [
                layers.Input((None, 1)),
                layers.LSTM(4, return_sequences=True),
                layers.GRU(3, return_sequences=True),
                layers.Dense(1),
            ]
        ),
        0,
    )
    program = compile(model)
    x = np.random.default_rng(0).normal(size=(1, count, 1)).astype("float32")
    whole = program(x)
    program._core.trim(0)
    steps: Any = np.empty((count, 1, 1), np.float32)
    steps.fill(0)  # its pages are there before memory is looked at
    session = program.session()
    ways = [(x[:, t], steps[t]) for t in range(1000)]
    for given, out in ways:
        session.step(given, out)
    before = resident_kb()
    for t in range(1000, count):
        session.step(x[:, t], steps[t])
    grown = resident_kb() - before
    assert grown <= ALLOWED_KB
    # Not more at the end than at the beginning: an error does not feed on itself.
    off = np.abs(steps[:, 0] - whole[0]).reshape(10, -1).max(axis=1)
    print(f"{count} steps: memory +{grown} KB, differences {off[0]:.1e} to {off[-1]:.1e}")
    assert off.max() <= 2e-6

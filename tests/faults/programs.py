"""Programs in processes of their own: what may end a process is tried in one that may end."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

# What most programs begin with: a small trained model and data for it.
MODEL = """
import os, signal, sys, threading, time, warnings
import numpy as np
# Python 3.12 warns of every fork beside threads, such as those of OpenMP.
warnings.filterwarnings("ignore", ".*fork", DeprecationWarning)
import gatework
from gatework import _core, layers, models

def small_model(units=8, steps=5, features=3, **options):
    gatework.utils.set_random_seed(1)
    made = models.Sequential([
        layers.Input((steps, features)), layers.LSTM(units, **options),
        layers.Dense(2, activation="softmax"),
    ])
    made.compile("adam", "sparse_categorical_crossentropy")
    return made

def some_data(rows=20, steps=5, features=3):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, steps, features)).astype("f4"), rng.integers(0, 2, rows)
"""


def code(*parts: str) -> str:
    """A program of ``MODEL`` and these parts, each indented as it likes."""
    return "\n".join([MODEL, *map(textwrap.dedent, parts)])


def start(program: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Starts a Python program: ``MODEL``, then this."""
    return subprocess.Popen(
        [sys.executable, "-c", _whole(program), *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _whole(program: str) -> str:
    return program if program.startswith(MODEL) else code(program)


def run(program: str, *arguments: str, seconds: float = 120, **environment: str) -> str:
    """What such a program prints; it must end well, in time, and say nothing on stderr."""
    process = start(program, *arguments, **environment)
    try:
        out, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, said = process.communicate()
        raise AssertionError(f"still running after {seconds} s\n{out}\n{said}") from None
    assert process.returncode == 0, f"exit code {process.returncode}\n{out}\n{said}"
    assert said == "", said
    return out

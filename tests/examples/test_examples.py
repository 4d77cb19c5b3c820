"""The examples run as they are written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str, cwd: Path) -> str:
    """Run an example in a new process; return its two outputs together."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd, check=False,
        env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def last_values(name: str, text: str) -> list[float]:
    """The value `name` has at the end of each epoch."""
    epochs = re.split(r"Epoch \d+/\d+", text)[1:]
    return [float(re.findall(rf"\b{name}[:=]\s*([0-9.eE+-]+)", epoch)[-1]) for epoch in epochs]


def test_tutorial(tmp_path):
    shown = run("tutorial.py", cwd=tmp_path)
    assert shown.startswith("[[1 2 3]\n [0 4 5]\n [0 0 6]]\n")
    assert [f"Epoch {i}/10" in shown for i in range(1, 11)] == [True] * 10
    losses, accuracies = last_values("loss", shown), last_values("accuracy", shown)
    assert len(losses) == len(accuracies) == 10
    assert sum(losses[-3:]) < sum(losses[:3])
    assert all(0 <= a <= 1 for a in accuracies)


@pytest.mark.slow
def test_next_word(tmp_path):
    shown = run("next_word.py", cwd=tmp_path)
    losses = last_values("loss", shown)
    assert losses == sorted(losses, reverse=True)
    assert len(re.findall(r"^if the -> (?:\S+ \d+%(?:, )?){5}$", shown, re.M)) == 1

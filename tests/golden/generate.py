"""Writes the golden files beside this script from what Keras computes.

    python -m tests.golden.generate [recurrent] [training] [values] [configs]

Needs Keras 3.15.1 with JAX and PyTorch; the tests that read the files need none of them. Keras
computes in float64 from inputs that float32 holds exactly, so the files carry the exact answers
rounded once.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

# Trainings run on PyTorch: on JAX, Keras loses the mask between the loss and the metrics of a
# training step, so that its accuracy there, unlike in `evaluate`, counts padded steps.
BACKENDS = {"recurrent": "jax", "training": "torch", "values": "jax", "configs": "jax"}


def write(topic: str) -> None:
    """Generates one topic in this process, whose backend is settled."""
    import keras

    from tests.golden.store import FOLDER, Writer

    if keras.version() != "3.15.1":
        raise SystemExit(f"keras must be version 3.15.1, not {keras.version()}")
    tree = importlib.import_module(f"tests.golden.{topic}").generate()
    size = Writer().write(FOLDER / f"{topic}.npz", tree)
    print(f"{topic}.npz: {size} bytes")


def main(topics: list[str]) -> None:
    """Generates the named topics, or all of them, each in a process of its own."""
    for topic in topics or BACKENDS:
        settings = {
            "KERAS_BACKEND": BACKENDS[topic],
            "JAX_ENABLE_X64": "1",
            "JAX_PLATFORMS": "cpu",
        }
        command = [sys.executable, "-m", "tests.golden.generate", "--here", topic]
        subprocess.run(command, env={**os.environ, **settings}, check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--here"]:
        write(sys.argv[2])
    else:
        main(sys.argv[1:])

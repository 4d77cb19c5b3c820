"""Writes the golden files beside this script from what Keras computes.

    python -m tests.golden.generate [recurrent] [training] [values] [configs]

Needs Keras 3.15.1 and JAX; the tests that read the files need neither. Keras computes in float64
from inputs that float32 holds exactly, so the files carry the exact answers rounded once.
"""

from __future__ import annotations

import importlib
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

TOPICS = ("recurrent", "training", "values", "configs")


def main(topics: list[str]) -> None:
    """Generates the named topics, or all of them."""
    import keras

    from tests.golden.store import FOLDER, Writer

    if keras.version() != "3.15.1":
        raise SystemExit(f"keras must be version 3.15.1, not {keras.version()}")
    for topic in topics or TOPICS:
        tree = importlib.import_module(f"tests.golden.{topic}").generate()
        size = Writer().write(FOLDER / f"{topic}.npz", tree)
        print(f"{topic}.npz: {size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])

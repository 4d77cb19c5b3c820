"""Saves without end, killed at random moments, for the test of ModelCheckpoint.

Arguments: the folder, how many kills. After each the file is read: all its weights must be of one
save, and none older than the last that was finished.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
from gatework import callbacks, layers, models


def save_for_ever(model: models.Sequential, path: Path, start: int, told: int) -> None:
    checkpoint = callbacks.ModelCheckpoint(path)
    checkpoint.set_model(model)
    for number in itertools.count(start):
        model.set_weights([np.full_like(w, number) for w in model.get_weights()])
        checkpoint.on_epoch_end(number, {})
        os.write(told, b".")


def saved(path: Path) -> int:
    """Which save a file holds.

    Raises:
        ValueError: if it holds parts of several.
    """
    numbers = {float(n) for w in models.load_model(path).get_weights() for n in np.unique(w)}
    if len(numbers) != 1:
        raise ValueError(f"weights of the saves {numbers} in one file")
    return int(numbers.pop())


def main() -> None:
    path = Path(sys.argv[1]) / "model.keras"
    model = models.Sequential([layers.Input((None, 40)), layers.LSTM(50), layers.Dense(9)])
    model.set_weights([np.zeros_like(w) for w in model.get_weights()])
    model.save(path)
    draw = random.Random(3)
    met = []
    for _ in range(int(sys.argv[2])):
        heard, told = os.pipe()
        child = os.fork()
        if child == 0:
            save_for_ever(model, path, 1000 * len(met) + 1, told)
        os.read(heard, 1)
        began = time.perf_counter()
        os.read(heard, 1)
        time.sleep(draw.uniform(0, time.perf_counter() - began))  # somewhere in the third save
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(heard)
        os.close(told)
        met.append(saved(path))
    if any(number % 1000 < 2 for number in met):
        raise ValueError(f"an older save came back: {met}")


if __name__ == "__main__":
    main()

"""A training that kills itself, for the test of BackupAndRestore: run it again and it goes on.

Arguments: the folder, `save_freq`, the kind of data, then where to die: "epoch:batch", "epoch:end",
or a number of milliseconds after the start of `fit`; nothing to run to the end.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from pathlib import Path

import numpy as np
from gatework import callbacks, layers, utils
from gatework.models import Sequential
from gatework.optimizers import Adam

SAMPLES, EPOCHS = 30, 6


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Die(callbacks.Callback):
    """Kills the process at a moment."""

    def __init__(self, moment: str) -> None:
        super().__init__()
        self.epoch, _, self.where = moment.partition(":")

    def on_epoch_begin(self, epoch, logs=None):
        self.now = str(epoch)

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.epoch and str(batch) == self.where:
            die()

    def on_epoch_end(self, epoch, logs=None):
        if self.now == self.epoch and self.where == "end":
            die()


class Remember(callbacks.Callback):
    """A user's callback that draws from the global generators, which must go on as well."""

    saved_attributes = ("drawn", "seen")

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_epoch_begin(self, epoch, logs=None):
        self.drawn = [random.random(), np.random.random()]  # noqa: NPY002

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append([epoch, *self.drawn, random.random()])


def data(kind: str):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(SAMPLES, 5, 3)).astype(np.float32)
    y = rng.normal(size=(SAMPLES, 1)).astype(np.float32)
    if kind == "arrays":
        return {"x": x, "y": y, "batch_size": 7}
    if kind == "ragged":
        rows = [row[: 1 + i % 5] for i, row in enumerate(x)]
        return {"x": rows, "y": y, "batch_size": 7}
    if kind == "steps":
        return {"x": x, "y": y, "batch_size": 5, "steps_per_epoch": 3}

    def forever():
        while True:
            for start in range(0, SAMPLES, 7):
                yield x[start : start + 7], y[start : start + 7]

    return {"x": forever(), "steps_per_epoch": 4}


def main() -> None:
    folder, save_freq, kind, moment = Path(sys.argv[1]), *sys.argv[2:5]
    utils.set_random_seed(4)
    model = Sequential(
        [
            layers.Input((None, 3)),
            layers.GRU(4, dropout=0.3, recurrent_dropout=0.2),
            layers.Dropout(0.4),
            layers.Dense(1),
        ]
    )
    model.compile(Adam(0.01, use_ema=True), "mse", metrics=["mae"])
    remember = Remember()
    if moment.isdigit():
        threading.Timer(int(moment) / 1000, die).start()
    history = model.fit(
        **data(kind),
        epochs=EPOCHS,
        verbose=0,
        validation_data=(np.ones((4, 5, 3)), np.ones((4, 1))),
        callbacks=[
            callbacks.BackupAndRestore(
                folder / "backup",
                save_freq=save_freq if save_freq == "epoch" else int(save_freq),
                double_checkpoint=True,
            ),
            callbacks.EarlyStopping(patience=4, restore_best_weights=True),
            callbacks.ReduceLROnPlateau(patience=1, factor=0.5),
            callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
            callbacks.CSVLogger(folder / "log.csv"),
            remember,
            Die(moment),
        ],
    )
    arrays = {f"w{i}": w for i, w in enumerate(model.get_weights())}
    arrays.update({f"o{i}": v.numpy() for i, v in enumerate(model.optimizer.variables)})
    arrays.update({key: np.array(values) for key, values in history.history.items()})
    np.savez(folder / "end.npz", seen=np.array(remember.seen), **arrays)


if __name__ == "__main__":
    main()

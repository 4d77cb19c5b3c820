"""Callbacks against Keras, live: the same logs, the same decisions.

Each side has a model with one weight, which is set to the number of the epoch: what was saved or
put back tells when.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")

EPOCHS = 12
Logs = dict[str, float]


def model_of(K: Any, optimizer: Any = None) -> Any:
    model = K.models.Sequential([K.layers.Input((1,)), K.layers.Dense(1, use_bias=False)])
    model.compile(optimizer or K.optimizers.SGD(0.5), "mse", metrics=["accuracy"])
    # Keras knows the metrics, and so which direction is better, after a first batch.
    model.test_on_batch(np.ones((1, 1)), np.ones((1, 1)))
    return model


def weight(model: Any) -> float:
    return model.get_weights()[0].item()


def series(rng: np.random.Generator) -> list[Logs]:
    """Values with plateaus, and now and then one that is not a number."""
    found = []
    for _ in range(EPOCHS):
        loss, accuracy = np.round(rng.uniform(0, 1, 2), 1).tolist()
        if rng.random() < 0.05:
            loss = float("nan")
        found.append({"loss": 0.5, "accuracy": 0.1, "val_loss": loss, "val_accuracy": accuracy})
    return found


def run(
    K: Any, callback: Any, logs: list[Logs], seen: Callable[[Any, Logs], Any] | None = None
) -> list[Any]:
    """What holds after every epoch: stopped, learning rate, logs, what else is asked for."""
    model = model_of(K)
    callback.set_params({"epochs": len(logs), "steps": 3, "verbose": 0})
    callback.set_model(model)
    callback.on_train_begin()
    trace: list[Any] = []
    for epoch, given in enumerate(logs):
        ends = dict(given)
        callback.on_epoch_begin(epoch)
        for batch in range(3):
            model.set_weights([np.full((1, 1), epoch + batch / 10, np.float32)])
            callback.on_train_batch_begin(batch)
            callback.on_train_batch_end(batch, dict(given))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # both warn of logs without the monitor
            callback.on_epoch_end(epoch, ends)
        rate = round(float(model.optimizer.learning_rate), 7)
        trace.append([model.stop_training, rate, {k: round(v, 6) for k, v in ends.items()}])
        trace[-1].append(seen(model, ends) if seen else None)
        if model.stop_training:
            break
    callback.on_train_end()
    trace.append(round(weight(model), 4))
    return trace


def drawn(rng: np.random.Generator, choices: dict[str, list[Any]]) -> dict[str, Any]:
    picked = {key: values[int(rng.integers(len(values)))] for key, values in choices.items()}
    if picked.get("monitor") == "val_absent":
        picked["mode"] = "min"
    return picked


MONITORED = {"monitor": ["val_loss", "val_accuracy"], "mode": ["auto", "min", "max"]}
STOPPING = {
    **MONITORED,
    "monitor": ["val_loss", "val_accuracy", "val_absent"],
    "min_delta": [0, 0.15],
    "patience": [0, 1, 3],
    "baseline": [None, None, 0.4],
    "restore_best_weights": [False, True],
    "start_from_epoch": [0, 0, 3],
}
PLATEAU = {
    **MONITORED,
    "factor": [0.1, 0.5],
    "patience": [0, 1, 2],
    "min_delta": [1e-4, 0.15],
    "cooldown": [0, 2],
    "min_lr": [0.0, 0.1],
}


@pytest.mark.parametrize(
    ("name", "choices"), [("EarlyStopping", STOPPING), ("ReduceLROnPlateau", PLATEAU)]
)
def test_monitors(name: str, choices: dict[str, list[Any]]) -> None:
    rng = np.random.default_rng(5)
    for _ in range(25):
        options, logs = drawn(rng, choices), series(rng)
        own, theirs = (
            run(K, getattr(K.callbacks, name)(**options), logs) for K in (gatework, keras)
        )
        np.testing.assert_equal(own, theirs, err_msg=str(options))


@pytest.mark.parametrize(
    "schedule", [lambda epoch: 0.5 / (epoch + 1), lambda epoch, rate: rate * (0.5 + epoch % 2)]
)
def test_learning_rate_scheduler(schedule: Any) -> None:
    logs = series(np.random.default_rng(0))
    own, theirs = (
        run(K, K.callbacks.LearningRateScheduler(schedule), logs) for K in (gatework, keras)
    )
    np.testing.assert_equal(own, theirs)


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize("columns", [("loss", "accuracy", "val_loss"), ("loss", "accuracy")])
def test_csv_logger(tmp_path: Path, append: bool, columns: tuple[str, ...]) -> None:
    logs = [{name: row[name] for name in columns} for row in series(np.random.default_rng(1))]
    logs[2].popitem()
    texts = []
    for K in (gatework, keras):
        path = tmp_path / f"{K.__name__}.csv"
        for part in (logs[:4], logs[4:]):
            run(K, K.callbacks.CSVLogger(path, separator=";", append=append), part)
        texts.append(path.read_text().splitlines())
    assert texts[0] == texts[1]


CHECKPOINT = {
    **MONITORED,
    "save_best_only": [False, True],
    "save_freq": ["epoch", "epoch", 2, 7],
    "initial_value_threshold": [None, None, 0.4],
    "filepath": ["last", "{epoch:02d}-{val_loss:.1f}"],
}


def test_model_checkpoint(tmp_path: Path) -> None:
    """The same files after every epoch, with the weights of the same moment."""
    rng = np.random.default_rng(6)
    for draw in range(12):
        options, logs = drawn(rng, CHECKPOINT), series(rng)[:6]
        if options["save_freq"] != "epoch":
            options["save_best_only"] = False  # Keras fails there before an epoch has ended
        traces = []
        for K in (gatework, keras):
            folder = tmp_path / f"{K.__name__}{draw}"
            path = folder / (options["filepath"] + ".weights.h5")
            callback = K.callbacks.ModelCheckpoint(
                **{**options, "filepath": path, "save_weights_only": True}
            )
            other = model_of(K)

            def saved(
                model: Any, logs: Logs, folder: Path = folder, other: Any = other
            ) -> dict[str, float]:
                found = {}
                for file in sorted(folder.glob("*")):
                    other.load_weights(file)
                    found[file.name] = round(weight(other), 4)
                return found

            traces.append(run(K, callback, logs, saved))
        np.testing.assert_equal(traces[0], traces[1], err_msg=str(options))


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_swap_ema_weights(swap_on_epoch: bool) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(12, 1)).astype(np.float32)
    histories = []
    for K in (gatework, keras):
        model = model_of(K, K.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.7))
        model.set_weights([np.full((1, 1), 4.0, np.float32)])
        at_ends: list[float] = []
        look = K.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs, m=model, to=at_ends: to.append(weight(m))
        )
        history = model.fit(
            x, 2 * x, epochs=3, batch_size=4, shuffle=False, verbose=0, validation_data=(x, 2 * x),
            callbacks=[K.callbacks.SwapEMAWeights(swap_on_epoch=swap_on_epoch), look],
        ).history  # fmt: skip
        histories.append([history["loss"], history["val_loss"], at_ends, weight(model)])
    for own, theirs in zip(*histories, strict=True):
        np.testing.assert_allclose(own, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_terminate_on_nan(bad: float) -> None:
    """Both stop at the same batch: here the second of the first epoch."""
    x = np.ones((6, 1), np.float32)
    x[3] = bad
    counts = []
    for K in (gatework, keras):
        model, batches = model_of(K), []
        model.fit(
            x, np.ones((6, 1)), batch_size=2, epochs=3, shuffle=False, verbose=0,
            callbacks=[
                K.callbacks.TerminateOnNaN(),
                K.callbacks.LambdaCallback(
                    on_train_batch_end=lambda batch, logs, to=batches: to.append(batch)
                ),
            ],
        )  # fmt: skip
        counts.append((len(batches), model.stop_training))
        with pytest.raises(RuntimeError):
            model_of(K).fit(
                x, np.ones((6, 1)), batch_size=2, shuffle=False, verbose=0,
                callbacks=[K.callbacks.TerminateOnNaN(raise_error=True)],
            )  # fmt: skip
    assert counts[0] == counts[1]

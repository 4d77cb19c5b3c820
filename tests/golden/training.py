"""Runs the training cases through Keras: optimizer steps, and ten epochs of small models."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tests.golden.precision import use_float64
from tests.golden.training_cases import MODELS, OPTIMIZERS, SCHEDULES, Spec

SAMPLES, STEPS, FEATURES, WORDS, CLASSES = 21, 6, 3, 13, 3
EPOCHS, BATCH = 10, 8


def make(module: Any, spec: Spec) -> Any:
    """The object a spec names; a nested spec becomes an object first."""
    name, arguments = spec
    built = dict(arguments)
    if "layer" in built:
        built["layer"] = make(module, built["layer"])
    if isinstance(built.get("learning_rate"), tuple):
        built["learning_rate"] = make(module.schedules, built["learning_rate"])
    return getattr(module, name)(**built)


def optimizer_steps(spec: Spec) -> dict[str, Any]:
    """Four updates of two variables with given gradients, one of them large enough to clip."""
    rng = np.random.default_rng(3)
    start = [rng.normal(size=(3, 4)).astype(np.float32), rng.normal(size=4).astype(np.float32)]
    gradients = [
        [(scale * rng.normal(size=v.shape)).astype(np.float32) for v in start]
        for scale in (0.1, 1.0, 0.01, 0.5)
    ]
    variables = [keras.Variable(v) for v in start]
    optimizer = make(keras.optimizers, spec)
    after = []
    for step in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in step], variables)
        after.append([keras.ops.convert_to_numpy(v.value).astype(np.float64) for v in variables])
    return {"optimizer": spec, "start": start, "gradients": gradients, "after": after}


def schedule_values(spec: Spec) -> dict[str, Any]:
    """The learning rate of the first steps."""
    schedule = make(keras.optimizers.schedules, spec)
    return {"schedule": spec, "values": np.array([float(schedule(step)) for step in range(14)])}


def inputs(rng: np.random.Generator, target: str) -> np.ndarray:
    """Word ids padded with zeros on either side, or numbers whose padded steps are zero."""
    if target in ("numbers", "per_step"):
        x = rng.normal(size=(SAMPLES, STEPS, FEATURES)).astype(np.float32)
        x[3, 4:] = x[5, :2] = x[7, 2:3] = 0
        return x
    ids = rng.integers(1, WORDS, (SAMPLES, STEPS))
    for row, length in enumerate(rng.integers(1, STEPS + 1, SAMPLES)):
        ids[row, length:] = 0
    ids[4] = ids[4, ::-1]
    return ids


def targets(rng: np.random.Generator, target: str, x: np.ndarray) -> np.ndarray:
    """Answers of the shape that the model's loss expects."""
    if target == "binary":
        return rng.integers(0, 2, (SAMPLES, 1))
    if target == "classes":
        return rng.integers(0, CLASSES, SAMPLES)
    if target == "one_hot":
        return np.eye(CLASSES, dtype=np.float32)[rng.integers(0, CLASSES, SAMPLES)]
    if target == "next":
        return np.roll(x, -1, axis=1)
    width = (SAMPLES, 2) if target == "numbers" else (SAMPLES, STEPS, 1)
    return rng.normal(size=width).astype(np.float32)


def ten_epochs(case: dict[str, Any]) -> dict[str, Any]:
    """History, final weights, predictions and evaluation of one model."""
    rng = np.random.default_rng(11)
    x = inputs(rng, case["target"])
    y = targets(rng, case["target"], x)
    model = keras.Sequential([make(keras.layers, spec) for spec in case["layers"]])
    model.build(x.shape)
    start = [rng.normal(0, 0.4, w.shape).astype(np.float32) for w in model.weights]
    model.set_weights(start)
    model.compile(optimizer=make(keras.optimizers, case["optimizer"]), **case["compile"])
    fit: dict[str, Any] = {"class_weight": case.get("class_weight")}
    if case.get("sample_weight"):
        fit["sample_weight"] = rng.uniform(0, 2, SAMPLES).astype(np.float32)
    if case.get("validation"):
        fit["validation_split"] = 0.2
    history = model.fit(
        x, y, epochs=EPOCHS, batch_size=BATCH, shuffle=False, verbose=0, **fit
    ).history
    evaluated = model.evaluate(x, y, batch_size=BATCH, verbose=0, return_dict=True)
    return {
        **case,
        "x": x,
        "y": y,
        "start": start,
        "class_weight": [*case["class_weight"].items()] if "class_weight" in case else None,
        "sample_weight": fit.get("sample_weight"),
        "validation_split": fit.get("validation_split", 0.0),
        "batch_size": BATCH,
        "history": {key: np.array(values) for key, values in history.items()},
        "end": [np.asarray(w) for w in model.get_weights()],
        "evaluate": {key: float(value) for key, value in evaluated.items()},
        "predict": model.predict(x, verbose=0),
        "train_on_batch": [float(v) for v in model.train_on_batch(x[:4], y[:4])],
        "metrics_names": model.metrics_names,
    }


def generate() -> dict[str, Any]:
    """Optimizers, schedules and models, by name."""
    use_float64()
    return {
        "optimizers": {name: optimizer_steps(spec) for name, spec in OPTIMIZERS.items()},
        "schedules": {name: schedule_values(spec) for name, spec in SCHEDULES.items()},
        "models": {name: ten_epochs(case) for name, case in MODELS.items()},
    }

"""What every layer that is not recurrent promises, from configuration to gradients."""

from __future__ import annotations

from pathlib import Path

import gatework
import numpy as np
import pytest
from gatework import GradientTape, ops
from gatework.layers.symbolic import KerasTensor
from gatework.models import Sequential, load_model

from .table import CASES, Case

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def inputs_of(case: Case) -> np.ndarray:
    return np.random.default_rng(3).normal(size=case.shape).astype(np.float32)


@every_case
def test_config_round_trip(case: Case) -> None:
    layer = case.make(name="named", trainable=False)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.name == "named"
    assert again.trainable == layer.get_config().get("trainable", True)


@every_case
def test_the_file_predicts_the_same(case: Case, tmp_path: Path) -> None:
    x = inputs_of(case)
    model = Sequential([gatework.Input(case.shape[1:]), case.make()])
    rng = np.random.default_rng(4)
    model.set_weights([np.abs(rng.normal(size=w.shape)) for w in model.weights])
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.layers[-1].get_config() == model.layers[-1].get_config()


@every_case
def test_symbolic_shapes_are_those_of_the_values(case: Case) -> None:
    known = case.make()(KerasTensor(case.shape))
    assert known.shape == case.make()(inputs_of(case)).shape
    any_batch = case.make()(KerasTensor((None, *case.shape[1:])))
    assert any_batch.shape == (None, *known.shape[1:])


@every_case
def test_an_empty_batch(case: Case) -> None:
    layer = case.make()
    full = layer(inputs_of(case))
    assert layer(np.zeros((0, *case.shape[1:]), np.float32)).shape == (0, *full.shape[1:])


@every_case
def test_masks(case: Case) -> None:
    if len(case.shape) < 3:
        pytest.skip("a mask of time steps belongs to inputs that have them")
    x = ops.convert_to_tensor(inputs_of(case))
    mask = np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 0]], bool)[:, : case.shape[1]]
    if type(case.make()).__name__ == "Softmax":
        mask = np.broadcast_to(mask[..., None], case.shape)
    x._keras_mask = ops.convert_to_tensor(mask)
    found = case.make()(x)._keras_mask
    if not case.keeps_mask:
        assert found is None
    else:
        np.testing.assert_array_equal(np.asarray(found), mask)


@every_case
@pytest.mark.parametrize("training", [False, True])
def test_gradients_are_slopes(case: Case, training: bool) -> None:
    """Along a random direction through inputs and weights, against a central difference."""
    rng = np.random.default_rng(5)
    layer = case.make()
    x = ops.convert_to_tensor(inputs_of(case))
    up = rng.normal(size=layer(x).shape).astype(np.float32)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(size=weight.shape))
    state = [(w, w.numpy()) for w in layer.non_trainable_weights]
    seeds = getattr(layer, "seed_generator", None)
    first = None if seeds is None else seeds.state.numpy()

    def value(leaves: list[np.ndarray]) -> float:
        for weight, leaf in zip(layer.trainable_weights, leaves[1:], strict=True):
            weight.assign(leaf)
        for weight, kept in state:
            weight.assign(kept)
        if seeds is not None:
            seeds.state.assign(first)
        y = layer(leaves[0], training=training).numpy()
        return float(np.sum(y.astype(np.float64) * up))

    at = [x.numpy(), *(w.numpy() for w in layer.trainable_weights)]
    value(at)
    if seeds is not None:
        seeds.state.assign(first)
    with GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
    sources = [x, *layer.trainable_weights]
    found = tape.gradient(y, sources, output_gradients=up, unconnected_gradients="zero")
    gradients = [np.asarray(g) for g in found]
    for which, gradient in enumerate(gradients):
        direction = rng.normal(size=gradient.shape).astype(np.float32)
        step, sides = 4e-3, []
        for sign in (1, -1):
            moved = [leaf.copy() for leaf in at]
            moved[which] = moved[which] + np.float32(sign * step) * direction
            sides.append(value(moved))
        slope = (sides[0] - sides[1]) / (2 * step)
        expected = float(np.sum(gradient.astype(np.float64) * direction))
        size = float(np.linalg.norm(gradient) * np.linalg.norm(direction))
        assert abs(slope - expected) <= 1e-3 * max(size, 1.0), f"of source {which}"

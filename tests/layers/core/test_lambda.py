"""Lambda: a function as a layer, which no file brings along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import GradientTape, ops
from gatework.layers import Lambda
from gatework.layers.symbolic import KerasTensor

X = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_values_arguments_and_gradient() -> None:
    layer = Lambda(lambda x, power: x**power, arguments={"power": 2})
    x = ops.convert_to_tensor(X)
    with GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
    np.testing.assert_array_equal(y.numpy(), X**2)
    np.testing.assert_array_equal(np.asarray(tape.gradient(y, x)), 2 * X)


def test_training_and_mask_reach_functions_that_ask() -> None:
    seen: dict[str, Any] = {}

    def function(x: Any, mask: Any = None, training: Any = None) -> Any:
        seen.update(mask=mask, training=training)
        return x

    mask = np.ones((2, 3), bool)
    Lambda(function)(X, mask=mask, training=True)
    assert seen["training"] is True
    np.testing.assert_array_equal(np.asarray(seen["mask"]), mask)


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        (None, (None, 2, 3)),
        ((2, 3), (None, 2, 3)),
        (lambda shape: (shape[0], 2, *shape[1:]), (None, 2, 3)),
    ],
)
def test_shapes(given: Any, shape: Any) -> None:
    layer = Lambda(lambda x: ops.stack([x, x], axis=1), output_shape=given)
    assert layer(KerasTensor((None, 3))).shape == shape


def test_masks() -> None:
    x = ops.convert_to_tensor(X)
    x._keras_mask = ops.convert_to_tensor(X > 1)
    assert Lambda(lambda x: x * 1)(x)._keras_mask is None
    found = Lambda(lambda x: x * 1, mask=lambda x, mask: mask)(x)._keras_mask
    np.testing.assert_array_equal(np.asarray(found), X > 1)


def test_files_bring_no_function_along(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="function must be callable, not 3"):
        Lambda(3)
    model = gatework.models.Sequential([gatework.Input((3,)), Lambda(lambda x: x)])
    with pytest.raises(TypeError, match="a lambda cannot be written to a file"):
        model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="Lambda must be made in a program"):
        Lambda.from_config({"function": "relu"})

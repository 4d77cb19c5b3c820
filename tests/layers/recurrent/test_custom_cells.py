"""Cells that somebody wrote, with the numbers that Keras' own unit tests expect of theirs.

All weights are one, so that the sums can be followed by hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import layers, ops

ONES = np.ones((1, 2, 3), np.float32)


class OneState(layers.Layer):
    """x·K + h·R, which is also the state."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape: Any) -> None:
        shapes = {
            "kernel": (input_shape[-1], self.units),
            "recurrent_kernel": (self.units, self.units),
        }
        self.kernel, self.recurrent_kernel = (
            self.add_weight(shape=shape, initializer="ones", name=name)
            for name, shape in shapes.items()
        )

    def call(self, inputs: Any, states: Any) -> Any:
        output = ops.matmul(inputs, self.kernel) + ops.matmul(states[0], self.recurrent_kernel)
        return output, [output]


class TwoStates(OneState):
    """The sum of two states that are what `OneState` has as its one."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(units, **kwargs)
        self.state_size = [units, units]
        self.output_size = units

    def call(self, inputs: Any, states: Any) -> Any:
        first, _ = super().call(inputs, states)
        second, _ = super().call(inputs, states)
        return first + second, [first, second]


CELLS = [pytest.param(OneState, 1, id="one_state"), pytest.param(TwoStates, 2, id="two_states")]


def check(outputs: Any, *expected: list[float]) -> None:
    found = outputs if isinstance(outputs, list | tuple) else [outputs]
    assert len(found) == len(expected)
    for value, numbers in zip(found, expected, strict=True):
        array = np.asarray(value)
        steps = np.reshape(np.asarray(numbers, np.float32), (*array.shape[:-1], 1))
        np.testing.assert_allclose(array, np.broadcast_to(steps, array.shape), rtol=1e-6)


@pytest.mark.parametrize(("cell", "count"), CELLS)
def test_outputs_and_states(cell: type, count: int) -> None:
    check(layers.RNN(cell(2))(ONES), [9.0 * count])
    check(layers.RNN(cell(2), return_sequences=True)(ONES), [3.0 * count, 9.0 * count])
    check(layers.RNN(cell(2), return_state=True)(ONES), [9.0 * count], *[[9.0]] * count)


@pytest.mark.parametrize(("cell", "count"), CELLS)
def test_initial_states(cell: type, count: int) -> None:
    outputs = layers.RNN(cell(2), return_state=True)(
        np.ones((2, 3, 2), np.float32), initial_state=[np.ones((2, 2), np.float32)] * count
    )
    check(outputs, [22.0 * count] * 2, *[[22.0, 22.0]] * count)


@pytest.mark.parametrize(("cell", "count"), CELLS)
def test_stateful(cell: type, count: int) -> None:
    layer = layers.RNN(cell(2), stateful=True, return_state=True)
    layer(ONES)
    check(layer(ONES), [45.0 * count], *[[45.0]] * count)
    layer.reset_state()
    check(layer(ONES), [9.0 * count], *[[9.0]] * count)


def test_backwards() -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    check(layers.RNN(OneState(2), go_backwards=True)(x), [202.0, 538.0])
    layer = layers.RNN(OneState(2), stateful=True, return_state=True)
    layer(x)
    check(layer(x), [954.0, 3978.0], [954.0, 3978.0])

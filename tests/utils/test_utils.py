"""Names, labels, the one seed."""

from __future__ import annotations

import random

import numpy as np
import pytest
from gatework import layers, utils
from gatework.utils.naming import auto_name, to_snake_case


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("LSTM", "lstm"),
        ("SimpleRNN", "simple_rnn"),
        ("TimeDistributed", "time_distributed"),
        ("SpatialDropout1D", "spatial_dropout1d"),
        ("BatchNormalization", "batch_normalization"),
    ],
)
def test_names_as_keras_makes_them(name: str, snake: str) -> None:
    assert to_snake_case(name) == snake


def test_counters_start_again() -> None:
    utils.clear_session()
    assert [auto_name("MyThing") for _ in range(3)] == ["my_thing", "my_thing_1", "my_thing_2"]
    utils.clear_session()
    assert auto_name("MyThing") == "my_thing"


class TestSeed:
    def test_everything_is_the_same_again(self) -> None:
        def draw() -> list[object]:
            utils.set_random_seed(5)
            kernel = layers.Dense(3)
            kernel.build((None, 4))
            dropped = layers.Dropout(0.5)(np.ones((3, 4)), training=True).numpy()
            return [
                random.random(),
                np.random.rand(),  # noqa: NPY002
                kernel.get_weights()[0].tolist(),
                dropped.tolist(),
            ]

        first, second = draw(), draw()
        assert first == second

    @pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, None, "1"])
    def test_refused(self, seed: object) -> None:
        with pytest.raises((ValueError, TypeError), match="seed must be an integer in"):
            utils.set_random_seed(seed)


class TestToCategorical:
    def test_rows(self) -> None:
        np.testing.assert_array_equal(utils.to_categorical([0, 2]), [[1, 0, 0], [0, 0, 1]])
        assert utils.to_categorical(np.zeros((2, 3)), 4).shape == (2, 3, 4)
        assert utils.to_categorical([[1], [0]]).shape == (2, 2)
        assert utils.to_categorical([1]).dtype == np.float32

    @pytest.mark.parametrize(
        ("x", "classes", "sentence"),
        [
            ([0, 3], 3, r"classes in \[0, 3\), not 3"),
            ([-1], None, r"classes in \[0, 0\), not -1"),
            ([0.5], None, "whole numbers"),
        ],
    )
    def test_refused(self, x: list[float], classes: int | None, sentence: str) -> None:
        with pytest.raises(ValueError, match=sentence):
            utils.to_categorical(x, classes)


def test_normalize() -> None:
    x = np.array([[3.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(utils.normalize(x), [[0.6, 0.8], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(utils.normalize(x, axis=0), [[1, 1], [0, 0]], rtol=1e-6)
    np.testing.assert_allclose(utils.normalize(x, order=1)[0], [3 / 7, 4 / 7], rtol=1e-6)

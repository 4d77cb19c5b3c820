"""Layer: configurations, arguments and their errors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from gatework.layers import LSTM, Dense, Dropout, Embedding, Layer

from tests.layers.small_layers import Block, X


class TestConfiguration:
    def test_round_trip(self) -> None:
        layer = Dense(3, activation="relu", name="mine", activity_regularizer="l1")
        again = Dense.from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
        assert again.activity_regularizer.l1 == pytest.approx(0.01)

    def test_arguments_nobody_describes(self) -> None:
        class Mute(Layer):
            def __init__(self, function: Any, **kwargs: Any) -> None:
                super().__init__(**kwargs)

        with pytest.raises(NotImplementedError, match=r"Mute must implement get_config\(\).*funct"):
            Mute(print).get_config()

    def test_copies_stand_alone(self) -> None:
        block = Block()
        expected = block(X).numpy()
        for twin in (copy.deepcopy(block), pickle.loads(pickle.dumps(Dense(2)))):
            assert twin is not block
        twin = copy.deepcopy(block)
        block.shift.assign([5.0, 5.0])
        np.testing.assert_array_equal(twin(X).numpy(), expected)
        assert len(twin.weights) == 5


class TestErrors:
    @pytest.mark.parametrize(
        ("make", "sentence"),
        [
            (lambda: Dense(2, activaton="relu"), "has no argument 'activaton'.*'activation'"),
            (lambda: LSTM(2, return_sequence=True), "'return_sequence'.*'return_sequences'"),
            (lambda: Embedding(4, 2, maskzero=True), "'maskzero'.*'mask_zero'"),
            (lambda: Dropout(0.1, sed=1), "'sed'.*'seed'"),
        ],
    )
    def test_misspelt_arguments(self, make: Any, sentence: str) -> None:
        with pytest.raises(TypeError, match=sentence):
            make()

    @pytest.mark.parametrize("dtype", ["float64", "mixed_float16", "no such"])
    def test_other_dtypes(self, dtype: str) -> None:
        with pytest.raises(ValueError, match=f"dtype must be 'float32' or .*, not '{dtype}'"):
            Dense(2, dtype=dtype)

    @pytest.mark.parametrize("name", ["", 3, "a/b"])
    def test_names(self, name: Any) -> None:
        with pytest.raises(ValueError, match="name must be"):
            Dense(2, name=name)

    def test_inputs_of_another_shape(self) -> None:
        layer = Dense(2, name="mine")
        layer(X)
        with pytest.raises(ValueError, match="inputs of mine must have size 3 along axis -1, not"):
            layer(np.ones((2, 4)))
        with pytest.raises(ValueError, match="inputs of mine must have at least 2 axes, not 1"):
            layer(np.ones(3))

    @pytest.mark.parametrize(
        ("given", "shape"),
        [
            ({"input_shape": (3,)}, (3,)),
            ({"input_shape": (4, 3), "batch_size": 2}, (4, 3)),
            ({"batch_input_shape": (2, 4, 3)}, (4, 3)),
            ({"input_dim": 3}, (3,)),
            ({}, None),
        ],
    )
    def test_old_arguments_for_the_input_shape(self, given: Any, shape: Any) -> None:
        assert Dense(2, **given)._input_shape_arg == shape

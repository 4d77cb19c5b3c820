"""Rows of unequal length in one batch get what each gets alone, to the bit."""

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import inference, layers
from gatework.inference.ragged import ragged

from tests.inference.models import shaken

L = layers


def signals(*inner: Any) -> Any:
    return shaken(gatework.Sequential([L.Input((None, 5)), *inner]), 2)


def words(*inner: Any, mask_zero: bool = False) -> Any:
    table = L.Embedding(20, 6, mask_zero=mask_zero)
    return shaken(gatework.Sequential([L.Input((None,)), table, *inner]), 2)


MODELS = {
    "last": lambda: words(L.LSTM(7), L.Dense(3, "softmax")),
    "every step": lambda: signals(L.GRU(9, return_sequences=True), L.Dense(4, "tanh")),
    "masked": lambda: words(L.LSTM(7), L.Dense(3), mask_zero=True),
    "masked, every step": lambda: words(L.GRU(7, return_sequences=True), mask_zero=True),
    "stacked": lambda: signals(
        L.LayerNormalization(), L.LSTM(40, return_sequences=True), L.SimpleRNN(6)
    ),
    "both directions": lambda: words(L.Bidirectional(L.GRU(8)), L.Dense(2)),
}


def rows_for(model: Any, lengths: Any, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    if len(model.inputs[0].shape) == 2:
        return [rng.integers(0, 20, (1, n)) for n in lengths]
    return [rng.normal(size=(1, n, 5)).astype("float32") for n in lengths]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("name", MODELS)
def test_rows_get_what_they_get_alone(name: str, dtype: str) -> None:
    model = MODELS[name]()
    program = inference.compile(model, dtype=dtype)
    padded = ragged(program)
    assert padded is not None
    for seed, lengths in enumerate([(3, 1, 8, 8, 5), (40, 64), (2, 1), tuple(range(1, 34))]):
        rows = rows_for(model, lengths, seed)
        batch = np.zeros((len(rows), max(lengths), *rows[0].shape[2:]), rows[0].dtype)
        for i, row in enumerate(rows):
            batch[i, : row.shape[1]] = row[0]
        [found] = padded(batch, lengths)
        for one, row, length in zip(found, rows, lengths, strict=True):
            wanted = program(row)[0]
            np.testing.assert_array_equal(one[:length] if padded.sequences[0] else one, wanted)


def test_where_padding_would_tell_there_is_none() -> None:
    two = [L.Input((None, 3), name=name) for name in "ab"]
    both = gatework.Model(two, L.LSTM(2)(L.Concatenate()(two)))
    for model in (
        signals(L.Bidirectional(L.LSTM(3, return_sequences=True))),
        signals(L.LSTM(3, go_backwards=True, return_sequences=True), L.LSTM(2)),
        signals(L.Conv1D(4, 3), L.LSTM(3)),
        signals(L.GlobalMaxPooling1D()),
        both,
        shaken(gatework.Sequential([L.Input((3,)), L.Dense(2)]), 0),
    ):
        assert ragged(inference.compile(model)) is None

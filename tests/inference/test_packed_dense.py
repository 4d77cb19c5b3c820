"""Weights that were packed once: the bits of those that were not, for any number of threads."""

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import _core, layers
from gatework.inference import compile
from hypothesis import given
from hypothesis import strategies as st

from tests.inference.models import shaken

ROWS = (1, 2, 3, 4, 7, 8, 12, 13, 97, 200)


@given(
    units=st.sampled_from([64, 65, 96, 100, 129, 300]),
    features=st.sampled_from([1, 5, 16, 255, 256, 257, 600]),
    activation=st.sampled_from([None, "tanh", "gelu", "relu"]),
    bias=st.booleans(),
    rows=st.sampled_from(ROWS),
)
def test_it_is_the_dense_layer(
    isa: str, units: int, features: int, activation: Any, bias: bool, rows: int
) -> None:
    model = shaken(
        gatework.Sequential(
            [layers.Input((features,)), layers.Dense(units, activation, use_bias=bias)]
        ),
        1,
    )
    x = np.random.default_rng(rows).normal(size=(rows, features)).astype("float32")
    np.testing.assert_array_equal(compile(model)(x), model(x).numpy())


@given(
    words=st.sampled_from([64, 70, 100]),
    features=st.sampled_from([1, 3, 8, 17]),
    tied=st.booleans(),
    cap=st.sampled_from([None, 2.0]),
)
def test_a_table_read_back(isa: str, words: int, features: int, tied: bool, cap: Any) -> None:
    ids = layers.Input((None,), dtype="int32")
    table = layers.ReversibleEmbedding(words, features, tie_weights=tied, logit_soft_cap=cap)
    model = shaken(gatework.Model(ids, table(table(ids), reverse=True)), 2)
    x = np.random.default_rng(0).integers(0, words, (3, 5))
    np.testing.assert_array_equal(compile(model)(x), model(x).numpy())
    found = model.predict(x, verbose=0)
    np.testing.assert_array_equal(found, model(x).numpy())


@pytest.mark.parametrize("rows", [1, 3, 8, 500])
def test_threads_do_not_change_it(rows: int) -> None:
    model = shaken(
        gatework.Sequential([layers.Input((512,)), layers.Dense(1000, activation="gelu")]), 3
    )
    program = compile(model)
    x = np.random.default_rng(0).normal(size=(rows, 512)).astype("float32")
    before = _core.num_threads()
    try:
        _core.set_num_threads(1)
        alone = program(x)
        _core.set_num_threads(2)
        np.testing.assert_array_equal(program(x), alone)
    finally:
        _core.set_num_threads(before)

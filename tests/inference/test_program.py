"""One program, many threads; memory that grows and then stays; what it is called with."""

import threading
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import _core, layers
from gatework.inference import compile

from tests.inference.models import shaken


@pytest.fixture(scope="module")
def model() -> Any:
    return shaken(
        gatework.Sequential(
            [
                layers.Input((None, 8)),
                layers.Bidirectional(layers.LSTM(20, return_sequences=True)),
                layers.GRU(30),
                layers.Dense(11, "softmax"),
            ]
        ),
        1,
    )


def test_many_threads_get_what_one_would(model: Any) -> None:
    program = compile(model)
    rng = np.random.default_rng(0)
    sizes = [(1, 5), (7, 3), (2, 40), (16, 16)]
    xs = [rng.normal(size=(*sizes[i % 4], 8)).astype("float32") for i in range(24)]
    wanted = [program(x) for x in xs]
    found: list[Any] = [None] * len(xs)

    def work(worker: int) -> None:
        for _ in range(3):
            for i in range(worker, len(xs), 8):
                found[i] = program(xs[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, two in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one, two)


def test_memory_is_taken_once_for_the_largest_input(model: Any) -> None:
    program = compile(model, max_batch=4, max_length=10)
    rng = np.random.default_rng(0)
    xs = [rng.normal(size=(b, t, 8)).astype("float32") for b, t in ((4, 10), (1, 3), (2, 9))]
    for x in xs:
        program(x)
    before = _core.blocks_asked_for()
    for x in xs:
        program(x)
    assert _core.blocks_asked_for() == before
    larger = rng.normal(size=(9, 20, 8)).astype("float32")
    np.testing.assert_array_equal(program(larger)[:2], program(larger[:2]))


def test_it_keeps_the_weights_it_was_made_with(model: Any) -> None:
    x = np.ones((2, 3, 8), "float32")
    program = compile(model)
    before = program(x)
    saved = model.get_weights()
    for weight in model.weights:
        weight._value *= 2  # as optimizers do
        weight.touch()
    np.testing.assert_array_equal(program(x), before)
    assert not np.array_equal(compile(model)(x), before)
    model.set_weights(saved)


def test_predict_in_parts(model: Any) -> None:
    program = compile(model)
    x = np.random.default_rng(0).normal(size=(10, 6, 8)).astype("float32")
    np.testing.assert_array_equal(program.predict(x, batch_size=3), program(x))
    np.testing.assert_array_equal(program.predict(x), program(x))
    assert program(x[:0]).shape == (0, 11)
    assert program.predict(x[:0], batch_size=2).shape == (0, 11)
    with pytest.raises(ValueError, match="batch_size must be a positive integer, not 0"):
        program.predict(x, batch_size=0)


@pytest.mark.parametrize("form", [np.float64, np.int32, ">f4", "list", "strided"])
def test_inputs_in_any_form(model: Any, form: Any) -> None:
    program = compile(model)
    x = np.arange(48).reshape(2, 3, 8) / 16 // 1
    given: Any = x.tolist() if form == "list" else x
    if form == "strided":
        given = np.repeat(x, 2, axis=2)[..., ::2].astype("float32")
    elif form != "list":
        given = x.astype(form)
    np.testing.assert_array_equal(program(given), program(x.astype("float32")))


def test_wrong_inputs_are_refused(model: Any) -> None:
    program = compile(model)
    with pytest.raises(ValueError, match=r"must have shape \(any, any, 8\), not \(2, 3, 7\)"):
        program(np.ones((2, 3, 7)))
    with pytest.raises(ValueError, match="at least one time step"):
        program(np.ones((2, 0, 8)))
    with pytest.raises(ValueError, match="x must be 1 arrays, not 2"):
        program([np.ones((2, 3, 8)), np.ones((2, 3, 8))])
    with pytest.raises(ValueError, match="x must have the keys"):
        program({"other": np.ones((2, 3, 8))})
    ids = compile(gatework.Sequential([layers.Input((None,)), layers.Embedding(5, 3)]))
    for bad in (5, -1, 1.5, np.nan, 2**40):
        with pytest.raises(ValueError, match="embedding ids must be"):
            ids(np.array([[1, bad]]))
    with pytest.raises(TypeError):
        ids(np.array([["a"]]))


def test_the_core_refuses_what_does_not_fit() -> None:
    dense = ("activation", "a", (0,), (1,), {"activation": "tanh"})

    def core(**changed: Any) -> Any:
        given = {
            "kinds": ["floats", "floats"],
            "constants": [],
            "instructions": [dense],
            "inputs": [0],
            "outputs": [1],
            "input_time": [False],
            "output_time": [False],
        }
        return _core.Program(**{**given, **changed})

    x = np.ones((2, 3), np.float32)
    np.testing.assert_allclose(core().run((x,))[0], np.tanh(x), rtol=1e-6)
    for wrong, why in (
        ({"instructions": [(*dense[:3], (0,), dense[4])]}, "write each value once"),
        ({"inputs": [1]}, "before it is read"),
        ({"inputs": [2]}, "name values"),
        ({"inputs": []}, "told of every input"),
        ({"outputs": [0]}, "put out values that it computes"),
        ({"kinds": ["floats", "mask"]}, "put out floats"),
        ({"kinds": ["floats", "text"]}, "kind must be"),
        ({"instructions": [("grow", "a", (0,), (1,), {})]}, "operation must be"),
        ({"instructions": [("dense", "a", (0,), (1,), {})]}, "kernel must be given"),
    ):
        with pytest.raises(ValueError, match=why):
            core(**wrong)
    with pytest.raises(ValueError, match="another kind"):
        core(kinds=["ids", "floats"]).run((np.ones((2, 3), np.int64),))
    with pytest.raises(TypeError):
        core().run((np.ones((2, 3)),))

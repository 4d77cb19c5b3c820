"""Random cases, how one is run, and the script that runs it again."""

from __future__ import annotations

import functools
import importlib.util
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gatework
import numpy as np
from gatework import _core, layers, models
from gatework.saving import load_model
from hypothesis import strategies as st

from tests.kernels.cells import CELLS
from tests.kernels.compare import assert_output, assert_same_bits, assert_solution
from tests.kernels.problems import CONTINUOUS, GATES, MASKS, random_problem, solve_by_kernel

KINDS = ("kernel", "model", "keras")


@dataclass(frozen=True)
class Case:
    """What is run: a kind of case, where, and its arguments; plain values, so that it prints."""

    kind: str
    isa: str
    threads: int
    arguments: dict[str, Any]


def kernels() -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of ``random_problem``."""
    sizes = st.one_of(st.integers(1, 12), st.sampled_from([16, 31, 33, 64, 100, 130, 260]))
    flags = (
        "dropout", "recurrent_dropout", "bias", "initial_state", "go_backwards",
        "zero_output_for_mask", "return_sequences", "projection",
    )  # fmt: skip
    return st.fixed_dictionaries(
        {
            "cell": st.sampled_from(sorted(CELLS)),
            "seed": st.integers(0, 2**32 - 1),
            "batch": st.one_of(st.integers(1, 9), st.sampled_from([24, 48, 100])),
            "time": st.one_of(st.integers(1, 12), st.sampled_from([40])),
            "inputs": sizes,
            "units": sizes,
            "mask": st.sampled_from(sorted(MASKS)),
            "activation": st.one_of(st.just("tanh"), st.sampled_from(CONTINUOUS)),
            "recurrent_activation": st.one_of(st.just("sigmoid"), st.sampled_from(GATES)),
            "activation_clip": st.sampled_from([None, None, 0.5]),
            "cell_clip": st.sampled_from([None, None, 0.7]),
            **{flag: st.booleans() for flag in flags},
        }
    ).filter(lambda a: a["batch"] * a["time"] * a["units"] * (a["inputs"] + a["units"]) < 3e7)


LAYERS = {
    "LSTM": lambda units: layers.LSTM(units, return_sequences=True),
    "GRU": lambda units: layers.GRU(units, return_sequences=True),
    "GRU before": lambda units: layers.GRU(units, return_sequences=True, reset_after=False),
    "SimpleRNN": lambda units: layers.SimpleRNN(units, return_sequences=True),
    "backwards": lambda units: layers.LSTM(units, return_sequences=True, go_backwards=True),
    "Bidirectional": lambda units: layers.Bidirectional(layers.GRU(units, return_sequences=True)),
    "sum of both": lambda units: layers.Bidirectional(
        layers.LSTM(units, return_sequences=True), merge_mode="sum"
    ),
    "Dense": lambda units: layers.Dense(units, activation="relu"),
    "TimeDistributed": lambda units: layers.TimeDistributed(layers.Dense(units)),
    "LayerNormalization": lambda units: layers.LayerNormalization(),
    "Dropout": lambda units: layers.Dropout(0.3),
}
ENDS = {
    "LSTM": lambda: layers.LSTM(3),
    "GRU": lambda: layers.GRU(3),
    "per step": lambda: layers.Dense(2, activation="softmax"),
    "average": lambda: layers.GlobalAveragePooling1D(),
}


def small_models() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**31),
            "start": st.sampled_from(["vectors", "masked vectors", "ids", "masked ids"]),
            "middle": st.lists(
                st.tuples(st.sampled_from(sorted(LAYERS)), st.sampled_from([1, 3, 8, 17, 40])),
                max_size=3,
            ),
            "end": st.sampled_from(sorted(ENDS)),
            "rows": st.integers(1, 12),
            "steps": st.integers(1, 15),
            "batch_size": st.integers(1, 13),
        }
    )


@functools.cache
def kinds() -> tuple[str, ...]:
    has_keras = all(importlib.util.find_spec(name) for name in ("keras", "jax"))
    # Keras compiles every model anew: one case of it takes as long as hundreds of the others.
    return ("kernel",) * 6 + ("model",) * 4 + (("keras",) if has_keras else ())


def cases() -> st.SearchStrategy[Case]:
    def of(kind: str) -> st.SearchStrategy[Case]:
        return st.builds(
            Case,
            kind=st.just(kind),
            isa=st.sampled_from(_core.isa_available()),
            threads=st.sampled_from([1, 2, 3]),
            arguments=kernels() if kind == "kernel" else small_models(),
        )

    return st.sampled_from(kinds()).flatmap(of)


def run_case(case: Case) -> None:
    """Raises AssertionError where two ways to the result of a case differ."""
    before = _core.isa(), _core.num_threads()
    try:
        _core.set_isa(case.isa)
        _core.set_num_threads(case.threads)
        (run_kernel if case.kind == "kernel" else run_model)(case)
    finally:
        _core.set_isa(before[0])
        _core.set_num_threads(before[1])


def run_kernel(case: Case) -> None:
    """Outputs, states and gradients are the reference's, and those of one thread to the bit."""
    problem = random_problem(**case.arguments)
    solution = solve_by_kernel(problem)
    assert_solution(problem, solution)
    _core.set_num_threads(1)
    assert_same_bits(solution, solve_by_kernel(problem))


def build(arguments: dict[str, Any]) -> tuple[Any, Any]:
    """The model and inputs for it."""
    gatework.utils.set_random_seed(arguments["seed"])
    rng = np.random.default_rng(arguments["seed"])
    shape = (arguments["rows"], arguments["steps"])
    start = arguments["start"]
    if "ids" in start:
        x = rng.integers(0, 5, shape)
        first = [
            layers.Input((None,), dtype="int32"),
            layers.Embedding(5, 4, mask_zero="masked" in start),
        ]
    else:
        x = rng.normal(size=(*shape, 3)).astype(np.float32)
        x[rng.random(shape) < 0.3] = 0
        first = [layers.Input((None, 3)), *([layers.Masking()] if "masked" in start else [])]
    middle = [LAYERS[name](units) for name, units in arguments["middle"]]
    return models.Sequential([*first, *middle, ENDS[arguments["end"]]()]), x


def run_model(case: Case) -> None:
    """Batches of any size, the saved model, and Keras, all predict the same."""
    model, x = build(case.arguments)
    expected = model.predict(x, batch_size=len(x), verbose=0)
    found = model.predict(x, batch_size=case.arguments["batch_size"], verbose=0)
    assert_output(found, expected.astype(np.float64), "in batches")
    backwards = model.predict(x[::-1], batch_size=len(x), verbose=0)[::-1]
    assert_output(backwards, expected.astype(np.float64), "rows in another order")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        again = load_model(path).predict(x, batch_size=len(x), verbose=0)
        np.testing.assert_array_equal(again, expected)
        if case.kind == "keras":
            import keras

            theirs = np.asarray(keras.models.load_model(path)(x))
            assert_output(expected, theirs.astype(np.float64), "Keras")


def script_of(case: Case) -> str:
    """A program, to be run in the repository, that runs a case again."""
    return (
        '"""Shows a difference that `make soak` found; run it in the repository."""\n\n'
        "import os\nimport sys\n\n"
        'os.environ.setdefault("KERAS_BACKEND", "jax")\n'
        'sys.path.insert(0, ".")\n\n'
        "from tests.soak.cases import Case, run_case  # noqa: E402\n\n"
        f"run_case({case!r})\n"
        'print("no difference")\n'
    )

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
from gatework import _core, inference, layers, models
from gatework.saving import load_model
from hypothesis import strategies as st

from tests.kernels.cells import CELLS
from tests.kernels.compare import assert_output, assert_same_bits, assert_solution
from tests.kernels.problems import CONTINUOUS, GATES, MASKS, random_problem, solve_by_kernel
from tests.kernels.test_attention import assert_solved
from tests.kernels.test_attention import problem as attention_problem

KINDS = ("kernel", "attention", "model", "program", "keras")


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


def attentions() -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of tests.kernels.test_attention.problem."""
    axes = st.sampled_from([None, (0, 3), (2, 3), (0, 1, 2, 3)])
    return st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**31),
            "batch": st.integers(1, 4),
            "time": st.one_of(st.integers(1, 12), st.sampled_from([1, 33, 130])),
            "keys": st.one_of(st.integers(1, 12), st.sampled_from([33, 200])),
            "heads_of_group": st.integers(1, 3),
            "groups": st.integers(1, 3),
            "features": st.sampled_from([1, 3, 8, 17, 64]),
            "value_features": st.sampled_from([1, 5, 16, 33]),
            "bias": axes,
            "mask": axes,
            "slopes": st.booleans(),
            "offset": st.sampled_from([0, 0, 3]),
            "causal": st.booleans(),
            "window": st.sampled_from([None, None, 1, 5]),
            "soft_cap": st.sampled_from([None, None, 2.0]),
            "rate": st.sampled_from([0.0, 0.0, 0.3]),
        }
    )


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
# Those that Keras itself lacks, or lacks the options of.
OWN = {
    "normalized LSTM": lambda units: layers.LSTM(
        units, return_sequences=True, layer_normalization=True
    ),
    "normalized GRU": lambda units: layers.GRU(
        units, return_sequences=True, layer_normalization=True
    ),
    "peepholes": lambda units: layers.LSTM(
        units, return_sequences=True, peepholes=True, cell_clip=0.7
    ),
    "projection": lambda units: layers.LSTM(
        units, return_sequences=True, projection=(units + 1) // 2 if units > 1 else None
    ),
    "zoneout": lambda units: layers.GRU(units, return_sequences=True, zoneout=0.2),
    "stacked": lambda units: layers.LSTM(units, return_sequences=True, num_layers=2),
    "Conv1D": lambda units: layers.Conv1D(units, 3, padding="causal", activation="gelu"),
    "DepthwiseConv1D": lambda units: layers.DepthwiseConv1D(3, padding="same"),
    "BatchNormalization": lambda units: layers.BatchNormalization(),
    "RMSNormalization": lambda units: layers.RMSNormalization(),
    "encoder": lambda units: layers.TransformerEncoder(2 * units, 1),
    "decoder": lambda units: layers.TransformerDecoder(2 * units, 1),
    "positions": lambda units: layers.SinePositionEncoding(),
}
ENDS = {
    "LSTM": lambda: layers.LSTM(3),
    "GRU": lambda: layers.GRU(3),
    "per step": lambda: layers.Dense(2, activation="softmax"),
    "average": lambda: layers.GlobalAveragePooling1D(),
}


def small_models(*tables: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of ``build``: models of the layers of some tables."""
    names = sorted(name for table in tables for name in table)
    return st.fixed_dictionaries(
        {
            "seed": st.integers(0, 2**31),
            "start": st.sampled_from(["vectors", "masked vectors", "ids", "masked ids"]),
            "middle": st.lists(
                st.tuples(st.sampled_from(names), st.sampled_from([1, 3, 8, 17, 40])),
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
    own = ("kernel",) * 6 + ("attention",) * 3 + ("model",) * 3 + ("program",) * 3
    return own + (("keras",) if has_keras else ())


ARGUMENTS = {
    "kernel": kernels,
    "attention": attentions,
    "model": lambda: small_models(LAYERS, OWN),
    "program": lambda: small_models(LAYERS, OWN),
    "keras": lambda: small_models(LAYERS),
}


def cases() -> st.SearchStrategy[Case]:
    def of(kind: str) -> st.SearchStrategy[Case]:
        return st.builds(
            Case,
            kind=st.just(kind),
            isa=st.sampled_from(_core.isa_available()),
            threads=st.sampled_from([1, 2, 3]),
            arguments=ARGUMENTS[kind](),
        )

    return st.sampled_from(kinds()).flatmap(of)


def run_case(case: Case) -> None:
    """Raises AssertionError where two ways to the result of a case differ."""
    before = _core.isa(), _core.num_threads()
    try:
        _core.set_isa(case.isa)
        _core.set_num_threads(case.threads)
        RUN.get(case.kind, run_model)(case)
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
    middle = [(LAYERS | OWN)[name](units) for name, units in arguments["middle"]]
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


def run_attention(case: Case) -> None:
    """Outputs and gradients are the reference's, and those of one thread to the bit."""
    arguments = dict(case.arguments)
    arguments["heads"] = arguments["groups"] * arguments.pop("heads_of_group")
    drawn = attention_problem(**arguments)
    if drawn.options["rate"] == 0:
        assert_solved(drawn)
    found = [*drawn.forward(), *drawn.backward()[:3]]
    _core.set_num_threads(1)
    alone = [*drawn.forward(), *drawn.backward()[:3]]
    for one, two in zip(found, alone, strict=True):
        assert one.tobytes() == two.tobytes(), "differs from one thread"


def run_program(case: Case) -> None:
    """The compiled model, its file and its stream give what the layers give one by one."""
    model, x = build(case.arguments)
    rng = np.random.default_rng(case.arguments["seed"])
    model(x)
    for weight in model.weights:  # no bias is zero, no gain one
        values = weight.numpy() + rng.normal(size=weight.shape) * 0.1
        weight.assign(np.abs(values) + 0.1 if "variance" in weight.name else values)
    expected = np.asarray(model(x, training=False)).astype(np.float64)
    try:
        program = inference.compile(model)
    except ValueError:  # a layer that programs leave to itself
        assert_output(model.predict(x, verbose=0), expected, "predict")
        return
    found = program(x)
    assert_output(found, expected, "program")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gwp"
        program.save(path)
        np.testing.assert_array_equal(inference.load(path, verify=True)(x), found)
    rounded = inference.compile(model, dtype="bfloat16")(x)
    assert np.isfinite(rounded).all()
    try:
        session = program.session(len(x))
    except ValueError:  # it needs the whole sequence
        return
    steps = [session.step(x[:, t]) for t in range(x.shape[1])]
    whole = found if found.ndim == 3 else found[:, None]
    last = np.stack(steps, 1) if found.ndim == 3 else steps[-1][:, None]
    assert_output(last, whole.astype(np.float64), "stream")


RUN = {"kernel": run_kernel, "attention": run_attention, "program": run_program}


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

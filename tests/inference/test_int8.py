"""Programs of int8: near float32, the same whichever way they are run, and small."""

import functools
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.inference import compile
from hypothesis import given, settings

from tests.inference.models import batches, float_models, id_models, shaken


def distance(found: Any, wanted: Any) -> float:
    return float(np.linalg.norm(found - wanted) / max(float(np.linalg.norm(wanted)), 1e-30))


def model_of(*inner: Any, features: int = 6) -> Any:
    return gatework.Sequential([layers.Input((None, features)), *inner])


def random(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


@settings(max_examples=15)
@given(model=float_models(), x=batches(ids=False))
def test_random_models_of_floats(model: Any, x: Any) -> None:
    check_runs_like_float32(model, x)


@settings(max_examples=10)
@given(model=id_models(), x=batches(ids=True))
def test_random_models_of_ids(model: Any, x: Any) -> None:
    check_runs_like_float32(model, x)


def check_runs_like_float32(model: Any, x: Any) -> None:
    """Finite, of the right shape, not far off, and the same one row at a time."""
    try:
        wanted = compile(model)(x)
    except ValueError:  # too short for a window
        return
    program = compile(model, dtype="int8")
    found = program(x)
    assert found.shape == wanted.shape
    assert np.isfinite(found).all()
    assert np.linalg.norm(found - wanted) <= 0.25 * np.linalg.norm(wanted) + 0.1 * wanted.size**0.5
    one = np.concatenate([program(x[i : i + 1]) for i in range(len(x))])
    np.testing.assert_allclose(one, found, rtol=1e-5, atol=1e-6)


STREAMS: dict[str, Any] = {
    "lstm": lambda: [layers.LSTM(9, return_sequences=True), layers.LSTM(5, peepholes=True)],
    "projection": lambda: [layers.LSTM(8, projection=3), layers.Dense(4, "gelu")],
    "gru": lambda: [layers.GRU(17, num_layers=2, return_sequences=True), layers.Dense(3)],
    "gru before": lambda: [layers.GRU(7, reset_after=False), layers.Dense(3, "softmax")],
    "convolutions": lambda: [
        layers.Conv1D(10, 3, padding="causal", activation="relu"),
        layers.Conv1D(4, 2, padding="causal", dilation_rate=3),
        layers.SimpleRNN(6, return_sequences=True),
    ],
}


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", STREAMS)
def test_steps_give_what_the_whole_sequence_gives(name: str, batch: int, isa: str) -> None:
    program = compile(shaken(model_of(*STREAMS[name]()), 1), dtype="int8")
    x = random(batch, 12, 6)
    wanted = program(x)
    session, blocks = program.session(batch), program.session(batch)
    steps = [session.step(np.ascontiguousarray(x[:, t])) for t in range(12)]
    found = np.stack(steps, 1) if wanted.ndim == 3 else steps[-1]
    np.testing.assert_array_equal(found, wanted)
    first, second = (blocks.run(np.ascontiguousarray(part)) for part in (x[:, :5], x[:, 5:]))
    found = np.concatenate([first, second], 1) if wanted.ndim == 3 else second
    np.testing.assert_array_equal(found, wanted)


def test_any_number_of_threads_gives_the_same_bits() -> None:
    model = model_of(
        layers.LSTM(130, return_sequences=True), layers.GRU(40), layers.Dense(900), features=65
    )
    program, x = compile(model, dtype="int8"), random(50, 9, 65)
    before = gatework.runtime.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            gatework.runtime.set_num_threads(threads)
            found.append(program(x))
    finally:
        gatework.runtime.set_num_threads(before)
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


@pytest.mark.parametrize("cls", [layers.LSTM, layers.GRU])
def test_states_of_a_thousand_steps(cls: Any) -> None:
    gatework.utils.set_random_seed(0)
    model = model_of(cls(256, return_sequences=True), features=256)
    x = random(1, 1000, 256)
    wanted, found = compile(model)(x), compile(model, dtype="int8")(x)
    assert distance(found, wanted) <= 0.02
    assert distance(found[:, -1], wanted[:, -1]) <= 0.02


def waves(count: int, seed: int) -> tuple[Any, Any]:
    """Sequences of one of six frequencies under noise, and which."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 6, count)
    time = np.arange(32) + rng.uniform(0, 10, (count, 1))
    clean = np.sin(time * (0.25 + 0.12 * labels[:, None]))
    noisy = clean[..., None] + rng.normal(0, 0.8, (count, 32, 3))
    return noisy.astype("float32"), labels


@functools.cache
def trained() -> Any:
    gatework.utils.set_random_seed(1)
    model = model_of(
        layers.Conv1D(16, 3, activation="relu"),
        layers.Bidirectional(layers.GRU(24)),
        layers.Dense(6, "softmax"),
        features=3,
    )
    model.compile(gatework.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    x, y = waves(1200, 0)
    model.fit(x, y, batch_size=64, epochs=4, verbose=0)
    return model


@pytest.mark.parametrize("calibrated", [False, True])
def test_accuracy_of_a_trained_model(calibrated: bool) -> None:
    model, (x, y) = trained(), waves(3000, 1)
    calibration = waves(100, 2)[0] if calibrated else None
    exact = np.mean(compile(model).predict(x, 500).argmax(1) == y)
    program = compile(model, dtype="int8", calibration=calibration)
    found = np.mean(program.predict(x, 500).argmax(1) == y)
    assert 0.6 < exact < 0.99  # far from where nothing could change
    assert abs(found - exact) <= 0.005


def test_calibration_does_not_make_errors_larger() -> None:
    """Of columns with an outlier, on inputs whose features differ in size and are not centred."""
    rng = np.random.default_rng(0)
    model = model_of(layers.Dense(40, "relu"), layers.GRU(30), layers.Dense(20), features=50)
    shaken(model, 0)
    kernel = model.layers[0].kernel
    outliers = kernel.numpy().copy()
    outliers[-1] = 12.0  # of a feature that is next to nothing
    kernel.assign(outliers)

    def inputs(count: int) -> Any:
        x = rng.normal(1.0, 1.0, (count, 6, 50)).astype("float32")
        x[..., -1] *= 1e-3
        return x

    x = inputs(200)
    wanted = compile(model)(x)
    plain = distance(compile(model, dtype="int8")(x), wanted)
    calibrated = distance(compile(model, dtype="int8", calibration=inputs(50))(x), wanted)
    assert calibrated < 0.7 * plain


@pytest.mark.parametrize("place", ["table", "kernel", "recurrent_kernel"])
def test_weights_that_are_not_finite_are_refused(place: str) -> None:
    entry = layers.Input((None,))
    model = gatework.Sequential([entry, layers.Embedding(9, 4), layers.LSTM(3, name="l")])
    weights = model.get_weights()
    weights[["table", "kernel", "recurrent_kernel"].index(place)][0, 0] = np.nan
    model.set_weights(weights)
    with pytest.raises(ValueError, match=f"finite weights to be int8, not the {place} of"):
        compile(model, dtype="int8")
    assert compile(model)(np.ones((1, 2), int)).shape == (1, 3)


def test_nan_and_infinity_come_through() -> None:
    program = compile(model_of(layers.LSTM(5), layers.Dense(3)), dtype="int8")
    x = random(4, 7, 6)
    wanted = program(x)
    x[1, 2, 3], x[2, 6, 0] = np.nan, np.inf
    found = program(x)
    assert np.isnan(found[1:3]).all()
    np.testing.assert_array_equal(found[[0, 3]], wanted[[0, 3]])


def test_attention_and_its_projections() -> None:
    model = gatework.Sequential(
        [
            layers.Input((None,)),
            layers.TokenAndPositionEmbedding(30, 20, 16),
            layers.TransformerEncoder(32, 4),
            layers.Dense(30),
        ]
    )
    program = compile(model, dtype="int8")
    ids = np.random.default_rng(0).integers(0, 30, (3, 11))
    assert distance(program(ids), compile(model)(ids)) < 0.05
    rows = [one.dtype for one in program.report() if one.op == "dense"]
    assert len(rows) >= 5  # queries, keys and values, output, two of the block, one after it
    assert set(rows) == {"int8"}


def test_the_report_tells_sizes_and_errors() -> None:
    gatework.utils.set_random_seed(0)
    model = model_of(
        layers.LSTM(20, return_sequences=True, name="one"),
        layers.LayerNormalization(name="norm"),
        layers.DepthwiseConv1D(3, use_bias=False, name="each"),
        layers.GRU(8, num_layers=2, name="two"),
        layers.Dense(4, name="last"),
    )
    x = random(40, 10, 6)
    program = compile(model, dtype="int8", calibration=x, exclude=["last"])
    report = program.report()
    assert [(one.name, one.dtype) for one in report] == [
        ("one", "int8"),
        ("norm", "float32"),
        ("each", "float32"),
        ("two.0", "int8"),
        ("two.1", "int8"),
        ("last", "float32"),
    ]
    one, norm, _, lower, upper, last = report
    assert one.float_bytes == 4 * (6 * 80 + 20 * 80 + 80)
    assert one.bytes == 6 * 80 + 20 * 80 + 4 * 80 + 2 * 4 * 80  # numbers, bias, scales
    assert last.bytes == last.float_bytes == 4 * (8 * 4 + 4)
    assert report.bytes == sum(row.bytes for row in report) < report.float_bytes
    assert norm.own_error == last.own_error == 0.0
    assert last.error is not None
    assert 0 < last.error < 0.1
    for row in (one, lower, upper):
        assert row.own_error is not None
        assert 0 < row.own_error < 0.05
    text = str(report).splitlines()
    assert text[0].split()[:4] == ["layer", "op", "dtype", "bytes"]
    assert len(text) == 8
    assert text[-1].startswith("together")


def test_errors_are_measured_against_a_model_or_its_program() -> None:
    model, x = model_of(layers.GRU(9), layers.Dense(3)), random(50, 7, 6)
    exact = compile(model)
    program = compile(model, dtype="int8")
    assert all(one.error is None for one in program.report())
    report = program.report(x, against=model)
    assert report == program.report(x, against=exact)
    assert report[-1].error == pytest.approx(distance(program(x), exact(x)), rel=1e-6)
    rounded = compile(model, dtype="bfloat16").report(x, exact)
    assert all(one.error is not None and 0 < one.error < 0.02 for one in rounded)
    assert {one.dtype for one in rounded} == {"bfloat16"}
    assert all(one.error == 0.0 for one in exact.report(x, model))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"x": random(2, 3, 6)}, "x and against must be given both or neither"),
        ({"x": random(2, 3, 5), "against": None}, "x and against"),
        ({"x": random(0, 3, 6), "against": "same"}, "x must have rows, as many for each input"),
        ({"x": random(2, 3, 5), "against": "same"}, r"must have shape \(any, any, 6\)"),
        ({"x": random(2, 3, 6), "against": "other"}, "against must be the program of the same"),
    ],
)
def test_reports_of_something_else_are_refused(arguments: Any, sentence: str) -> None:
    model, other = model_of(layers.GRU(9)), model_of(layers.GRU(9), layers.Dense(2))
    chosen = {"same": model, "other": other}
    given = {key: chosen[v] if isinstance(v, str) else v for key, v in arguments.items()}
    with pytest.raises(ValueError, match=sentence):
        compile(model, dtype="int8").report(**given)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"dtype": "int4"}, r"dtype must be 'float32', 'bfloat16' or 'int8', not 'int4'"),
        ({"calibration": random(2, 3, 6)}, "calibration and exclude must be left out where dtype"),
        ({"exclude": ["a"]}, "calibration and exclude must be left out where dtype"),
        (
            {"dtype": "int8", "exclude": ["b", "z"]},
            "exclude must name layers of the program, not b, z",
        ),
        ({"dtype": "int8", "exclude": "a"}, "exclude must be names of layers, not 'a'"),
        ({"dtype": "int8", "calibration": random(2, 3, 5)}, "must have shape"),
        ({"dtype": "int8", "calibration": random(0, 3, 6)}, "calibration must have rows"),
        (
            {"dtype": "int8", "calibration": random(2, 3, 6) * np.nan},
            "calibration must give finite values, not what 'a' reads",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        compile(model_of(layers.GRU(9, name="a")), **arguments)


def test_layers_of_mixed_bfloat16_become_int8_where_they_can() -> None:
    model = model_of(
        layers.GRU(8, dtype="mixed_bfloat16", return_sequences=True),
        layers.Conv1D(4, 2, groups=2, dtype="mixed_bfloat16"),
        layers.Conv1D(6, 2, groups=2),
    )
    report = compile(shaken(model, 0), dtype="int8").report()
    assert [one.dtype for one in report] == ["int8", "bfloat16", "float32"]

"""The models of other programs as ours: whole, step by step, from a file, in C; each the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import inference, layers, models
from gatework.interop.torch import load_state_dict
from gatework.saving import load_model

from tests.data.test_keras_js import GATES, recurrent_case
from tests.data.test_rtneural import columns, layer_of
from tests.inference.test_c_export import CC, run_c

RTNEURAL = ["lstm", "lstm_1d", "gru", "gru_1d", "dense", "lstm_torch", "gru_torch"]
KERAS_H5 = [
    *(f"simple_lstm_tf_keras_{version}_model" for version in (1, 2)),
    "simple_rnn_tf_keras_2_model",
    *(f"{kind}_tensorflow_{version}" for kind in ("lstm", "embedding_lstm") for version in (1, 2)),
    *(f"bidirectional_lstm_tensorflow_{version}" for version in (1, 2)),
    "masking_zero_lstm",
    "masking_two_lstm",
]


def of_rtneural(folder: Path, name: str) -> tuple[Any, Any, Any]:
    """A model of one sequence at a time, its recorded input and output."""
    x, expected = columns(folder, name)
    description = json.loads((folder / f"{name}.json").read_text())
    if name.endswith("torch"):
        kind = {"lstm": layers.LSTM, "gru": layers.GRU}[name.split("_")[0]]
        inner = [*(kind(8, return_sequences=True) for _ in range(4)), layers.Dense(1)]
        model = models.Sequential([layers.Input((None, 1)), *inner])
        load_state_dict(model, description)
    else:
        entries = description["layers"]
        model = models.Sequential([layers.Input((None, 1)), *map(layer_of, entries)])
        model.set_weights([np.array(w, np.float32) for entry in entries for w in entry["weights"]])
    return model, x[None], expected


def check(model: Any, x: Any, tmp_path: Path) -> Any:
    """Everything gives what ``predict`` gives; the numbers that it gives."""
    wanted = model.predict(x, verbose=0, batch_size=len(x))
    program = inference.compile(model)
    np.testing.assert_array_equal(program(x), wanted)
    program.save(tmp_path / "model.gwp")
    again = inference.load(tmp_path / "model.gwp", verify=True)
    np.testing.assert_array_equal(again(x), wanted)
    for one in (program, again):
        session = one.session(len(x))
        steps = [session.step(np.ascontiguousarray(x[:, t])) for t in range(x.shape[1])]
        compare(np.stack(steps, axis=1), wanted)
        session.reset()
        half = x.shape[1] // 2
        blocks = [session.run(x[:, :half])] if half else []
        blocks.append(session.run(x[:, half:]))
        last = np.concatenate(blocks, axis=1) if wanted.ndim == 3 else blocks[-1]
        compare(last, wanted)
    return wanted


def check_c(model: Any, x: Any, tmp_path: Path) -> None:
    """C code gives what the program gives, for one sequence."""
    if CC is None:
        pytest.skip("no C compiler")
    program = inference.compile(model)
    ids = program.inputs[0].kind == "ids"
    row = x[0][:, None] if ids else x[0]
    wanted = program(x[:1])
    steps = run_c(program, row, wanted.shape[-1], tmp_path, ids)
    compare(steps[None], wanted)


def compare(steps: Any, wanted: Any) -> None:
    """All steps, or the last where the model gives only that."""
    found = steps[:, -1] if steps.ndim > wanted.ndim else steps
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", RTNEURAL)
def test_rtneural(saved_models: Path, tmp_path: Path, name: str) -> None:
    model, x, expected = of_rtneural(saved_models / "rtneural", name)
    found = check(model, x, tmp_path)
    np.testing.assert_allclose(found.reshape(-1), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["lstm_1d", "gru_1d", "lstm_torch", "gru_torch", "dense"])
def test_rtneural_in_c(saved_models: Path, tmp_path: Path, name: str) -> None:
    model, x, _ = of_rtneural(saved_models / "rtneural", name)
    check_c(model, x, tmp_path)


def inputs_of(model: Any) -> Any:
    """Three sequences that fit: ids in their table, or floats with a masked end."""
    rng = np.random.default_rng(0)
    length = model.input_shape[1] or 10
    first = model.layers[0]
    if isinstance(first, layers.Embedding):
        return rng.integers(0, first.input_dim, (3, length))
    x = rng.normal(size=(3, length, model.input_shape[-1])).astype("float32")
    if isinstance(first, layers.Masking):
        x[1, length // 2 :] = first.mask_value
    return x


@pytest.mark.filterwarnings("ignore:the optimizer starts anew:UserWarning")
@pytest.mark.parametrize("name", KERAS_H5)
def test_keras_files(saved_models: Path, tmp_path: Path, name: str) -> None:
    model = load_model(saved_models / "keras_h5" / f"{name}.h5")
    x = inputs_of(model)
    if name.startswith("bidirectional"):
        program = inference.compile(model)
        np.testing.assert_array_equal(program(x), model.predict(x, verbose=0))
        for refused in (program.session, lambda: inference.export_c(program, tmp_path / "m.c")):
            with pytest.raises(ValueError, match="'bidirectional_1'"):
                refused()
        return
    check(model, x, tmp_path)


@pytest.mark.filterwarnings("ignore:the optimizer starts anew:UserWarning")
@pytest.mark.parametrize(
    "name",
    ["simple_lstm_tf_keras_1_model", "embedding_lstm_tensorflow_2", "masking_two_lstm"],
)
def test_keras_files_in_c(saved_models: Path, tmp_path: Path, name: str) -> None:
    model = load_model(saved_models / "keras_h5" / f"{name}.h5", compile=False)
    check_c(model, inputs_of(model)[1:], tmp_path)


@pytest.mark.parametrize("class_name", list(GATES))
@pytest.mark.parametrize("number", range(9))
def test_keras_js(saved_models: Path, tmp_path: Path, class_name: str, number: int) -> None:
    flags, weights, x, expected = recurrent_case(saved_models, class_name, number)
    # A program keeps no states from call to call, which is what a session is for.
    calls = 2 if flags.pop("stateful", False) else 1
    layer = getattr(layers, class_name)(weights[1].shape[0], **flags)
    model = models.Sequential([layers.Input((None, x.shape[-1])), layer])
    model.set_weights(weights)
    program = inference.compile(model)
    if flags.get("go_backwards"):
        with pytest.raises(ValueError, match="backward"):
            program.session()
        if calls == 1:
            np.testing.assert_allclose(program(x)[0], expected, atol=5e-6)
        return
    if calls == 1:
        np.testing.assert_allclose(check(model, x, tmp_path)[0], expected, atol=5e-6)
    session = program.session()
    for _ in range(calls):
        y = session.run(x)
    np.testing.assert_allclose(y[0], expected, atol=5e-6)

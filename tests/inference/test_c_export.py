"""C code gives the numbers of the program, step by step, and compiles without a warning."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.inference import compile, export_c
from gatework.inference.c_export.activations import ACTIVATIONS
from gatework.ops.dense import FUSED_ACTIVATIONS
from gatework.tree import flatten

from tests.inference.models import shaken

CC = shutil.which("cc")
pytestmark = pytest.mark.skipif(CC is None, reason="no C compiler")

# Reads rows of floats, and writes what the step makes of each; an id comes as a float.
MAIN = """
#include "model.h"
#include <stdio.h>
int main(void) {
    static model_state state;
    static float x[%(inputs)d], y[%(outputs)d];
    model_reset(&state);
    while (fread(x, sizeof x, 1, stdin) == 1) {
        %(ids)s
        if (model_step(&state, %(given)s, y) != 0) return 3;
        fwrite(y, sizeof y, 1, stdout);
    }
    return 0;
}
"""


def run_c(program: Any, x: Any, outputs: int, folder: Path, ids: bool = False) -> Any:
    """What the C code makes of the steps x (time, features)."""
    export_c(program, folder / "model.c")
    text = MAIN % {
        "inputs": x.shape[1],
        "outputs": outputs,
        "ids": "int32_t id[1]; id[0] = (int32_t)x[0];" if ids else "",
        "given": "id" if ids else "x",
    }
    (folder / "main.c").write_text(text)
    strict = [
        "-std=c99",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-fsanitize=address,undefined",
    ]
    command = [CC, *strict, "main.c", "model.c", "-lm", "-o", "run"]
    subprocess.run(command, cwd=folder, check=True)
    found = subprocess.run(
        [folder / "run"], input=x.astype("float32").tobytes(), capture_output=True, check=True
    )
    return np.frombuffer(found.stdout, np.float32).reshape(len(x), outputs)


MODELS: dict[str, Any] = {
    "lstm": lambda: [layers.LSTM(9, return_sequences=True), layers.LSTM(5, zoneout=0.2)],
    "lstm options": lambda: [
        layers.LSTM(8, peepholes=True, cell_clip=0.5, activation_clip=0.7, cell_zoneout=0.1)
    ],
    "projection": lambda: [layers.LSTM(8, projection=3, use_bias=False), layers.Dense(4, "gelu")],
    "gru": lambda: [layers.GRU(7, num_layers=2, activation="softsign"), layers.Dense(3, "softmax")],
    "gru before": lambda: [layers.GRU(7, reset_after=False, zoneout=0.3)],
    "simple": lambda: [layers.SimpleRNN(6, activation="relu", activation_clip=1.0)],
    "convolutions": lambda: [
        layers.Conv1D(6, 3, padding="causal", activation="relu"),
        layers.Conv1D(4, 2, padding="causal", dilation_rate=3, groups=2),
        layers.DepthwiseConv1D(1),
        layers.SeparableConv1D(5, 1),
        layers.LSTM(3),
    ],
    "norms": lambda: [
        layers.Masking(),
        layers.LayerNormalization(),
        layers.GRU(5, return_sequences=True, zero_output_for_mask=True),
        layers.BatchNormalization(),
        layers.RMSNormalization(),
        layers.LeakyReLU(),
    ],
}


@pytest.mark.parametrize("name", MODELS)
def test_models_of_floats(name: str, tmp_path: Path) -> None:
    model = shaken(gatework.Sequential([layers.Input((None, 4)), *MODELS[name]()]), 8)
    program = compile(model)
    x = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
    x[[0, 5, 6]] = 0.0
    session = program.session()
    wanted = np.concatenate([session.step(row[None]) for row in x])
    found = run_c(program, x, wanted.shape[1], tmp_path)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_models_of_int8(name: str, tmp_path: Path) -> None:
    """Rounded up here and down there, a value differs by a step of 127: rarely, and by little."""
    model = shaken(gatework.Sequential([layers.Input((None, 4)), *MODELS[name]()]), 8)
    program = compile(model, dtype="int8")
    x = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
    x[[0, 5, 6]] = 0.0
    x[9, 1] = 1e-38
    session = program.session()
    wanted = np.concatenate([session.step(row[None]) for row in x])
    found = run_c(program, x, wanted.shape[1], tmp_path)
    assert "int8_t" in (tmp_path / "model.c").read_text()
    scale = float(np.abs(wanted).max())
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0.02 * scale)
    assert np.median(np.abs(found - wanted)) <= 1e-4 * scale


def test_int8_of_inputs_that_are_the_same_is_the_same(tmp_path: Path) -> None:
    """Without an activation before them, products have the very numbers of the program."""
    inner = layers.Conv1D(9, 3, padding="causal")
    model = shaken(gatework.Sequential([layers.Input((None, 5)), inner]), 1)
    program = compile(model, dtype="int8")
    x = np.random.default_rng(0).normal(size=(30, 5)).astype("float32")
    x[20, 2] = np.nan
    found = run_c(program, x, 9, tmp_path)
    np.testing.assert_allclose(found, program(x[None])[0], rtol=2e-6, atol=1e-6)
    assert np.isnan(found[20:23]).all()
    assert np.isfinite(found[:20]).all()


def test_tables_of_int8(tmp_path: Path) -> None:
    inner = [layers.Embedding(9, 4, mask_zero=True), layers.GRU(5), layers.Dense(9)]
    model = shaken(gatework.Sequential([layers.Input((None,)), *inner]), 2)
    program = compile(model, dtype="int8")
    ids = np.array([0, 3, 8, 0, 1])
    session = program.session()
    wanted = np.concatenate([session.step(ids[t : t + 1]) for t in range(5)])
    found = run_c(program, ids[:, None], 9, tmp_path, ids=True)
    np.testing.assert_allclose(found, wanted, atol=0.02)


def test_every_activation(tmp_path: Path) -> None:
    assert set(ACTIVATIONS) == set(FUSED_ACTIVATIONS)
    x = layers.Input((None, 1))
    names = sorted(ACTIVATIONS)
    outputs = layers.Concatenate()([layers.Activation(name)(x) for name in names])
    program = compile(gatework.Model(x, outputs))
    steps = np.array([-9, -4, -3, -2.5, -1, -0.5, -0.1, 0, 0.1, 0.5, 1, 2.5, 3, 7], "float32")
    found = run_c(program, steps[:, None], len(names), tmp_path)
    wanted = program(steps[None, :, None])[0]
    np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-6)


def test_ids(tmp_path: Path) -> None:
    inner = [layers.Embedding(9, 4, mask_zero=True), layers.GRU(5), layers.Dense(9, "softmax")]
    program = compile(shaken(gatework.Sequential([layers.Input((None,)), *inner]), 2))
    ids = np.array([0, 3, 8, 0, 1])
    session = program.session()
    wanted = np.concatenate([session.step(ids[t : t + 1]) for t in range(5)])
    found = run_c(program, ids[:, None], 9, tmp_path, ids=True)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    with pytest.raises(subprocess.CalledProcessError) as error:
        run_c(program, np.array([[1], [9]]), 9, tmp_path, ids=True)
    assert error.value.returncode == 3


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    a, b = layers.Input((None, 3)), layers.Input((3,))
    joined = layers.Multiply()([layers.Dense(3)(a), b])
    model = gatework.Model([a, b], [layers.LSTM(4)(joined), layers.Add()([b, b])])
    program = compile(shaken(model, 1))
    export_c(program, tmp_path / "two.c", name="two")
    declared = (tmp_path / "two.h").read_text()
    assert (
        "int two_step(two_state *s, const float x0[3], const float x1[3], float y0[4], float y1[3])"
        in declared
    )
    subprocess.run([CC, "-std=c99", "-Werror", "-c", "two.c"], cwd=tmp_path, check=True)
    assert len(flatten(program.session().step([np.ones((1, 3))] * 2))) == 2


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (lambda: layers.GlobalMaxPooling1D(name="g"), "'g' pools over all steps"),
        (lambda: layers.Dense(2, dtype="mixed_bfloat16", name="d"), "'d' rounds to bfloat16"),
    ],
)
def test_what_has_no_c_code_is_refused(layer: Any, why: str, tmp_path: Path) -> None:
    program = compile(gatework.Sequential([layers.Input((None, 3)), layer()]))
    with pytest.raises(ValueError, match=why):
        export_c(program, tmp_path / "m.c")
    assert not list(tmp_path.iterdir())


def test_bad_names_are_refused(tmp_path: Path) -> None:
    program = compile(gatework.Sequential([layers.Input((None, 3)), layers.Dense(2)]))
    with pytest.raises(ValueError, match=r"filepath must end in '\.c', not"):
        export_c(program, tmp_path / "m.h")
    with pytest.raises(ValueError, match="name must be a name in C, not 'a b'"):
        export_c(program, tmp_path / "m.c", name="a b")

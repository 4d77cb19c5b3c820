"""`gatework convert`: every form into every other, and what it says when it cannot."""

from __future__ import annotations

from pathlib import Path

import gatework
import numpy as np
import pytest
from gatework import inference, layers
from gatework.cli import main
from gatework.cli.convert_command import READERS
from gatework.saving import load_model

from tests.saving.hostile import small_model

FORMS = (".keras", ".h5", ".safetensors", ".onnx")
IDS = np.array([[1, 2, 3, 4, 5]])


def need(*endings: str) -> None:
    for ending in endings:
        if ending in (".onnx", ".safetensors"):
            pytest.importorskip(ending[1:], reason="an extra, which is not installed")


@pytest.mark.parametrize("source", FORMS)
@pytest.mark.parametrize("target", FORMS)
def test_the_model_stays_the_same(tmp_path: Path, source: str, target: str) -> None:
    need(source, target)
    model = small_model()
    model.save(tmp_path / "first.keras")
    first, second = str(tmp_path / f"a{source}"), str(tmp_path / f"b{target}")
    assert main(["convert", str(tmp_path / "first.keras"), first]) == 0
    assert main(["convert", first, second]) == 0
    again = READERS[target](second)
    expected = model.predict(IDS, verbose=0)
    np.testing.assert_allclose(again.predict(IDS, verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_the_optimizer_comes_along(tmp_path: Path) -> None:
    model = small_model()
    model.train_on_batch(IDS, np.array([1]))
    model.save(tmp_path / "a.keras")
    assert main(["convert", str(tmp_path / "a.keras"), str(tmp_path / "b.h5")]) == 0
    assert int(load_model(tmp_path / "b.h5").optimizer.iterations) == 1


def test_weights_alone(tmp_path: Path) -> None:
    model = small_model()
    model.save(tmp_path / "a.keras")
    target = tmp_path / "b.weights.h5"
    assert main(["convert", str(tmp_path / "a.keras"), str(target)]) == 0
    other = small_model()
    other.load_weights(target)
    np.testing.assert_array_equal(other.predict(IDS, verbose=0), model.predict(IDS, verbose=0))


def test_a_program(tmp_path: Path) -> None:
    model = small_model()
    model.save(tmp_path / "a.keras")
    assert main(["convert", str(tmp_path / "a.keras"), str(tmp_path / "b.gwp")]) == 0
    program = inference.load(tmp_path / "b.gwp", verify=True)
    np.testing.assert_array_equal(program(IDS), model.predict(IDS, verbose=0))


@pytest.mark.parametrize("source", [*FORMS, ".gwp"])
def test_a_program_and_c_of_every_form(tmp_path: Path, source: str) -> None:
    need(source)
    model = small_model()
    model.save(tmp_path / "first.keras")
    given = str(tmp_path / f"a{source}")
    main(["convert", str(tmp_path / "first.keras"), given])
    program, code = tmp_path / "b.gwp", tmp_path / "b.c"
    assert main(["convert", given, str(program)]) == 0
    assert main(["convert", given, str(code)]) == 0
    expected = model.predict(IDS, verbose=0)
    found = inference.load(program, verify=True)(IDS)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert "model_step(" in code.with_suffix(".h").read_text()
    # From a file of a program comes the code that comes from the program.
    assert main(["convert", str(program), str(tmp_path / "c.c")]) == 0
    assert (tmp_path / "c.c").read_text().splitlines()[3:] == code.read_text().splitlines()[3:]


@pytest.mark.parametrize("target", [*FORMS, ".weights.h5"])
def test_a_program_has_no_layers_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    inference.compile(small_model()).save(tmp_path / "a.gwp")
    assert main(["convert", str(tmp_path / "a.gwp"), str(tmp_path / f"b{target}")]) == 2
    error = capsys.readouterr().err
    assert "OUT must end in .gwp or .c where IN is a program, not " in error
    assert not (tmp_path / f"b{target}").exists()


def test_code_of_a_program_that_cannot_stream(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = gatework.Sequential(
        [layers.Input((None, 2)), layers.Bidirectional(layers.GRU(3), name="both")]
    )
    inference.compile(model).save(tmp_path / "a.gwp")
    assert main(["convert", str(tmp_path / "a.gwp"), str(tmp_path / "b.c")]) == 2
    assert "both" in capsys.readouterr().err
    (tmp_path / "a.gwp").write_bytes(b"short")
    assert main(["convert", str(tmp_path / "a.gwp"), str(tmp_path / "b.c")]) == 2
    assert "must be a whole program file" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", ["bfloat16", "int8"])
def test_a_program_of_another_type(tmp_path: Path, dtype: str) -> None:
    model = small_model()
    model.save(tmp_path / "a.keras")
    target = tmp_path / "b.gwp"
    assert main(["convert", str(tmp_path / "a.keras"), str(target), "--dtype", dtype]) == 0
    program = inference.load(target, verify=True)
    assert dtype in {one.dtype for one in program.report()}
    np.testing.assert_array_equal(program(IDS), inference.compile(model, dtype)(IDS))


def test_other_forms_have_no_type(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_model().save(tmp_path / "a.keras")
    given = ["convert", str(tmp_path / "a.keras"), str(tmp_path / "b.h5"), "--dtype", "int8"]
    assert main(given) == 2
    inference.compile(small_model()).save(tmp_path / "a.gwp")
    given = ["convert", str(tmp_path / "a.gwp"), str(tmp_path / "b.c"), "--dtype", "int8"]
    assert main(given) == 2
    assert (
        "--dtype is for a program, .gwp or .c, that is made of a model" in capsys.readouterr().err
    )


def test_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_model().save(tmp_path / "a.keras")
    main(["convert", str(tmp_path / "a.keras"), str(tmp_path / "b.h5")])
    assert "b.h5: small, 144 weights, " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("a.tflite", "b.keras", "IN must end in one of .keras"),
        ("a.keras", "b.pb", "OUT must end in one of .keras"),
        ("none.keras", "b.h5", "none.keras"),
        ("a.keras", "a.keras", "--overwrite"),
        ("bad.h5", "b.keras", "bad.h5"),
    ],
)
def test_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, target: str, sentence: str
) -> None:
    small_model().save(tmp_path / "a.keras")
    (tmp_path / "bad.h5").write_bytes(b"nothing")
    before = sorted(tmp_path.iterdir())
    assert main(["convert", str(tmp_path / source), str(tmp_path / target)]) == 2
    assert sentence in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before

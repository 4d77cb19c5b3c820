"""The wheel alone, in an environment without a compiler, trains, saves and loads a model."""

import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LARGEST_WHEEL = 5 * 10**6  # bytes

TRAINING = """
import sys
from pathlib import Path

import numpy as np
import gatework
from gatework.layers import LSTM, Dense, Embedding
from gatework.models import Sequential, load_model

assert Path(gatework.__file__).is_relative_to(sys.prefix), gatework.__file__
gatework.utils.set_random_seed(1)
ids = np.random.default_rng(0).integers(1, 20, size=(64, 6))
labels = (ids[:, 0] > 10).astype("float32")
model = Sequential([Embedding(20, 8), LSTM(16), Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
losses = model.fit(ids, labels, epochs=10, batch_size=16, verbose=0).history["loss"]
assert losses[-1] < losses[0], losses
path = Path(sys.argv[1]) / "model.keras"
model.save(path)
np.testing.assert_array_equal(
    load_model(path).predict(ids, verbose=0), model.predict(ids, verbose=0)
)
print("trained on", gatework.runtime.isa(), gatework.build_config()["isa_levels"])
"""


@pytest.fixture(scope="module")
def wheel() -> Path:
    """The wheel named by GATEWORK_WHEEL, or the newest that ``make wheel`` left."""
    named = os.environ.get("GATEWORK_WHEEL")
    if named:
        return Path(named)
    built = sorted((ROOT / "dist").glob("gatework-*.whl"), key=lambda path: path.stat().st_mtime)
    if not built:
        pytest.skip("no wheel: `make wheel` builds one")
    return built[-1]


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """An environment with nothing but the wheel and what it requires, and its variables."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    programs = folder / "bin"
    hidden = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_PRELOAD", "CC", "CXX"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PATH"] = str(programs)
    for compiler in ("cc", "c++", "gcc", "g++", "clang", "cmake", "ninja"):
        assert shutil.which(compiler, path=environment["PATH"]) is None
    pip = [sys.executable, "-m", "pip", "--python", programs / "python"]
    install = [*pip, "install", "--only-binary=:all:", wheel]
    done = subprocess.run(install, env=environment, capture_output=True, text=True, check=False)
    if done.returncode and "No matching distribution" in done.stderr and "CI" not in os.environ:
        pytest.skip("no package index to install NumPy from")
    assert done.returncode == 0, done.stderr
    return programs, environment


def test_it_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= LARGEST_WHEEL


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}
    version = wheel.name.split("-")[1]
    assert top <= {"gatework", "gatework.libs", f"gatework-{version}.dist-info"}
    assert {"gatework/py.typed", "gatework/_core.pyi"} <= set(names)
    assert len([name for name in names if re.fullmatch(r"gatework/_core\..*\.so", name)]) == 1
    assert any(name.endswith("/LICENSE") for name in names)
    assert not [name for name in names if "__pycache__" in name]


def test_it_is_repaired(wheel: Path) -> None:
    # Only then does it run on systems other than the one it was built on.
    assert "manylinux" in wheel.name


@pytest.mark.slow
def test_it_trains_saves_and_loads(bare: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    programs, environment = bare
    done = subprocess.run(
        [programs / "python", "-W", "error", "-c", TRAINING, tmp_path],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "baseline" in done.stdout
    if platform.machine() == "x86_64":
        assert "avx512_bf16" in done.stdout


@pytest.mark.slow
def test_its_command_runs(bare: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    programs, environment = bare
    command = [programs / "gatework", "info"]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "instruction set" in done.stdout

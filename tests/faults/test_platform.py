"""Faults 82 to 85: what is built, and outputs that go away."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gatework import _core

from tests.faults.programs import code, run
from tests.kernels.cells import CELLS
from tests.kernels.problems import forward_arguments, random_problem

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("cell", CELLS)
def test_82_every_level_gives_the_same(cell: str) -> None:
    problem = random_problem(cell, np.random.default_rng(82), 9, 11, 7, 37, mask="holes")
    before = _core.isa()
    found = []
    for level in _core.isa_available():
        _core.set_isa(level)
        found.append(_core.recurrent_forward(**forward_arguments(problem), keep=False)[0])
    _core.set_isa(before)
    for y in found[1:]:
        np.testing.assert_allclose(y, found[0], atol=1e-6)


@pytest.mark.parametrize("level", [*_core.isa_available(), "mmx"])
def test_82_levels_by_the_environment(level: str) -> None:
    """A level that the machine lacks is refused by name when the package is imported."""
    done = subprocess.run(
        [sys.executable, "-c", "from gatework import _core; print(_core.isa())"],
        env={**os.environ, "GATEWORK_ISA": level},
        capture_output=True,
        text=True,
        check=False,
    )
    if level == "mmx":
        assert done.returncode == 1
        assert "GATEWORK_ISA" in done.stderr
        assert "mmx" in done.stderr
    else:
        assert done.stdout == f"{level}\n"


def test_82_nothing_is_built_for_the_machine_that_builds() -> None:
    """Nor with mathematics that forgets NaN, or changes the processor's mode when it is loaded."""
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    flags = re.sub(r"#.*", "", text)
    assert not re.search(r"march=native|mtune=native|-ffast-math|-Ofast|-ffinite-math", flags)


def test_84_the_sanitizers_are_commands() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("sanitize", "tsan", "valgrind"):
        assert re.search(rf"^{target}:", text, re.M)
    assert "-D_GLIBCXX_ASSERTIONS" in (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["tsan.supp", "memcheck.supp"])
def test_84_nothing_of_ours_is_suppressed(name: str) -> None:
    text = (ROOT / "tests" / "sanitizers" / name).read_text(encoding="utf-8")
    rules = re.sub(r"#.*", "", text)
    assert not re.search(r"gw::|_core|gatework|isa_|kernel", rules)


CLOSED = """
    model, (x, y) = small_model(), some_data(200)
    history = model.fit(x, y, epochs=3, batch_size=2, verbose=int(sys.argv[1]))
    model.evaluate(x, y)
    model.predict(x)
    open(sys.argv[2], "w").write(str(len(history.epoch)))
    os._exit(0)  # Python itself complains of a closed output when it flushes at the end
"""


@pytest.mark.skipif(sys.platform != "linux", reason="closes descriptors in a shell")
@pytest.mark.parametrize(
    ("how", "verbose"),
    [("| head -c 100 >/dev/null", 1), (">&-", 2), (">/dev/full", 1), ("</dev/null >&- 2>&-", 2)],
)
def test_85_an_output_that_goes_away(how: str, verbose: int, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(code(CLOSED))
    command = f'"$0" program.py {verbose} epochs {how}'
    subprocess.run(
        ["sh", "-c", command, sys.executable], cwd=tmp_path, check=True, timeout=120,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert (tmp_path / "epochs").read_text() == "3"


def test_85_a_great_many_lines(tmp_path: Path) -> None:
    """A file gets one line an epoch, however many batches there are."""
    out = run(
        """
        model, (x, y) = small_model(), some_data(1000)
        model.fit(x, y, epochs=1, batch_size=1, verbose=1)
        """
    )
    assert len(out) < 4000

"""A few cases of `make soak`, and that it notices and shows a difference."""

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import _core
from hypothesis import given, settings

from tests.soak import cases as soak
from tests.soak.cases import Case, cases, run_case, script_of

KERNEL = {
    "cell": "gru", "seed": 1, "batch": 2, "time": 3, "inputs": 2, "units": 3, "mask": "post",
    "activation": "tanh", "recurrent_activation": "sigmoid", "activation_clip": None,
    "cell_clip": None, "dropout": False, "recurrent_dropout": False, "bias": True,
    "initial_state": True, "go_backwards": False, "zero_output_for_mask": False,
    "return_sequences": True, "projection": False,
}  # fmt: skip


@settings(max_examples=25)
@given(case=cases().filter(lambda case: case.kind != "keras"))
def test_some_cases(case: Case) -> None:
    run_case(case)


def test_a_difference_is_noticed_and_its_script_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = Case("kernel", _core.isa(), 1, KERNEL)
    path = tmp_path / "failure.py"
    path.write_text(script_of(case))
    runpy.run_path(str(path))
    assert capsys.readouterr().out == "no difference\n"

    def wrong(problem: Any) -> Any:
        solution = solve(problem)
        return solution._replace(y=solution.y * np.float32(1.001))

    solve = soak.solve_by_kernel
    monkeypatch.setattr(soak, "solve_by_kernel", wrong)
    with pytest.raises(AssertionError, match="y: "):
        runpy.run_path(str(path))

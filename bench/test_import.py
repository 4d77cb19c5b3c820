"""What `import gatework` costs: a fresh process with it beside one with NumPy alone."""

import subprocess
import sys

import pytest

from bench.conftest import Measure

STATEMENTS = {
    "python": "pass",
    "import numpy": "import numpy",
    "import gatework": "import gatework",
    "the tutorial's imports": (
        "from gatework.models import Sequential; from gatework.layers import LSTM, Dense; "
        "from gatework.preprocessing.sequence import pad_sequences"
    ),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_import(name: str, measure: Measure) -> None:
    command = [sys.executable, "-c", STATEMENTS[name]]
    done = measure("import", name, lambda: subprocess.run(command, check=True))
    assert done.returncode == 0

"""Importing gatework is cheap and leaves the process as it was."""

import json
import subprocess
import sys

import pytest

# Far dearer than gatework itself; loaded by the functions that need them.
HEAVY = {
    "asyncio",
    "concurrent",
    "email",
    "h5py",
    "html",
    "http",
    "jax",
    "keras",
    "logging",
    "matplotlib",
    "multiprocessing",
    "pandas",
    "pydoc",
    "scipy",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tensorflow",
    "tkinter",
    "torch",
    "tqdm",
    "unittest",
    "urllib",
    "xml",
    "zipfile",
}

TUTORIAL = """
from gatework.models import Sequential
from gatework.layers import LSTM, Dense, Embedding, SpatialDropout1D
from gatework.preprocessing.sequence import pad_sequences
"""


def run(program: str) -> str:
    """What a program prints in a fresh process that turns warnings into errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("statements", ["import gatework", TUTORIAL], ids=["package", "tutorial"])
def test_import_loads_nothing_heavy_beyond_numpy(statements: str) -> None:
    program = f"""
import json, sys
import numpy
before = set(sys.modules)
{statements}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    loaded = {name.split(".")[0] for name in json.loads(run(program))}
    assert not loaded & HEAVY


def test_import_of_the_package_loads_no_layers() -> None:
    program = "import sys, gatework; print([m for m in sys.modules if m.startswith('gatework.')])"
    assert "gatework.layers" not in run(program)
    assert "gatework.models" not in run(program)


def test_import_prints_nothing_and_starts_no_thread() -> None:
    program = """
import os
import numpy
before = len(os.listdir("/proc/self/task"))
import gatework
assert len(os.listdir("/proc/self/task")) == before
"""
    assert run(program) == ""


def test_import_leaves_the_environment_alone() -> None:
    run("import os; before = dict(os.environ); import gatework; assert os.environ == before")


def test_import_and_kernels_leave_the_floating_point_mode_alone() -> None:
    # glibc's fenv_t on x86-64 ends with MXCSR; its lowest six bits only record what happened. On
    # other processors the whole environment is compared after clearing the record.
    program = """
import ctypes, platform
import numpy as np

libm = ctypes.CDLL("libm.so.6")

def mode():
    libm.feclearexcept(0x3f)
    environment = ctypes.create_string_buffer(64)
    libm.fegetenv(environment)
    if platform.machine() == "x86_64":
        return int.from_bytes(environment.raw[28:32], "little") & ~0x3f
    return environment.raw

before = mode()
import gatework
from gatework import _core
assert mode() == before
square = np.ones((64, 64), np.float32)
for isa in _core.isa_available():
    _core.set_isa(isa)
    _core.gemm(square, square)
    assert mode() == before
tiny = np.float32(1e-38)
assert tiny * np.float32(0.01) > 0, "denormal numbers are flushed"
"""
    run(program)

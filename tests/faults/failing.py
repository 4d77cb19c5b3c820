"""The preloaded library that lets a process run out of memory or disk (see failing.cpp)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("failing.cpp")

# The handles of a program run with the library preloaded.
HANDLES = """
import ctypes
library = ctypes.CDLL(None)
library.fail_memory_after.argtypes = [ctypes.c_long]
library.fail_writes_after.argtypes = [ctypes.c_long, ctypes.c_int]
"""


def build(folder: Path) -> str:
    """Compiles the library; the path to preload. Skips the test where that cannot be done."""
    compiler = shutil.which("g++") or shutil.which("c++")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("needs Linux and a C++ compiler for the library that fails")
    target = folder / "failing.so"
    subprocess.run(
        [compiler, "-std=c++17", "-O1", "-fPIC", "-shared", "-o", target, SOURCE, "-ldl"],
        check=True,
    )
    return str(target)

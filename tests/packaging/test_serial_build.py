"""Without OpenMP gatework builds, says so, and computes on one thread."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CHECK = """
import importlib.util, sys
import numpy as np

spec = importlib.util.spec_from_file_location("_core", sys.argv[1])
core = importlib.util.module_from_spec(spec)
spec.loader.exec_module(core)
config = core.build_config()
assert config["openmp"] is False and config["openmp_version"] is None, config
assert config["isa_levels"] == ("baseline",), config
core.set_num_threads(2)
assert core.num_threads() == 1
a = np.random.default_rng(0).normal(size=(70, 50)).astype("float32")
np.testing.assert_allclose(core.gemm(a, a, trans_b=True), a @ a.T, rtol=1e-4, atol=1e-4)
"""


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("c++") is None
    or importlib.util.find_spec("cmake") is None
    or importlib.util.find_spec("pybind11") is None,
    reason="no compiler, CMake or pybind11",
)
def test_build_without_openmp(tmp_path: Path) -> None:
    import pybind11

    cmake = [sys.executable, "-m", "cmake"]
    # One instruction set and no optimisation: what is tested is that it compiles and runs.
    settings = {
        "CMAKE_BUILD_TYPE": "Debug",
        "CMAKE_UNITY_BUILD": "ON",
        "GATEWORK_ISA_LEVELS": "baseline",
        "GATEWORK_OPENMP": "OFF",
        "Python_EXECUTABLE": sys.executable,
        "pybind11_DIR": pybind11.get_cmake_dir(),
    }
    defines = [f"-D{name}={value}" for name, value in settings.items()]
    configure = [*cmake, "-S", ROOT, "-B", tmp_path, *defines]
    for command in (configure, [*cmake, "--build", tmp_path, "--parallel", "2"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    (extension,) = tmp_path.glob("_core*.so")
    check = [sys.executable, "-c", CHECK, extension]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

"""The directions in which the parts of gatework may know each other, read from the sources."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "gatework"
NATIVE = ROOT / "csrc"
LONGEST_FILE = 450

# Part of the package -> parts it must not import, directly. Imports inside functions count: they
# delay a dependency, they do not remove it.
FORBIDDEN = {
    "autograd": {"_core", "layers", "models"},
    "ops": {"layers", "models", "losses", "metrics", "optimizers"},
    "layers": {"_core", "models", "losses", "metrics", "optimizers", "callbacks"},
    "models": {"_core"},
    "losses": {"_core", "layers", "models"},
    "metrics": {"_core", "layers", "models"},
    "optimizers": {"layers", "models"},
    "callbacks": {"_core", "layers"},
    "samplers": {"_core", "layers", "models", "ops", "autograd"},
    "initializers": {"_core", "layers", "models"},
    "regularizers": {"_core", "layers", "models"},
    "constraints": {"_core", "layers", "models"},
    "activations": {"_core", "layers", "models"},
    "random": {"_core", "layers", "models"},
    "tree": {"_core", "layers", "models"},
}


def python_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def imported(path: Path) -> Iterator[str]:
    """Absolute names of the modules a file imports, except for type checking only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    here = path.relative_to(PACKAGE.parent).with_suffix("").parts
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level] if node.level else ()
            module = ".".join((*base, node.module) if node.module else base)
            # `from . import name` may name a module.
            yield from (f"{module}.{alias.name}" for alias in node.names)


def part(module: str) -> str | None:
    """ "layers" of "gatework.layers.core"; None of another package's module."""
    names = module.split(".")
    return names[1] if names[0] == "gatework" and len(names) > 1 else None


def includes(path: Path) -> list[tuple[str, str]]:
    """Pairs of the bracket and the name of every #include."""
    return re.findall(r'^\s*#\s*include\s*(["<])([^">]+)', path.read_text(encoding="utf-8"), re.M)


def native_files(*folders: str) -> list[Path]:
    found = (path for folder in folders for path in (NATIVE / folder).rglob("*"))
    return sorted(path for path in found if path.suffix in {".cpp", ".h", ".def"})


@pytest.mark.parametrize("name", FORBIDDEN)
def test_parts_import_downwards_only(name: str) -> None:
    folder = PACKAGE / name
    files = python_files(folder) if folder.is_dir() else [PACKAGE / f"{name}.py"]
    assert files
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in files
        for module in imported(path)
        if part(module) in FORBIDDEN[name]
    ]
    assert not wrong


def test_only_gatework_and_the_standard_library_below_numpy() -> None:
    extras = {"h5py", "tqdm", "matplotlib", "sklearn", "tensorboard", "pydot"}
    allowed = {"gatework", "numpy"} | extras | sys.stdlib_module_names
    allowed |= {"_xxsubinterpreters"}  # Python 3.11's own, under this name in no list
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in python_files(PACKAGE)
        for module in imported(path)
        if module.split(".")[0] not in allowed
    ]
    assert not wrong


def test_reference_stands_on_numpy_alone() -> None:
    allowed = {"numpy"} | (sys.stdlib_module_names - {"ctypes"})
    wrong = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in python_files(PACKAGE / "reference")
        for module in imported(path)
        if part(module) != "reference" and module.split(".")[0] not in allowed
    ]
    assert not wrong


def test_kernels_know_contracts_and_threads_only() -> None:
    ours = re.compile(r"(api|kernels|emulation)/.+|runtime/(parallel|memory|tiles)\.h")
    # No library code: a template instantiated here would be compiled with wide instructions and
    # might be the copy the linker keeps for everyone.
    system = {"cstddef", "cstdint", "immintrin.h", "arm_neon.h"}
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in native_files("kernels", "api")
        for bracket, name in includes(path)
        if not (ours.fullmatch(name) if bracket == '"' else name in system)
    ]
    assert not wrong


def test_contracts_know_nothing_of_kernels() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in native_files("api")
        for bracket, name in includes(path)
        if bracket == '"' and not name.startswith("api/")
    ]
    assert not wrong


def test_only_bindings_know_python() -> None:
    bindings = {*native_files("bindings"), NATIVE / "module.cpp"}
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in native_files(".")
        if path not in bindings
        for _, name in includes(path)
        if name.startswith(("pybind11", "bindings/", "numpy/")) or name == "Python.h"
    ]
    assert not wrong


def test_only_simd_and_the_runtime_ask_for_the_processor() -> None:
    # Which instructions there are is asked at compile time in one file, at run time in runtime/.
    asks = re.compile(r"^\s*#\s*(?:el)?if.*__(?:AVX|SSE|FMA|F16C|ARM|aarch64|x86_64)", re.M)
    wrong = [
        str(path.relative_to(ROOT))
        for path in native_files("kernels", "api")
        if path.name != "simd.h" and asks.search(path.read_text(encoding="utf-8"))
    ]
    assert not wrong


def test_files_stay_readable() -> None:
    files = [*native_files("."), *python_files(PACKAGE)]
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    wrong = [f"{path.relative_to(ROOT)}: {n}" for path, n in lines.items() if n > LONGEST_FILE]
    assert not wrong

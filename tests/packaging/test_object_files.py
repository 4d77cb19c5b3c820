"""What the compiler made of the kernels: no wide instruction may be met before the processor was
asked, nor reach code that every processor runs."""

import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# A pointer to the handler of exceptions, the same in every object: data.
PERSONALITY = "DW.ref.__gxx_personality_v0"

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("nm", "objdump")), reason="no binutils"
)


def objects(pattern: str) -> list[Path]:
    """Object files of the release builds of this tree; sanitizers add symbols of their own."""
    return sorted(
        path
        for path in (ROOT / "build").glob(f"*/CMakeFiles/{pattern}")
        if path.relative_to(ROOT / "build").parts[0].startswith("cp")
    )


@pytest.fixture(scope="module")
def kernels() -> dict[str, list[Path]]:
    """Object files by instruction set."""
    found: dict[str, list[Path]] = {}
    for path in objects("isa_*.dir/csrc/kernels/*.o"):
        isa = path.relative_to(ROOT).parts[3].removeprefix("isa_").removesuffix(".dir")
        found.setdefault(isa, []).append(path)
    if not found:
        pytest.skip("no build tree: `make dev` leaves one")
    return found


@pytest.fixture(scope="module")
def common(kernels: dict[str, list[Path]]) -> list[Path]:
    """Object files of what runs on every processor."""
    return objects("_core.dir/csrc/**/*.o")


def output(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_kernels_export_names_of_their_level_and_nothing_else(
    kernels: dict[str, list[Path]],
) -> None:
    # A weak function (an inline one, an instantiated template) exists once in the program; the copy
    # the linker keeps may be the one with wide instructions.
    for isa, paths in kernels.items():
        listing = output("nm", "--defined-only", "--extern-only", "--demangle", *paths)
        symbols = {
            line.split(maxsplit=2)[2] for line in listing.splitlines() if line.count(" ") >= 2
        } - {PERSONALITY}
        assert f"gw::{isa}::table" in symbols
        assert {symbol for symbol in symbols if not symbol.startswith(f"gw::{isa}::")} == set()


def test_no_weak_symbol_of_a_kernel_is_code(kernels: dict[str, list[Path]]) -> None:
    for isa, paths in kernels.items():
        for path in paths:
            listing = output("nm", "--defined-only", path)
            weak = [line for line in listing.splitlines() if line.split(maxsplit=2)[1] in "WwuVv"]
            assert [line for line in weak if not line.endswith(f" V {PERSONALITY}")] == [], isa


def test_kernels_run_nothing_when_loaded(kernels: dict[str, list[Path]]) -> None:
    for isa, paths in kernels.items():
        sections = output("objdump", "--section-headers", *paths)
        assert not re.search(r"\.(init_array|ctors|preinit_array)\b", sections), isa


@pytest.mark.skipif(platform.machine() != "x86_64", reason="registers of x86-64")
def test_common_code_touches_no_wide_register(common: list[Path]) -> None:
    assert common
    for path in common:
        code = output("objdump", "--disassemble", "--no-show-raw-insn", path)
        assert re.search(r"\bret\b", code), f"no code in {path.name}"
        assert not re.search(r"%[yzt]mm\d|%k[0-7]\b", code), path.name


@pytest.mark.skipif(platform.machine() != "x86_64", reason="registers of x86-64")
def test_kernels_use_the_registers_of_their_level(kernels: dict[str, list[Path]]) -> None:
    widest = {"baseline": "xmm", "avx2": "ymm"}  # of vectors; the others have zmm
    for isa, paths in kernels.items():
        code = output("objdump", "--disassemble", "--no-show-raw-insn", *paths)
        used = set(re.findall(r"%([xyz]mm)\d", code))
        assert max(used) == widest.get(isa, "zmm"), isa  # "xmm" < "ymm" < "zmm"
        assert bool(re.search(r"%tmm\d", code)) == (isa == "avx512_amx"), isa

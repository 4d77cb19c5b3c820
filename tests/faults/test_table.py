"""Every fault of the specification has a test, and every test named in the table exists."""

import ast
import re
from pathlib import Path

import pytest

from tests.faults.table import ELSEWHERE, FAULTS, METAMORPHIC

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def numbered_tests() -> set[int]:
    found = set()
    for path in HERE.glob("test_*.py"):
        for number in re.findall(r"^def test_(\d\d)_", path.read_text(encoding="utf-8"), re.M):
            found.add(int(number))
    return found


def test_all_85_are_met() -> None:
    assert sorted(FAULTS) == list(range(1, 86))
    assert sorted(numbered_tests() | ELSEWHERE.keys()) == sorted(FAULTS)


@pytest.mark.parametrize(
    "test",
    sorted({test for tests in (*ELSEWHERE.values(), *METAMORPHIC.values()) for test in tests}),
)
def test_named_tests_exist(test: str) -> None:
    file, *names = test.split("::")
    body = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    if not names:
        assert any(isinstance(n, ast.FunctionDef) and n.name.startswith("test_") for n in body)
    for name in names:
        node = next((n for n in body if getattr(n, "name", None) == name), None)
        assert isinstance(node, (ast.ClassDef, ast.FunctionDef)), f"{name} is not in {file}"
        body = node.body

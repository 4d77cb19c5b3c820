"""Prints the requirements of the groups named on the command line.

A group is "build", "runtime" or an extra of pyproject.toml. The packages that build gatework are
installed by name because CMake's cache outlives the throw-away environment pip would make for them.
"""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def requirements(group: str) -> list[str]:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    if group == "build":
        return [*pyproject["build-system"]["requires"], "cmake>=3.24", "ninja>=1.5"]
    if group == "runtime":
        return pyproject["project"]["dependencies"]
    return pyproject["project"]["optional-dependencies"][group]


if __name__ == "__main__":
    print("\n".join(requirement for name in sys.argv[1:] for requirement in requirements(name)))

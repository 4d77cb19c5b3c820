"""The program that a file holds, or that the model in it is compiled to."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["load_program"]


def load_program(path: str | os.PathLike[str], dtype: str | None = None) -> Any:
    """A program: that of a `.gwp` file, or a model's of any file that `gatework convert` reads.

    Args:
        path: the file.
        dtype: as for ``gatework.inference.compile``; None for "float32", and for a `.gwp` file,
            whose weights are as they are.

    Raises:
        ValueError: the file is damaged, of another form, or its model cannot be compiled; or dtype
            is given for a `.gwp` file.
        OSError: it cannot be read.
    """
    from ..cli.convert_command import read_model, read_program

    name = os.fspath(path)
    if name.endswith(".gwp"):
        if dtype is not None:
            raise ValueError("dtype must be None for a .gwp file, whose weights are as they are")
        return read_program(name)
    from ..inference import compile

    return compile(read_model(name), dtype=dtype or "float32")

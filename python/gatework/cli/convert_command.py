"""`gatework convert`."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable
from typing import Any

from .errors import UsageError

NAME = "convert"
DESCRIPTION = (
    "Read a model from one file and write it to another. The endings say the forms: .keras, .h5 "
    "(Keras 1, 2, tf.keras and 3), .safetensors (with its configuration), .onnx, and for writing "
    "also .weights.h5, .gwp, a compiled program for gatework.inference, and .c, C99 source that "
    "steps through a model. Of a .gwp file only the last two can be made: it holds no layers. "
    ".safetensors and .onnx need the extras of the same names."
)
DTYPES = ("float32", "bfloat16", "int8")
HELP = "rewrite a model: .keras, .h5, .safetensors, .onnx, .gwp, .c"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The two files, and whether the second may exist."""
    parser.add_argument("source", metavar="IN", help="the model to read")
    parser.add_argument("target", metavar="OUT", help="the file to write")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace OUT where it exists already"
    )
    parser.add_argument(
        "--dtype",
        choices=DTYPES,
        default=DTYPES[0],
        help="of the weights and products of a program, .gwp or .c (default: float32)",
    )


def run(options: argparse.Namespace) -> int:
    """Convert, say what was written, and return the exit code."""
    read = _chosen(READERS | PROGRAM_READERS, options.source, "IN")
    write = _chosen(WRITERS, options.target, "OUT")
    if options.dtype != DTYPES[0]:
        if write not in (_save_program, _save_c) or read is read_program:
            raise UsageError(
                "--dtype is for a program, .gwp or .c, that is made of a model, "
                f"not {options.target!r} of {options.source!r}"
            )
        write = functools.partial(write, dtype=options.dtype)
    if read is read_program:
        write = PROGRAM_WRITERS.get(write, _refuse_program)
    if not options.overwrite and os.path.exists(options.target):
        raise UsageError(f"OUT exists: {options.target!r}; --overwrite replaces it")
    try:
        model = read(options.source)
        write(model, options.target)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise UsageError(error) from error
    size = os.path.getsize(options.target)
    print(f"{options.target}: {model.name}, {_weights(model):,} weights, {size:,} bytes")
    return 0


def read_model(path: str) -> Any:
    """The model that a file holds.

    Raises:
        ValueError: the file's name ends in none of the endings known, or the file is damaged.
        OSError: it cannot be read.
        ImportError: the extra for its form is not installed.
    """
    for ending, function in READERS.items():
        if path.endswith(ending):
            return function(path)
    raise ValueError(f"the model's file must end in one of {', '.join(READERS)}, not {path!r}")


def read_program(path: str) -> Any:
    """The program of a `.gwp` file, its self-test passed."""
    from gatework.inference import load

    return load(path, verify=True)


def _weights(model: Any) -> int:
    if hasattr(model, "count_params"):
        return int(model.count_params())
    arrays = [array for step in model._steps for array in step.arrays.values()]
    return sum(array.size for array in arrays if array is not None)


def _chosen(table: dict[str, Callable[..., Any]], path: str, name: str) -> Callable[..., Any]:
    """The function for the ending of a file's name: the first that fits."""
    for ending, function in table.items():
        if path.endswith(ending):
            return function
    raise UsageError(f"{name} must end in one of {', '.join(table)}, not {path!r}")


def _load(path: str) -> Any:
    from gatework.saving import load_model

    return load_model(path)


def _load_safetensors(path: str) -> Any:
    from gatework.interop.safetensors import load_model

    return load_model(path)


def _load_onnx(path: str) -> Any:
    from gatework.interop.onnx import import_model

    return import_model(path)


def _save(model: Any, path: str) -> None:
    from gatework.saving import save_model

    save_model(model, path)


def _save_weights(model: Any, path: str) -> None:
    from gatework.saving import save_weights

    save_weights(model, path)


def _save_safetensors(model: Any, path: str) -> None:
    from gatework.interop.safetensors import save_model

    save_model(model, path)


def _save_onnx(model: Any, path: str) -> None:
    from gatework.interop.onnx import export_model

    export_model(model, path)


def _save_program(model: Any, path: str, dtype: str = DTYPES[0]) -> None:
    from gatework.inference import compile

    _copy_program(compile(model, dtype), path)


def _save_c(model: Any, path: str, dtype: str = DTYPES[0]) -> None:
    from gatework.inference import compile

    _program_as_c(compile(model, dtype), path)


def _copy_program(program: Any, path: str) -> None:
    program.save(path)
    read_program(path)


def _program_as_c(program: Any, path: str) -> None:
    from gatework.inference import export_c

    export_c(program, path)


def _refuse_program(program: Any, path: str) -> None:
    raise ValueError(
        f"OUT must end in .gwp or .c where IN is a program, not {path!r}: "
        "a program has instructions, not the layers that other forms hold"
    )


READERS: dict[str, Callable[..., Any]] = {
    ".keras": _load,
    ".h5": _load,
    ".hdf5": _load,
    ".safetensors": _load_safetensors,
    ".onnx": _load_onnx,
}
PROGRAM_READERS: dict[str, Callable[..., Any]] = {".gwp": read_program}
WRITERS: dict[str, Callable[..., Any]] = {
    ".keras": _save,
    ".weights.h5": _save_weights,
    ".h5": _save,
    ".hdf5": _save,
    ".safetensors": _save_safetensors,
    ".onnx": _save_onnx,
    ".gwp": _save_program,
    ".c": _save_c,
}
PROGRAM_WRITERS: dict[Callable[..., Any], Callable[..., Any]] = {
    _save_program: _copy_program,
    _save_c: _program_as_c,
}

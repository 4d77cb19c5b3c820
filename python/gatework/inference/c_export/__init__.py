"""A program as C99 source: for firmware, plug-ins, and wherever no library can be installed."""

from __future__ import annotations

import os
import re
from typing import Any

from ...utils.files import atomic_write
from ..program import Program
from .activations import ACTIVATIONS, function_of
from .helpers import HELPERS
from .instructions import WRITERS
from .source import Source

__all__ = ["export_c"]


def export_c(program: Program, filepath: str | os.PathLike[str], name: str = "model") -> None:
    """Writes a program that can stream as one C99 source file, and its header beside it.

    Weights of int8 stay int8, and are multiplied as the program does. Its tanh and sigmoid may
    differ in their last bits, which can turn a value that is rounded up into one rounded down.

    The code needs the C library alone, and no memory but what the caller gives::

        model_state state;                     /* all memory there is */
        model_reset(&state);
        for (...) model_step(&state, x, y);    /* one step of one row */

    ``model_step`` takes a pointer for each input, floats or int32 ids, and one for each output. It
    returns 0, or the number of the input, from 1 on, whose id is not in its table; the state is
    then as it was.

    Args:
        program: a compiled program.
        filepath: the source file, which must end in ".c"; the header ends in ".h".
        name: what all names begin with.

    Raises:
        ValueError: the program cannot stream, or computes what has no C code; the message names the
            layer. Or ``name`` is no name in C, or ``filepath`` ends otherwise.
        OSError: the file system refuses.
    """
    path = os.fspath(filepath)
    if not path.endswith(".c"):
        raise ValueError(f"filepath must end in '.c', not {path!r}")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,60}", name):
        raise ValueError(f"name must be a name in C, not {name!r}")
    if program._unstreamable is not None:
        raise ValueError(f"program must be one that can stream: {program._unstreamable}")
    source = _translated(program)
    header = f"{path[:-2]}.h"
    declared = _header(program, source, name)
    code = _code(program, source, name, os.path.basename(header))
    with atomic_write(header) as file:
        file.write(declared.encode())
    with atomic_write(path) as file:
        file.write(code.encode())


def _translated(program: Program) -> Source:
    source = Source()
    for one in program.inputs:
        if any(n is None for n in one.shape[1 + one.time :]):
            raise ValueError(f"input '{one.name}' must be of known size, not {one.shape}")
        sizes = [int(n or 0) for n in one.shape[1 + one.time :]]
        if len(sizes) > 1:
            raise ValueError(f"input '{one.name}' must be a vector at each step, not {sizes}")
        source.sizes[one.place] = sizes[0] if sizes else 1
    for place, array in program._constants.items():
        source.sizes[place] = array.size
        source.constants[place] = source.weight(array)
    for step in program._steps:
        if step.op not in WRITERS:
            source.refuse(step, f"computes what has no C code ({step.op})")
        if step.args.get("bf16"):
            source.refuse(step, "rounds to bfloat16")
        WRITERS[step.op](source, step)
    return source


def _parameters(program: Program, source: Source, name: str) -> str:
    given = [f"{name}_state *s"]
    for i, one in enumerate(program.inputs):
        kind = "int32_t" if one.kind == "ids" else "float"
        given.append(f"const {kind} x{i}[{source.sizes[one.place]}]")
    given += [f"float y{i}[{source.sizes[place]}]" for i, place in enumerate(program._outputs)]
    return ", ".join(given)


def _header(program: Program, source: Source, name: str) -> str:
    inside = [place for step in program._steps for place in step.outputs]
    members = [
        *(f"float {member}[{size}];" for member, size in source.states.items()),
        *(f"float v{place}[{source.sizes[place]}];" for place in inside),
        f"float work[{max(source.work, 1)}];",
    ]
    if source.numbers:
        members += [f"int8_t numbers[{source.numbers}];", f"int32_t sums[{source.sums}];"]
    guard = f"{name.upper()}_H"
    return "\n".join(
        [
            f"/* {_described(program)} */",
            f"#ifndef {guard}",
            f"#define {guard}",
            "#include <stdint.h>",
            "",
            "/* All that a stream needs; only the members before v... live from step to step. */",
            "typedef struct {",
            *(f"    {member}" for member in members),
            f"}} {name}_state;",
            "",
            "/* Begins a stream: all states are zero. */",
            f"void {name}_reset({name}_state *s);",
            "",
            "/* One step. Returns 0, or the number of the input (from 1) whose id has no row. */",
            f"int {name}_step({_parameters(program, source, name)});",
            "",
            "#endif",
            "",
        ]
    )


def _code(program: Program, source: Source, name: str, header: str) -> str:
    places = {one.place: f"x{i}" for i, one in enumerate(program.inputs)}
    numbers = {one.place: i + 1 for i, one in enumerate(program.inputs)}

    def named(line: Any) -> str:
        """The statement with inputs and constants under their own names."""
        return re.sub(
            r"s->v(\d+)\b",
            lambda m: {**places, **source.constants}.get(int(m[1]), m[0]),
            line,
        )

    checks = [
        f"if ({places[place]}[0] < 0 || {places[place]}[0] >= {rows}) return {numbers[place]};"
        for place, rows in source.checks
    ]
    results = [
        f"memcpy(y{i}, s->v{place}, sizeof s->v{place});"
        for i, place in enumerate(program._outputs)
    ]
    body = [*checks, *map(named, source.statements), *source.after, *results]
    called = "\n".join(body)
    return "\n".join(
        [
            f"/* {_described(program)} */",
            f'#include "{header}"',
            "#include <math.h>",
            "#include <stddef.h>",
            "#include <string.h>",
            "",
            *source.weights(),
            # Only what is called: compilers warn of the rest.
            *(text for helper, text in HELPERS.items() if f"{helper}(" in called),
            *(function_of(one) for one in ACTIVATIONS if f"gw_{one}(" in called),
            "",
            f"void {name}_reset({name}_state *s) {{ memset(s, 0, sizeof *s); }}",
            "",
            f"int {name}_step({_parameters(program, source, name)}) {{",
            *(f"    {line}" for line in body),
            "    return 0;",
            "}",
            "",
        ]
    )


def _described(program: Program) -> str:
    from ... import __version__

    name = "".join(c if c.isalnum() else "_" for c in program.name)
    return f"Made by gatework {__version__} from {name}. One row at a time; C99."

"""The table that ``model.summary()`` prints: Keras' columns, in box characters."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

__all__ = ["print_summary", "summary_lines"]

_LINE_LENGTH = 76
_POSITIONS = (0.45, 0.79, 1.0)
_POSITIONS_TRAINABLE = (0.40, 0.69, 0.84, 1.0)


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[..., Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Prints the layers of a model with their output shapes and numbers of weights.

    Args:
        model: the model.
        line_length: width of the table in characters, 76 by default.
        positions: where the columns end, as shares of the width or in characters.
        print_fn: called with each line; ``print`` by default.
        expand_nested: show the layers inside layers and models too.
        show_trainable: show which layers are trained.
        layer_range: two names, or patterns of them: the first and the last layer to show.

    Raises:
        ValueError: if positions are too few or not increasing, or layer_range matches no layer.
    """
    write = print if print_fn is None else print_fn
    for line in summary_lines(
        model,
        line_length=line_length,
        positions=positions,
        expand_nested=expand_nested,
        show_trainable=show_trainable,
        layer_range=layer_range,
    ):
        write(line)


def summary_lines(
    model: Any,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> list[str]:
    """The lines of the table; arguments as in ``print_summary``."""
    header = ["Layer (type)", "Output Shape", "Param #"]
    if show_trainable:
        header.append("Trainable")
    widths = _widths(line_length or _LINE_LENGTH, positions, len(header))
    rows = [
        _row(layer, depth, show_trainable)
        for top in _chosen(list(model.layers), layer_range)
        for layer, depth in _walk(top, 0, expand_nested)
    ]
    return [f'Model: "{model.name}"', *_table(header, rows, widths), *_totals(model)]


def _chosen(layers: list[Any], layer_range: Sequence[str] | None) -> list[Any]:
    if layer_range is None:
        return layers
    if len(layer_range) != 2:
        raise ValueError(f"layer_range must be two names, not {layer_range!r}")
    found = []
    for pattern in layer_range:
        matching = [i for i, layer in enumerate(layers) if re.match(pattern, layer.name)]
        if not matching:
            names = ", ".join(repr(layer.name) for layer in layers)
            raise ValueError(f"layer_range must match layers of {names}, not {pattern!r}")
        found.append(matching)
    first, last = sorted((min(found[0]), max(found[1])))
    return layers[first : last + 1]


def _walk(layer: Any, depth: int, expand: bool) -> Iterator[tuple[Any, int]]:
    yield layer, depth
    if expand:
        for inner in getattr(layer, "layers", None) or ():
            yield from _walk(inner, depth + 1, expand)


def _row(layer: Any, depth: int, show_trainable: bool) -> list[str]:
    indent = "   " * depth + "└ " if depth else ""
    count = f"{_count(layer.weights):,}"
    row = [
        f"{indent}{layer.name} ({type(layer).__name__})",
        _output_shape(layer),
        count if layer.built else f"{count} (unbuilt)",
    ]
    if show_trainable:
        row.append("-" if not layer.weights else "Y" if layer.trainable else "N")
    return row


def _output_shape(layer: Any) -> str:
    """The shape of the outputs for the inputs last given; "?" before there were any."""
    try:
        shape = layer.output_shape
    except AttributeError:
        inputs = _input_shape(layer)
        if inputs is None:
            return "?"
        try:
            shape = layer.compute_output_shape(inputs)
        except NotImplementedError:
            return "?"
    if isinstance(shape, list | tuple) and shape and isinstance(shape[0], list | tuple):
        return ", ".join(str(tuple(one)) for one in shape)
    return str(tuple(shape))


def _input_shape(layer: Any) -> Any:
    calls = getattr(layer, "_inbound", None)
    if calls:
        return getattr(calls[-1].args[0], "shape", None) if calls[-1].args else None
    return getattr(layer, "_build_shape", None)


def _widths(line_length: int, positions: Sequence[float] | None, columns: int) -> list[int]:
    if positions is None:
        positions = _POSITIONS if columns == 3 else _POSITIONS_TRAINABLE
    if len(positions) < columns:
        raise ValueError(f"positions must be {columns} in number, not {len(positions)}")
    ends = [0.0, *positions[:columns]]
    scale = line_length if ends[-1] <= 1 else 1
    widths = [round(end * scale) - round(start * scale) for start, end in pairwise(ends)]
    if min(widths) < 6:
        raise ValueError(f"positions must leave 6 characters to each column, not {widths}")
    # Borders and one space on both sides; the first column also has the left edge.
    return [width - 3 - (i == 0) for i, width in enumerate(widths)]


def _table(header: list[str], rows: list[list[str]], widths: list[int]) -> Iterator[str]:
    def rule(left: str, line: str, middle: str, right: str) -> str:
        return left + middle.join(line * (width + 2) for width in widths) + right

    def cells(row: list[str], border: str) -> Iterator[str]:
        wrapped = [_wrap(cell, width) for cell, width in zip(row, widths, strict=True)]
        for i in range(max(len(lines) for lines in wrapped)):
            texts = [lines[i] if i < len(lines) else "" for lines in wrapped]
            aligned = [
                text.rjust(width) if column == 2 else text.ljust(width)
                for column, (text, width) in enumerate(zip(texts, widths, strict=True))
            ]
            yield border + border.join(f" {text} " for text in aligned) + border

    yield rule("┏", "━", "┳", "┓")
    yield from cells(header, "┃")
    yield rule("┡", "━", "╇", "┩")
    for i, row in enumerate(rows):
        if i:
            yield rule("├", "─", "┼", "┤")
        yield from cells(row, "│")
    yield rule("└", "─", "┴", "┘")


def _wrap(cell: str, width: int) -> list[str]:
    """The lines a cell takes; an indent stays on all of them."""
    text = cell.lstrip()
    indent = " " * min(len(cell) - len(text), width - 1)
    return textwrap.wrap(text, width, initial_indent=indent, subsequent_indent=indent) or [""]


def _totals(model: Any) -> Iterator[str]:
    parts = {
        "Trainable params": model.trainable_weights,
        "Non-trainable params": model.non_trainable_weights,
    }
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and getattr(optimizer, "built", False):
        parts["Optimizer params"] = list(optimizer.variables)
    everything = [variable for variables in parts.values() for variable in variables]
    for title, variables in {"Total params": everything, **parts}.items():
        yield f" {title}: {_count(variables):,} ({_memory(variables)})"


def _count(variables: Sequence[Any]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)


def _memory(variables: Sequence[Any]) -> str:
    size = float(sum(variable._value.nbytes for variable in variables))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} TB"

"""The table that ``model.summary()`` prints: Keras' columns, in box characters."""

from __future__ import annotations

import math
import re
import shutil
import textwrap
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from .. import tree

__all__ = ["print_summary", "summary_lines"]

# Of a chain of layers, and of a graph, whose table says what each layer is connected to.
_CHAIN = (88, ["Layer (type)", "Output Shape", "Param #"], [0.45, 0.80, 1.0])
_GRAPH = (108, [*_CHAIN[1], "Connected to"], [0.3, 0.56, 0.74, 1.0])
_ALIGNMENT = {"Param #": str.rjust, "Trainable": str.center}


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
        line_length: width of the table in characters; 88 by default, 108 for graphs that are no
            chain, 12 more with ``show_trainable``, but never more than the terminal has.
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
    graph = getattr(model, "_graph", None)
    connected = graph is not None and not graph.is_chain
    default, header, ends = _GRAPH if connected else _CHAIN
    if show_trainable:
        default, header, ends = default + 12, [*header, "Trainable"], [*(0.9 * e for e in ends), 1]
    default = min(default, shutil.get_terminal_size().columns - 4)
    widths = _widths(line_length or default, positions or ends, len(header))
    layers = list(model.layers) if graph is None else graph.operations
    rows = [
        [
            *_row(layer, depth),
            *([_connections(layer, graph)] if connected else ()),
            *([_trained(layer)] if show_trainable else ()),
        ]
        for top in _chosen(layers, layer_range)
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


def _row(layer: Any, depth: int) -> list[str]:
    indent = "   " * depth + "└ " if depth else ""
    count = f"{_count(getattr(layer, 'weights', ())):,}"
    return [
        f"{indent}{layer.name} ({type(layer).__name__})",
        _output_shape(layer),
        count if getattr(layer, "built", True) else f"{count} (unbuilt)",
    ]


def _trained(layer: Any) -> str:
    if not getattr(layer, "weights", ()):
        return "-"
    return "Y" if layer.trainable else "N"


def _connections(layer: Any, graph: Any) -> str:
    """What the layer's calls in the graph take: layer, number of its call, number of its output."""
    found = []
    for node in layer._inbound:
        if any(node is own for own in graph.nodes):
            for tensor in node.inputs:
                operation, call, output = tensor._keras_history
                found.append(f"{operation.name}[{call}][{output}]")
    return ", ".join(found) or "-"


def _output_shape(layer: Any) -> str:
    """The shape of the outputs of the last call; "?" before there was any."""
    if layer._inbound:
        return _written([tensor.shape for tensor in layer._inbound[-1].outputs])
    try:
        shape = layer.output_shape
    except AttributeError:
        built = layer._build_shapes or {"input_shape": layer._build_shape}
        if next(iter(built.values())) is None:
            return "?"
        try:
            shape = layer.compute_output_shape(*built.values())
        except NotImplementedError:
            return "?"
    return _written(shape)


def _written(shape: Any) -> str:
    """A shape, or a structure of shapes; one alone without the list around it."""
    leaves = tree.flatten(shape)
    if all(leaf is None or isinstance(leaf, int) for leaf in leaves):
        nested = isinstance(shape, list | tuple) and any(map(tree.is_nested, shape))
        if not nested:
            return str(tuple(shape))
        return _written(shape[0]) if len(shape) == 1 else str(list(map(tuple, shape)))
    return str(shape).replace("'", "")


def _widths(line_length: int, positions: Sequence[float], columns: int) -> list[int]:
    if len(positions) < columns:
        raise ValueError(f"positions must be {columns} in number, not {len(positions)}")
    scale = line_length if positions[columns - 1] <= 1 else 1
    ends = [0, *(int(position * scale) for position in positions[:columns])]
    widths = [end - start for start, end in pairwise(ends)]
    # Borders, and a space on both sides of each text, are taken from all columns alike.
    excess = sum(widths) + 3 * columns + 1 - line_length
    for i in range(columns):
        share = round(excess / (columns - i))
        widths[i] -= share
        excess -= share
    if min(widths) < 2:
        raise ValueError(f"positions must leave 2 characters to each column, not {widths}")
    return widths


def _table(header: list[str], rows: list[list[str]], widths: list[int]) -> Iterator[str]:
    def rule(left: str, line: str, middle: str, right: str) -> str:
        return left + middle.join(line * (width + 2) for width in widths) + right

    def cells(row: list[str], border: str) -> Iterator[str]:
        wrapped = [_wrap(cell, width) for cell, width in zip(row, widths, strict=True)]
        height = max(len(lines) for lines in wrapped)
        for i in range(height):
            # Titles stand at the foot of their row, everything else at the head.
            above = [height - len(lines) if row is header else 0 for lines in wrapped]
            texts = [
                lines[i - start] if 0 <= i - start < len(lines) else ""
                for lines, start in zip(wrapped, above, strict=True)
            ]
            aligned = [
                align(text, width)
                for align, text, width in zip(alignment, texts, widths, strict=True)
            ]
            yield border + border.join(f" {text} " for text in aligned) + border

    alignment = [_ALIGNMENT.get(title, str.ljust) for title in header]
    yield rule("┏", "━", "┳", "┓")
    yield from cells(header, "┃")
    yield rule("┡", "━", "╇", "┩")
    for i, row in enumerate(rows):
        if i:
            yield rule("├", "─", "┼", "┤")
        yield from cells(row, "│")
    yield rule("└", "─", "┴", "┘")


def _wrap(cell: str, width: int) -> list[str]:
    """The lines a cell takes; a word that is longer than a line ends in an ellipsis."""
    lines = textwrap.wrap(cell, width, break_long_words=False, break_on_hyphens=False)
    return [line if len(line) <= width else line[: width - 1] + "…" for line in lines] or [""]


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

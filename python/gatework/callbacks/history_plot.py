"""The picture of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._suggest import suggest

INK, GREY = "#c1440e", "#9aa7b4"
HEIGHT, WIDTH = 2.6, 7.0  # inches of one frame


def draw(history: dict[str, list[Any]], epochs: Sequence[int], names: Sequence[str]) -> Any:
    """One frame per loss or metric; see `History.plot`."""
    shown = list(names) or [name for name in history if not name.startswith("val_")]
    if not shown:
        raise ValueError("history must hold at least one epoch to be drawn, not none")
    for name in shown:
        if name not in history:
            raise ValueError(
                f"names must be those of the history, not {name!r}{suggest(name, history)}"
            )
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError as error:
        raise ImportError("History.plot needs matplotlib: pip install 'gatework[plot]'") from error
    figure = Figure((WIDTH, HEIGHT * len(shown)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    frames = figure.subplots(len(shown), sharex=True, squeeze=False)[:, 0]
    for frame, name in zip(frames, shown, strict=True):
        _lines(frame, history, epochs, name)
        frame.xaxis.set_major_locator(MaxNLocator(integer=True))
        frame.spines[["top", "right"]].set_visible(False)
        frame.set_ylabel(name)
    frames[-1].set_xlabel("epoch")
    return figure


def _lines(frame: Any, history: dict[str, list[Any]], epochs: Sequence[int], name: str) -> None:
    for key, label, colour in ((name, "training", GREY), (f"val_{name}", "validation", INK)):
        values = history.get(key)
        if values is None:
            continue
        numbers = [epoch + 1 for epoch in epochs][-len(values) :]
        if len(values) < len(epochs):
            # Validation of some epochs only: which ones the history does not say, but how many.
            step = len(epochs) // len(values)
            numbers = [epochs[0] + (i + 1) * step for i in range(len(values))]
        if len(numbers) != len(values):
            numbers = list(range(1, len(values) + 1))
        frame.plot(numbers, values, "o-", markersize=3, color=colour, label=label)
    if f"val_{name}" in history:
        frame.legend(frameon=False)

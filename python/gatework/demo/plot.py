"""The learning curve as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

HOW_TO_GET = "no picture: matplotlib is not installed; pip install 'gatework[plot]' brings it"

INK, PAPER = "#333333", "white"
COLOURS = {"training": "#9aa7b4", "validation": "#c1440e"}


def learning_curve(
    history: Sequence[dict[str, float]], rivals: dict[str, float], path: Path
) -> bool:
    """Draw the perplexities of each epoch and the rivals' as level lines; write a PNG.

    Returns:
        False when matplotlib is not installed; nothing is written then.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter
    except ImportError:
        return False
    figure = Figure(figsize=(7, 4.2), dpi=110, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    epochs = [row["epoch"] for row in history]
    last = max(epochs)
    for label, key in (("training", "train"), ("validation", "validation")):
        values = [row[key] for row in history]
        axes.plot(epochs, values, "o-", markersize=3, color=COLOURS[label], label=f"LSTM, {label}")
    axes.annotate(
        f"{history[-1]['validation']:.1f}",
        (last, history[-1]["validation"]),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color=COLOURS["validation"],
    )
    for (name, value), style in zip(rivals.items(), ("--", ":", "-."), strict=False):
        axes.axhline(value, color=INK, linestyle=style, linewidth=1, label=f"{name}, {value:.1f}")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(NullFormatter())
    low = min(min(row["train"], row["validation"]) for row in history)
    high = max(max(row["train"], row["validation"]) for row in history)
    bounds = [*rivals.values(), low, high]
    axes.set_ylim(min(bounds) / 1.15, max(bounds) * 1.15)
    ticks = [t for d in (1, 10, 100, 1000, 10_000) for t in (d, 2 * d, 5 * d)]
    axes.set_yticks([t for t in ticks if min(bounds) / 1.15 <= t <= max(bounds) * 1.15])
    axes.set_xlabel("epoch")
    axes.set_ylabel("perplexity, lower is better")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path)
    return True

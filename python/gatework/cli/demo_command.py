"""`gatework demo`."""

from __future__ import annotations

import argparse

from .errors import UsageError

NAME = "demo"
DESCRIPTION = "Train a word-level LSTM language model on English text and predict next words."
HELP = "train a next-word model on real text"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `gatework demo`; their defaults are those of `demo.Settings`."""
    parser.add_argument(
        "--text",
        metavar="FILE|FOLDER",
        help="text to learn from (default: Python's own reference manual, pydoc_data.topics)",
    )
    parser.add_argument(
        "--output",
        metavar="FOLDER",
        default="gatework-demo",
        help="where the model, the vocabulary and the picture go (default: %(default)s)",
    )
    parser.add_argument(
        "--epochs", type=_positive, help="passes over the text (default: 32, fewer of a long one)"
    )
    parser.add_argument("--units", type=_positive, help="width of the LSTM")
    parser.add_argument("--threads", type=_positive, help="threads (default: all cores)")
    parser.add_argument("--seed", type=int, help="seed of the weights, dropout and sampling")
    parser.add_argument(
        "--prompt",
        action="append",
        metavar="WORDS",
        help="beginning to continue after training; may be given several times",
    )


def run(options: argparse.Namespace) -> int:
    """Run the demo and return its exit code."""
    from gatework.demo import CorpusError, Settings, run_demo

    chosen = {
        name: value
        for name in ("epochs", "units", "threads", "seed")
        if (value := getattr(options, name)) is not None
    }
    if options.prompt:
        chosen["prompts"] = tuple(options.prompt)
    try:
        return run_demo(Settings(text=options.text, output=options.output, **chosen))
    except CorpusError as error:
        raise UsageError(error) from error


def _positive(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return number

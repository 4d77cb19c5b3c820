"""What a demo run leaves behind: the model, the vocabulary, the learning curve."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .language_model import next_word
from .text import tokenize
from .vocabulary import Vocabulary

MODEL = "model.keras"
VOCABULARY = "vocabulary.json"
CURVE = "learning_curve.png"


def save(model: Any, vocabulary: Vocabulary, folder: Path) -> None:
    """Write model and vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary.save(folder / VOCABULARY)
    model.save(folder / MODEL)


def load(folder: Path) -> tuple[Any, Vocabulary]:
    """Read what `save` wrote."""
    from gatework.models import load_model

    return load_model(folder / MODEL), Vocabulary.load(folder / VOCABULARY)


def prompt_numbers(vocabulary: Vocabulary, prompt: str) -> list[int]:
    """The numbers of a prompt, after the end of a sentence before it."""
    return [vocabulary.end, *(int(n) for n in vocabulary.encode(tokenize(prompt)))]


def top_words(
    model: Any, vocabulary: Vocabulary, prompt: str, count: int = 5
) -> list[tuple[str, float]]:
    """The words most likely to follow `prompt`, with their probabilities, likeliest first."""
    p = next_word(model, prompt_numbers(vocabulary, prompt))
    return [(vocabulary.words[n], float(p[n])) for n in p.argsort()[::-1][:count]]


def predictions(
    model: Any, vocabulary: Vocabulary, prompts: Sequence[str]
) -> dict[str, list[tuple[str, float]]]:
    """`top_words` of each prompt."""
    return {prompt: top_words(model, vocabulary, prompt) for prompt in prompts}


def predictions_of_fresh_process(
    folder: Path, prompts: Sequence[str]
) -> dict[str, list[tuple[str, float]]]:
    """`predictions` of the saved model, made by a new Python process that loads it.

    Raises:
        RuntimeError: the process failed; the message ends with the last line it wrote.
    """
    command = [sys.executable, "-m", "gatework.demo.predict", str(folder), *prompts]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"the saved model could not be loaded by a new process: {last}")
    answer = json.loads(done.stdout)
    return {prompt: [(word, p) for word, p in rows] for prompt, rows in answer.items()}

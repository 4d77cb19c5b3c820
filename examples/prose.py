"""Sentences as they were written and with their words shuffled: data of text_classifier.py and of
text_transformer.py, no example of its own.

The prose comes with every Python: the reference manual (pydoc_data) and the documentation strings
of the standard library. Every passage is there once as it was written and once with its words
shuffled, so counting words cannot tell the two apart. Topics and modules are held out whole.
"""

import ast
import re
import sysconfig
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from gatework.preprocessing.sequence import pad_sequences

WORDS, SHORTEST, LONGEST = 5000, 8, 30

Labelled = tuple[np.ndarray, np.ndarray]


def documentation(path: Path) -> str:
    """All that a module says of itself."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return ""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    told = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
    return "\n\n".join(filter(None, told))


def passages(documents: list[str]) -> list[list[str]]:
    """Passages of words, each once."""
    prose = [part for text in documents for part in text.split("\n\n") if ">>>" not in part]
    words = [re.findall(r"[a-z]+(?:'[a-z]+)?|[.,;:!?()]", part.lower()) for part in prose]
    pieces = {tuple(w[i : i + LONGEST]) for w in words for i in range(0, len(w), LONGEST)}
    return [list(piece) for piece in sorted(pieces) if len(piece) >= SHORTEST]


class Prose:
    """Passages for training and for the test, in which every fifth document is.

    Args:
        modules: how many files of the standard library are read, at most.
        padding: where passages shorter than LONGEST are padded, "pre" or "post".

    Attributes:
        train, test: word numbers (passages, LONGEST) and labels, 1 for words in order.
    """

    def __init__(self, modules: int, padding: str = "pre") -> None:
        library = Path(sysconfig.get_path("stdlib"))
        files = sorted([*library.glob("*.py"), *library.glob("[a-z]*/*.py")])[:modules]
        documents = [*topics.values(), *(documentation(path) for path in files)]
        self._padding = padding
        self._rng = np.random.default_rng(0)
        order = self._rng.permutation(len(documents))
        train, test = (
            passages([documents[i] for i in order if (i % 5 == 0) == held_out])
            for held_out in (False, True)
        )
        # Words by frequency; 0 is padding, 1 any rare word.
        counts = Counter(word for words in train for word in words)
        common = counts.most_common(WORDS - 2)
        self._number = {word: i for i, (word, _) in enumerate(common, start=2)}
        self.train, self.test = self._examples(train), self._examples(test)

    def numbers(self, words: list[str]) -> list[int]:
        """The numbers of words."""
        return [self._number.get(word, 1) for word in words]

    def _examples(self, pieces: list[list[str]]) -> Labelled:
        """Every passage as it is (1) and shuffled (0), in random order."""
        as_written = [self.numbers(piece) for piece in pieces]
        shuffled = [self._rng.permutation(piece) for piece in as_written]
        labels = np.repeat([1, 0], len(pieces))
        mixed = self._rng.permutation(len(labels))
        padded = pad_sequences(as_written + shuffled, LONGEST, padding=self._padding)
        return padded[mixed], labels[mixed]

"""A Transformer reads sentences: are the words in the order in which they were written?

Usage: python examples/text_transformer.py

The task is that of text_classifier.py, which has an LSTM for it. Here every word attends to every
other one; only the embedding of its position tells where it stands.

The prose comes with every Python: the reference manual (pydoc_data) and the documentation strings
of the standard library. Every passage is there once as it was written and once with its words
shuffled, so counting words cannot tell the two apart. Topics and modules are held out whole.
"""

import argparse
import ast
import re
import sys
import sysconfig
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from gatework.callbacks import EarlyStopping
from gatework.layers import (
    Dense,
    Dropout,
    GlobalAveragePooling1D,
    Input,
    TokenAndPositionEmbedding,
    TransformerEncoder,
)
from gatework.models import Sequential
from gatework.optimizers import AdamW
from gatework.preprocessing.sequence import pad_sequences
from gatework.utils import set_random_seed

options = argparse.ArgumentParser()
options.add_argument("--epochs", type=int, default=8)
options.add_argument("--modules", type=int, default=1000, help="files read, at most")
options.add_argument("--at-least", type=float, default=0.75, help="the accuracy asked for")
given = options.parse_args()
WORDS, SHORTEST, LONGEST = 5000, 8, 30


# 1. Documents: a topic of the manual, or all that a module says of itself.
def documentation(path: Path) -> str:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return ""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    told = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
    return "\n\n".join(filter(None, told))


library = Path(sysconfig.get_path("stdlib"))
files = sorted([*library.glob("*.py"), *library.glob("[a-z]*/*.py")])[: given.modules]
documents = [*topics.values(), *(documentation(path) for path in files)]


# 2. Passages of words, each once; every fifth document is for the test.
def passages(documents: list[str]) -> list[list[str]]:
    prose = [part for text in documents for part in text.split("\n\n") if ">>>" not in part]
    words = [re.findall(r"[a-z]+(?:'[a-z]+)?|[.,;:!?()]", part.lower()) for part in prose]
    pieces = {tuple(w[i : i + LONGEST]) for w in words for i in range(0, len(w), LONGEST)}
    return [list(piece) for piece in sorted(pieces) if len(piece) >= SHORTEST]


rng = np.random.default_rng(0)
order = rng.permutation(len(documents))
parts = [passages([documents[i] for i in order if (i % 5 == 0) == test]) for test in (False, True)]

# 3. Words by frequency; 0 is padding, 1 any rare word.
counts = Counter(word for words in parts[0] for word in words)
number = {word: i for i, (word, _) in enumerate(counts.most_common(WORDS - 2), start=2)}


def examples(pieces: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:
    """Every passage as it is (1) and shuffled (0), in random order."""
    as_written = [[number.get(word, 1) for word in piece] for piece in pieces]
    shuffled = [rng.permutation(piece) for piece in as_written]
    labels = np.repeat([1, 0], len(pieces))
    mixed = rng.permutation(len(labels))
    return pad_sequences(as_written + shuffled, LONGEST, padding="post")[mixed], labels[mixed]


(x_train, y_train), (x_test, y_test) = examples(parts[0]), examples(parts[1])

# 4. The model.
set_random_seed(0)
model = Sequential(
    [
        Input((None,), dtype="int32"),
        TokenAndPositionEmbedding(WORDS, LONGEST, 64, mask_zero=True),
        TransformerEncoder(128, num_heads=4, dropout=0.1),
        TransformerEncoder(128, num_heads=4, dropout=0.1),
        GlobalAveragePooling1D(),
        Dropout(0.3),
        Dense(1, activation="sigmoid"),
    ]
)
model.compile(loss="binary_crossentropy", optimizer=AdamW(0.001), metrics=["accuracy"])
model.fit(
    x_train,
    y_train,
    batch_size=64,
    epochs=given.epochs,
    validation_split=0.1,
    callbacks=[EarlyStopping(patience=2, restore_best_weights=True)],
    verbose=2,
)

# 5. Documents not seen in training, and two sentences.
for sentence in (
    "the function returns a list of names .",
    "of list a names function . returns the",
):
    numbers = np.array([[number.get(word, 1) for word in sentence.split()]])
    print(f"{sentence!r}: {model.predict(numbers, verbose=0)[0, 0]:.0%} in order")
_, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"{len(x_test)} test passages: accuracy {accuracy:.1%}; counting words: 50.0%")
if accuracy < given.at_least:
    sys.exit(f"the accuracy should be at least {given.at_least:.1%}")

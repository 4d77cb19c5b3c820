"""Which language is a surname from? Letters, a bidirectional LSTM, 18 languages.

Usage: python examples/name_language.py --data FOLDER

FOLDER holds one text file per language, a name a line: Arabic.txt, Chinese.txt, ...
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from gatework.callbacks import EarlyStopping
from gatework.layers import LSTM, Bidirectional, Dense, Dropout, Embedding, Input
from gatework.models import Sequential
from gatework.optimizers import Adam
from gatework.preprocessing.sequence import pad_sequences
from gatework.utils import set_random_seed

options = argparse.ArgumentParser()
options.add_argument("--data", type=Path, required=True)
options.add_argument("--epochs", type=int, default=20)
options.add_argument("--at-least", type=float, default=0.78, help="the accuracy asked for")
given = options.parse_args()

# 1. Names and the number of their language; a name that stands twice in a file counts once.
files = sorted(given.data.glob("*.txt"))
languages = [file.stem for file in files]
names, labels = [], []
for label, file in enumerate(files):
    own = sorted(set(file.read_text(encoding="utf-8").split("\n")) - {""})
    names += own
    labels += [label] * len(own)
labels = np.array(labels)

# 2. Letters by number; 0 is the padding that mask_zero passes over.
letters = {letter: i for i, letter in enumerate(sorted(set("".join(names))), start=1)}
x = pad_sequences([[letters[letter] for letter in name] for name in names])

# 3. A fifth of the names for the test, a tenth of the rest to know when to stop.
rng = np.random.default_rng(0)
order = rng.permutation(len(names))
test, valid, train = np.split(order, [len(order) // 5, len(order) // 5 + len(order) * 2 // 25])

# 4. The model.
set_random_seed(0)
model = Sequential(
    [
        Input((None,), dtype="int32"),
        Embedding(len(letters) + 1, 64, mask_zero=True),
        Bidirectional(LSTM(128)),
        Dropout(0.5),
        Dense(len(languages), activation="softmax"),
    ]
)
model.compile(loss="sparse_categorical_crossentropy", optimizer=Adam(0.003), metrics=["accuracy"])
model.fit(
    x[train],
    labels[train],
    batch_size=64,
    epochs=given.epochs,
    validation_data=(x[valid], labels[valid]),
    callbacks=[EarlyStopping(patience=3, restore_best_weights=True)],
    verbose=2,
)

# 5. The test part, and some names.
_, accuracy = model.evaluate(x[test], labels[test], verbose=0)
most = (labels[test] == np.bincount(labels[train]).argmax()).mean()
for name in ("Satoshi", "Jackson", "Dostoevsky", "Papadopoulos", "Nguyen"):
    numbers = [[letters.get(letter, 0) for letter in name]]
    likely = model.predict(np.array(numbers), verbose=0)[0]
    best = likely.argsort()[::-1][:3]
    print(f"{name:>12}:", ", ".join(f"{languages[i]} {likely[i]:.0%}" for i in best))
print(f"{len(test)} test names: accuracy {accuracy:.1%}; always the most frequent: {most:.1%}")
if accuracy < given.at_least:
    sys.exit(f"the accuracy should be at least {given.at_least:.1%}")

"""A bidirectional LSTM reads sentences: are the words in the order in which they were written?

Usage: python examples/text_classifier.py

prose.py makes the data of the documentation that comes with every Python.
"""

import argparse
import sys

import numpy as np
from gatework.callbacks import EarlyStopping
from gatework.layers import LSTM, Bidirectional, Dense, Dropout, Embedding, Input, SpatialDropout1D
from gatework.models import Sequential
from gatework.utils import set_random_seed
from prose import WORDS, Prose

options = argparse.ArgumentParser()
options.add_argument("--epochs", type=int, default=8)
options.add_argument("--modules", type=int, default=1000, help="files read, at most")
options.add_argument("--at-least", type=float, default=0.9, help="the accuracy asked for")
given = options.parse_args()

# 1. Passages of the manual and of the library, half of them shuffled; documents held out whole.
prose = Prose(given.modules)

# 2. The model.
set_random_seed(0)
model = Sequential(
    [
        Input((None,), dtype="int32"),
        Embedding(WORDS, 64, mask_zero=True),
        SpatialDropout1D(0.2),
        Bidirectional(LSTM(64)),
        Dropout(0.5),
        Dense(1, activation="sigmoid"),
    ]
)
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(
    *prose.train,
    batch_size=64,
    epochs=given.epochs,
    validation_split=0.1,
    callbacks=[EarlyStopping(patience=2, restore_best_weights=True)],
    verbose=2,
)

# 3. Documents not seen in training, and two sentences.
for sentence in (
    "the function returns a list of names .",
    "of list a names function . returns the",
):
    numbers = np.array([prose.numbers(sentence.split())])
    print(f"{sentence!r}: {model.predict(numbers, verbose=0)[0, 0]:.0%} in order")
_, accuracy = model.evaluate(*prose.test, verbose=0)
print(f"{len(prose.test[1])} test passages: accuracy {accuracy:.1%}; counting words: 50.0%")
if accuracy < given.at_least:
    sys.exit(f"the accuracy should be at least {given.at_least:.1%}")

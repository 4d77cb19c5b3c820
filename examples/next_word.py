"""Next-word prediction in a page: the small brother of `gatework demo`.

Usage: python examples/next_word.py [FILE]
"""

import sys
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from gatework.layers import LSTM, Dense, Dropout, Embedding, Input
from gatework.models import Sequential
from gatework.optimizers import Adam
from gatework.utils import set_random_seed

STEPS = 20

# 1. Words, numbered by how often they occur; rare ones share number 0.
text = Path(sys.argv[1]).read_text() if len(sys.argv) > 1 else "\n".join(topics.values())
words = text.lower().split()
ranked, counts = np.unique(words, return_counts=True)
vocabulary = ["<rare>", *ranked[np.argsort(-counts, kind="stable")][:2000].tolist()]
number = {word: i for i, word in enumerate(vocabulary)}
stream = np.array([number.get(word, 0) for word in words], dtype="int32")

# 2. Windows of 20 words; the target of each word is the word after it.
windows = (len(stream) - 1) // STEPS
x = stream[: windows * STEPS].reshape(windows, STEPS)
y = stream[1 : windows * STEPS + 1].reshape(windows, STEPS)

# 3. The model.
set_random_seed(0)
model = Sequential(
    [
        Input((None,), dtype="int32"),
        Embedding(len(vocabulary), 64),
        LSTM(100, return_sequences=True),
        Dropout(0.3),
        Dense(len(vocabulary), activation="softmax"),
    ]
)
model.compile(loss="sparse_categorical_crossentropy", optimizer=Adam(learning_rate=0.005))
model.fit(x, y, batch_size=16, epochs=6, validation_split=0.1)

# 4. What comes next?
for prompt in ("the value of", "this is a", "if the"):
    history = np.array([[number.get(word, 0) for word in prompt.split()]], dtype="int32")
    likely = model.predict(history, verbose=0)[0, -1]
    likely[0] = 0  # never guess "<rare>"
    best = likely.argsort()[::-1][:5]
    print(prompt, "->", ", ".join(f"{vocabulary[i]} {likely[i]:.0%}" for i in best))

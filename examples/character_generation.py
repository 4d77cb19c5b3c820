"""Writing like a text, one character at a time: an LSTM against counted characters.

Usage: python examples/character_generation.py [--data FILE]

FILE is any text: plays, names one a line, ... Without it, the Python reference manual that comes
with every Python.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from gatework.layers import LSTM, Dense, Dropout, Embedding, Input
from gatework.models import Sequential
from gatework.optimizers import Adam
from gatework.optimizers.schedules import CosineDecay
from gatework.samplers import RandomSampler
from gatework.tokenizers import CharacterTokenizer
from gatework.utils import set_random_seed

options = argparse.ArgumentParser()
options.add_argument("--data", type=Path)
options.add_argument("--characters", type=int, default=400_000, help="of the text, at most")
options.add_argument("--epochs", type=int, default=10)
options.add_argument("--temperature", type=float, default=0.7)
options.add_argument("--length", type=int, default=400, help="characters to write")
options.add_argument("--below", type=float, default=0.95, help="of the trigram's loss, at most")
given = options.parse_args()
STEPS = 100

# 1. Characters by number; the last tenth of the text is kept for validation.
text = given.data.read_text(encoding="utf-8") if given.data else "\n".join(topics.values())
text = text[: given.characters]
tokenizer = CharacterTokenizer.from_text(text)
stream = tokenizer.encode(text)
train, valid = np.split(stream, [len(stream) * 9 // 10])


def windows(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of STEPS characters, and for each the characters that follow them."""
    count = (len(part) - 1) // STEPS
    return part[: count * STEPS].reshape(count, -1), part[1 : count * STEPS + 1].reshape(count, -1)


# 2. What counting gives: each character after the two before it, backed by fewer before it.
def counted_loss(train: np.ndarray, valid: np.ndarray) -> float:
    """Nats a character of a trigram with Dirichlet smoothing towards the bigram and so on."""
    probability = np.full(len(valid) - 2, 1 / len(tokenizer))
    for order in (1, 2, 3):
        grams = Counter(zip(*(train[i:] for i in range(order)), strict=False))
        pasts: Counter[tuple[int, ...]] = Counter()
        for gram, count in grams.items():
            pasts[gram[:-1]] += count
        seen = [tuple(valid[i - order + 1 : i + 1]) for i in range(2, len(valid))]
        counts = np.array([grams[gram] for gram in seen])
        totals = np.array([pasts[gram[:-1]] for gram in seen])
        probability = (counts + 5 * probability) / (totals + 5)
    return float(-np.log(probability).mean())


trigram = counted_loss(train, valid)

# 3. The model.
set_random_seed(0)
model = Sequential(
    [
        Input((None,), dtype="int32"),
        Embedding(len(tokenizer), 32),
        LSTM(128, return_sequences=True),
        Dropout(0.2),
        Dense(len(tokenizer), activation="softmax"),
    ]
)
x, y = windows(train)
model.compile(
    loss="sparse_categorical_crossentropy",
    optimizer=Adam(CosineDecay(0.005, given.epochs * -(-len(x) // 32)), clipnorm=1.0),
)
model.fit(x, y, batch_size=32, epochs=given.epochs, validation_data=windows(valid), verbose=2)

# 4. Writing: the states stay inside, so each character costs one step.
sampler = RandomSampler(temperature=given.temperature)
written = model.generate(tokenizer.encode("\n"), 1 + given.length, sampler, seed=0)
print(tokenizer.decode(written[1:]))

# 5. Both losses on the part not seen.
loss = model.evaluate(*windows(valid), verbose=0)
print(f"validation: {loss:.3f} nats a character; counted trigram: {trigram:.3f}")
if loss > given.below * trigram:
    sys.exit(f"the loss should be at most {given.below} of the trigram's")

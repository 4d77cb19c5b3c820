"""Learning to add: "123+77" in, "200" out, character by character.

Usage: python examples/addition.py

An encoder reads the question backwards into one vector; a decoder is given that vector at every
step and writes the answer (Sutskever, Vinyals and Le 2014; Zaremba and Sutskever 2014).
"""

import argparse
import sys

import numpy as np
from gatework.layers import LSTM, Dense, Input, RepeatVector, TimeDistributed
from gatework.models import Sequential
from gatework.optimizers import Adam
from gatework.optimizers.schedules import CosineDecay
from gatework.utils import set_random_seed, to_categorical

options = argparse.ArgumentParser()
options.add_argument("--digits", type=int, default=3)
options.add_argument("--questions", type=int, default=100_000, help="for training")
options.add_argument("--epochs", type=int, default=12)
options.add_argument("--at-least", type=float, default=0.99, help="the share of right answers")
given = options.parse_args()

ALPHABET = "0123456789+ "
QUESTION, ANSWER = 2 * given.digits + 1, given.digits + 1

# 1. Questions, each once, whichever way round its numbers stand; some are kept for the test.
rng = np.random.default_rng(0)
largest = 10**given.digits
first, second = np.triu_indices(largest)
chosen = rng.permutation(len(first))[: given.questions + given.questions // 10]
first, second = first[chosen], second[chosen]
swap = rng.random(len(chosen)) < 0.5
first, second = np.where(swap, second, first), np.where(swap, first, second)


def encode(texts: list[str]) -> np.ndarray:
    """One-hot characters: (texts, characters, alphabet)."""
    numbers = [[ALPHABET.index(character) for character in text] for text in texts]
    return to_categorical(numbers, len(ALPHABET))


questions = [f"{a}+{b}".ljust(QUESTION) for a, b in zip(first, second, strict=True)]
answers = [f"{a + b}".ljust(ANSWER) for a, b in zip(first, second, strict=True)]
x, y = encode([question[::-1] for question in questions]), encode(answers)
x_train, y_train = x[: given.questions], y[: given.questions]
x_test, y_test = x[given.questions :], y[given.questions :]

# 2. Encoder and decoder.
set_random_seed(0)
model = Sequential(
    [
        Input((QUESTION, len(ALPHABET))),
        LSTM(128),
        RepeatVector(ANSWER),
        LSTM(128, return_sequences=True),
        TimeDistributed(Dense(len(ALPHABET), activation="softmax")),
    ]
)
steps = given.epochs * -(-given.questions // 128)
model.compile(
    loss="categorical_crossentropy",
    optimizer=Adam(CosineDecay(0.005, steps), clipnorm=1.0),
    metrics=["accuracy"],
)
model.fit(x_train, y_train, batch_size=128, epochs=given.epochs, verbose=2)

# 3. An answer counts when every character of it is right.
guesses = model.predict(x_test, batch_size=512, verbose=0).argmax(-1)
exact = (guesses == y_test.argmax(-1)).all(-1)
for i in range(5):
    said = "".join(ALPHABET[number] for number in guesses[i])
    print(f"{questions[given.questions + i]} = {said} {'right' if exact[i] else 'wrong'}")
print(f"{len(exact)} sums not seen in training: {exact.mean():.2%} right in every digit")
if exact.mean() < given.at_least:
    sys.exit(f"the share of right answers should be at least {given.at_least:.1%}")

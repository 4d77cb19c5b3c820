"""Who is speaking? Sequences of 7 to 29 frames, classified as they are: padded, masked.

Usage: python examples/variable_length.py --data FOLDER

FOLDER holds JapaneseVowels_TRAIN.ts and JapaneseVowels_TEST.ts of the UCR/UEA archive: nine men
saying two vowels, 12 numbers a frame (Kudo, Toyama and Shimbo 1999).
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from gatework.layers import LSTM, Bidirectional, Dense, Dropout, Input, Masking
from gatework.models import Sequential
from gatework.optimizers import Adam
from gatework.optimizers.schedules import CosineDecay
from gatework.preprocessing.sequence import pad_sequences
from gatework.utils import set_random_seed

options = argparse.ArgumentParser()
options.add_argument("--data", type=Path, required=True)
options.add_argument("--epochs", type=int, default=60)
options.add_argument("--seed", type=int, default=0)
options.add_argument("--at-least", type=float, default=0.97, help="the accuracy asked for")
given = options.parse_args()


# 1. A line is a recording: channels between colons, then the speaker.
def read(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    lines = path.read_text().split("@data\n")[1].splitlines()
    recordings, speakers = [], []
    for line in lines:
        *channels, speaker = line.split(":")
        values = np.array([np.array(c.split(","), dtype="float32") for c in channels])
        recordings.append(values.T)  # (time, channels)
        speakers.append(int(speaker) - 1)
    return recordings, np.array(speakers)


train, train_speakers = read(given.data / "JapaneseVowels_TRAIN.ts")
test, test_speakers = read(given.data / "JapaneseVowels_TEST.ts")
frames = np.concatenate(train)
mean, deviation = frames.mean(0), frames.std(0)

# 2. Padding with a value that no frame has; Masking makes the layers above pass over it.
PADDING = -100.0
x_train, x_test = (
    pad_sequences([(r - mean) / deviation for r in part], dtype="float32", value=PADDING)
    for part in (train, test)
)

# 3. The model.
set_random_seed(given.seed)
model = Sequential(
    [
        Input((None, 12)),
        Masking(PADDING),
        Dropout(0.2),
        Bidirectional(LSTM(64)),
        Dropout(0.5),
        Dense(9, activation="softmax"),
    ]
)
batches = -(-len(x_train) // 16)
model.compile(
    loss="sparse_categorical_crossentropy",
    optimizer=Adam(CosineDecay(0.003, given.epochs * batches)),
    metrics=["accuracy"],
)
model.fit(x_train, train_speakers, batch_size=16, epochs=given.epochs, verbose=2)

# 4. The recordings of the test part.
loss, accuracy = model.evaluate(x_test, test_speakers, verbose=0)
print(f"{len(test)} recordings not seen in training: accuracy {accuracy:.1%}, loss {loss:.3f}")
if accuracy < given.at_least:
    sys.exit(f"the accuracy should be at least {given.at_least:.1%}")

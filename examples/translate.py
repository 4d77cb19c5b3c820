"""A Transformer translates: "march 3, 2021" to "2021-03-03", or the lines of two files.

Usage: python examples/translate.py
       python examples/translate.py --files FROM.txt TO.txt

The encoder reads the whole text; the decoder writes the translation token by token and attends to
what the encoder made of the text (Vaswani et al. 2017). Dates are translated by characters; files,
whose lines belong together one by one, by words.
"""

import argparse
import calendar
import datetime
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from gatework.layers import Input, TokenAndPositionEmbedding, TransformerDecoder, TransformerEncoder
from gatework.losses import SparseCategoricalCrossentropy
from gatework.models import Model
from gatework.optimizers import Adam
from gatework.optimizers.schedules import CosineDecay
from gatework.preprocessing.sequence import pad_sequences
from gatework.utils import set_random_seed

options = argparse.ArgumentParser()
options.add_argument("--files", type=Path, nargs=2, metavar=("FROM", "TO"))
options.add_argument("--pairs", type=int, default=12_000, help="for training, at most")
options.add_argument("--epochs", type=int, default=4)
options.add_argument("--size", type=int, default=64, help="features of every layer")
options.add_argument("--at-least", type=float, help="the share of exact translations asked for")
given = options.parse_args()
at_least = (0.0 if given.files else 0.95) if given.at_least is None else given.at_least
HEADS, LAYERS, WORDS = 4, 2, 8000
PADDING, START, END, UNKNOWN = range(4)
rng = np.random.default_rng(0)

# 1. Pairs of texts; some are kept for the test.
MONTHS = [name.lower() for name in calendar.month_name]
DAYS = [name.lower() for name in calendar.day_name]


def in_words(day: datetime.date) -> str:
    """A date as somebody might write it."""
    month, name = MONTHS[day.month], DAYS[day.weekday()]
    ways = (
        f"{month} {day.day}, {day.year}",
        f"{day.day} {month} {day.year}",
        f"{month[:3]} {day.day} {day.year}",
        f"{name}, {day.day} {month[:3]} {day.year}",
    )
    return ways[rng.integers(len(ways))]


if given.files:
    sources, targets = (file.read_text(encoding="utf-8").splitlines() for file in given.files)
    if len(sources) != len(targets):
        sys.exit(f"both files must have as many lines, not {len(sources)} and {len(targets)}")
    order = rng.permutation(len(sources))[: given.pairs + given.pairs // 10]
    sources, targets = [sources[i] for i in order], [targets[i] for i in order]
else:
    first = datetime.date(1950, 1, 1)
    picked = rng.permutation(36_525)[: given.pairs + given.pairs // 10]
    dates = [first + datetime.timedelta(days=int(day)) for day in picked]
    sources, targets = [in_words(day) for day in dates], [day.isoformat() for day in dates]
test = len(sources) // 11


# 2. Texts as tokens, tokens as numbers.
def tokens(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text.lower()) if given.files else list(text)


def numbering(texts: list[str]) -> dict[str, int]:
    counts = Counter(token for text in texts for token in tokens(text))
    return {token: i for i, (token, _) in enumerate(counts.most_common(WORDS), start=4)}


def numbers(texts: list[str], known: dict[str, int], ends: bool) -> np.ndarray:
    """(texts, longest); with ``ends`` also the tokens for the start and the end."""
    rows = [[known.get(token, UNKNOWN) for token in tokens(text)] for text in texts]
    if ends:
        rows = [[START, *row, END] for row in rows]
    return pad_sequences(rows, padding="post")


read, write = numbering(sources[test:]), numbering(targets[test:])
written = {i: token for token, i in write.items()} | {UNKNOWN: "?"}
x, y = numbers(sources, read, ends=False), numbers(targets, write, ends=True)

# 3. The model: the decoder is given the translation so far, and says what comes next.
set_random_seed(0)
source, target = Input((None,), dtype="int32"), Input((None,), dtype="int32")
read_embedding = TokenAndPositionEmbedding(len(read) + 4, x.shape[1], given.size, mask_zero=True)
write_embedding = TokenAndPositionEmbedding(len(write) + 4, y.shape[1], given.size, mask_zero=True)
encoded = read_embedding(source)
for _ in range(LAYERS):
    encoded = TransformerEncoder(2 * given.size, HEADS, normalize_first=True)(encoded)
hidden = write_embedding(target)
for _ in range(LAYERS):
    hidden = TransformerDecoder(2 * given.size, HEADS, normalize_first=True)(hidden, encoded)
model = Model([source, target], write_embedding.token_embedding(hidden, reverse=True))
steps = given.epochs * -(-(len(x) - test) // 64)
model.compile(
    loss=SparseCategoricalCrossentropy(from_logits=True),
    optimizer=Adam(CosineDecay(0.0, steps, warmup_target=0.003, warmup_steps=steps // 10)),
    metrics=["accuracy"],
)
model.fit([x[test:], y[test:, :-1]], y[test:, 1:], batch_size=64, epochs=given.epochs, verbose=2)


# 4. Translation: the likeliest token, one after the other. The text is read once.
def translate(texts: np.ndarray) -> list[list[str]]:
    starts = np.full((len(texts), 1), START)
    rows = model.generate(
        starts, y.shape[1], stop_tokens=END, strip_prompt=True, from_logits=True, context=texts
    )
    return [[written[number] for number in row.tolist() if number in written] for row in rows]


found = [row for i in range(0, test, 512) for row in translate(x[:test][i : i + 512])]
join = (" " if given.files else "").join
exact = np.array([row == tokens(text) for row, text in zip(found, targets[:test], strict=True)])
for i in range(5):
    print(f"{sources[i]} -> {join(found[i])} {'right' if exact[i] else 'wrong'}")
print(f"{test} texts not seen in training: {exact.mean():.2%} translated exactly")
if exact.mean() < at_least:
    sys.exit(f"the share of exact translations should be at least {at_least:.1%}")

"""Writing like Shakespeare: a small GPT of characters, trained in minutes on a CPU.

Usage: python examples/gpt_shakespeare.py [--data tinyshakespeare.txt]

The recipe is that of nanoGPT for a CPU (Karpathy): 4 layers, 4 heads, width 128, 64 characters at
a time, batches of 12, 2,000 steps of AdamW with a warm-up and a cosine; it reports a validation
loss of 1.88 on tinyshakespeare. Without --data, the Python reference manual that comes with every
Python.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from gatework.initializers import RandomNormal
from gatework.layers import Input, LayerNormalization, TokenAndPositionEmbedding, TransformerDecoder
from gatework.losses import SparseCategoricalCrossentropy
from gatework.models import Model
from gatework.optimizers import AdamW
from gatework.optimizers.schedules import CosineDecay
from gatework.samplers import TopKSampler
from gatework.tokenizers import CharacterTokenizer
from gatework.utils import set_random_seed

options = argparse.ArgumentParser()
options.add_argument("--data", type=Path)
options.add_argument("--characters", type=int, default=2_000_000, help="of the text, at most")
options.add_argument("--steps", type=int, default=2_000)
options.add_argument("--epochs", type=int, default=5, help="parts with a validation after each")
options.add_argument("--length", type=int, default=500, help="characters to write")
options.add_argument("--at-most", type=float, default=1.9, help="validation loss")
given = options.parse_args()
LAYERS, HEADS, WIDTH, BLOCK, BATCH = 4, 4, 128, 64, 12

# 1. Characters by number; the last tenth of the text is kept for validation.
text = given.data.read_text(encoding="utf-8") if given.data else "\n".join(topics.values())
text = text[: given.characters]
tokenizer = CharacterTokenizer.from_text(text)
train, valid = np.split(tokenizer.encode(text), [len(text) * 9 // 10])


def batches(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pieces of the text from anywhere, and for each the characters that follow."""
    while True:
        pieces = rng.integers(len(train) - BLOCK, size=(BATCH, 1)) + np.arange(BLOCK)
        yield train[pieces], train[pieces + 1]


count = (len(valid) - 1) // BLOCK
held_out = (
    valid[: count * BLOCK].reshape(count, BLOCK),
    valid[1 : count * BLOCK + 1].reshape(count, BLOCK),
)

# 2. The model: one table reads the characters and scores them.
set_random_seed(0)
small = RandomNormal(stddev=0.02)
ids = Input((None,), dtype="int32")
embedding = TokenAndPositionEmbedding(len(tokenizer), BLOCK, WIDTH, embeddings_initializer=small)
x = embedding(ids)
for _ in range(LAYERS):
    x = TransformerDecoder(
        4 * WIDTH, HEADS, activation="gelu", kernel_initializer=small, normalize_first=True
    )(x)
model = Model(ids, embedding.token_embedding(LayerNormalization()(x), reverse=True))
model.summary()

# 3. Training. Biases and the scales of normalizations are not pulled towards zero.
warmup = max(1, given.steps // 20)
schedule = CosineDecay(
    0.0, max(1, given.steps - warmup), alpha=0.1, warmup_target=1e-3, warmup_steps=warmup
)
optimizer = AdamW(schedule, weight_decay=0.1, beta_2=0.99, global_clipnorm=1.0)
optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
model.compile(optimizer, SparseCategoricalCrossentropy(from_logits=True))
model.fit(
    batches(np.random.default_rng(0)),
    steps_per_epoch=-(-given.steps // given.epochs),
    epochs=given.epochs,
    validation_data=held_out,
    verbose=2,
)

# 4. Writing: each character costs one step, until there are more than the model reads at a time.
written = model.generate(
    tokenizer.encode("\n"), 1 + given.length, TopKSampler(10), seed=0, window=BLOCK
)
print(tokenizer.decode(written[1:]))

# 5. The loss on the part not seen.
loss = model.evaluate(*held_out, batch_size=64, verbose=0)
print(f"validation: {loss:.3f} nats a character")
if loss > given.at_most:
    sys.exit(f"the loss should be at most {given.at_most}")

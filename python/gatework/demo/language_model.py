"""A word-level LSTM language model: build, train on windows, score a stream, continue a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gatework.layers import LSTM, Dense, Dropout, Embedding, Input, SpatialDropout1D
from gatework.models import Sequential
from gatework.optimizers import Adam
from gatework.optimizers.schedules import CosineDecay

from .ngram import Floats
from .settings import Settings
from .vocabulary import Ids

CONTEXT = 64  # words a scored word is sure to have before it, where the stream has them
SPAN = 64  # words scored per window


def build_model(vocabulary_size: int, settings: Settings, updates: int) -> Sequential:
    """The model, compiled: the learning rate warms up, then falls along a cosine to nothing.

    Args:
        vocabulary_size: V, the width of the output.
        settings: widths, dropout rates, learning rate.
        updates: how many steps the training will make.
    """
    model = Sequential(
        [
            Input(shape=(None,), dtype="int32"),
            Embedding(vocabulary_size, settings.units),
            SpatialDropout1D(settings.dropout_inputs),
            LSTM(
                settings.units,
                recurrent_dropout=settings.dropout_recurrent,
                return_sequences=True,
            ),
            Dropout(settings.dropout_outputs),
            Dense(vocabulary_size, activation="softmax"),
        ],
        name="next_word",
    )
    warmup = max(1, updates // 20)
    schedule = CosineDecay(
        initial_learning_rate=settings.learning_rate / warmup,
        decay_steps=max(1, updates - warmup),
        warmup_target=settings.learning_rate,
        warmup_steps=warmup,
    )
    model.compile(
        optimizer=Adam(learning_rate=schedule, global_clipnorm=settings.clipnorm),
        loss="sparse_categorical_crossentropy",
    )
    return model


def log_probabilities(model: Any, stream: Ids, first: int, batch: int = 16) -> Floats:
    """Natural logarithm of what `model` gives each word of `stream`, in order, shape (N,).

    The stream is read in overlapping windows. Each word is scored once, after at least
    `CONTEXT` of the words before it, or all of them near the beginning.

    Args:
        stream: numbers of the words, shape (N,).
        first: the number standing before the first word, that of ``</s>``.
        batch: windows per call of the model; bounds the memory, changes no result.
    """
    length = CONTEXT + SPAN
    windows = max(1, -(-(len(stream) - CONTEXT) // SPAN))
    padded = np.full(CONTEXT + windows * SPAN + 1, first, dtype=np.int32)
    padded[1 : len(stream) + 1] = stream
    positions = SPAN * np.arange(windows)[:, None] + np.arange(length)
    rows: list[Floats] = []
    for begin in range(0, windows, batch):
        part = positions[begin : begin + batch]
        probabilities = np.asarray(model.predict_on_batch(padded[part]))
        chosen = np.take_along_axis(probabilities, padded[part + 1][..., None], axis=-1)[..., 0]
        rows.extend(chosen.astype(np.float64))
    scored = np.concatenate([rows[0], *(row[CONTEXT:] for row in rows[1:])])[: len(stream)]
    return np.log(np.maximum(scored, np.finfo(np.float32).tiny))


def next_word(model: Any, history: Sequence[int]) -> Any:
    """The distribution of the word after `history`, shape (V,)."""
    window = np.asarray([history[-2 * CONTEXT :]], dtype=np.int32)
    return np.asarray(model.predict(window, verbose=0))[0, -1]


def continue_prompt(
    model: Any,
    history: Sequence[int],
    words: int,
    rng: np.random.Generator,
    *,
    never: Sequence[int] = (),
    temperature: float = 0.7,
) -> list[int]:
    """Draw `words` more words, one by one.

    Args:
        history: numbers of the prompt; the text so far, at least one.
        never: numbers that are not to be drawn, such as that of ``<unk>``.
        temperature: below 1 prefers likely words, 1 draws from the model as it is.
    """
    text = list(history)
    for _ in range(words):
        weights = next_word(model, text).astype(np.float64) ** (1.0 / temperature)
        weights[list(never)] = 0.0
        text.append(int(rng.choice(len(weights), p=weights / weights.sum())))
    return text[len(history) :]

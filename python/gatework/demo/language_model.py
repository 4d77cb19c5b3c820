"""A word-level LSTM language model: build, train on windows, score a stream, continue a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gatework import ops
from gatework.layers import LSTM, Dropout, Embedding, SpatialDropout1D
from gatework.models import Model
from gatework.optimizers import Adam
from gatework.optimizers.schedules import CosineDecay
from gatework.saving import register_keras_serializable

from .ngram import Floats
from .settings import Settings
from .vocabulary import Ids

CONTEXT = 64  # words a scored word is sure to have before it, where the stream has them
SPAN = 64  # words scored per window


@register_keras_serializable(package="gatework_demo")
class NextWordModel(Model):
    """p(next word | words before it) for every position, shape (batch, time, V).

    One table serves twice, to look words up and to score them: the logits are the LSTM's outputs
    times the transposed embedding, plus a bias (Press and Wolf, "Using the output embedding to
    improve language models", EACL 2017). On little text this is worth more than any other choice.

    Args:
        vocabulary_size: V.
        units: width of the embedding and of the LSTM.
        dropout_inputs: share of the embedding's features dropped, the same all along a window.
        dropout_outputs: share of the LSTM's outputs dropped.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        dropout_inputs: float = 0.0,
        dropout_outputs: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.embedding = Embedding(vocabulary_size, units, name="embedding")
        self.dropout_inputs = SpatialDropout1D(dropout_inputs, name="dropout_inputs")
        self.lstm = LSTM(units, return_sequences=True, name="lstm")
        self.dropout_outputs = Dropout(dropout_outputs, name="dropout_outputs")

    def build(self, input_shape: Any) -> None:
        """Give the layers their weights."""
        batch, time = input_shape
        self.embedding.build((batch, time))
        self.lstm.build((batch, time, self.units))
        self.bias = self.add_weight((self.vocabulary_size,), initializer="zeros", name="bias")
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Probabilities (batch, time, V) of the word after each of `inputs` (batch, time)."""
        x = self.dropout_inputs(self.embedding(inputs), training=training)
        h = self.dropout_outputs(self.lstm(x), training=training)
        table = ops.transpose(self.embedding.embeddings)
        return ops.softmax(ops.matmul(h, table) + self.bias)

    def get_config(self) -> dict[str, Any]:
        """What `load_model` needs to make the model again."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "dropout_inputs": self.dropout_inputs.rate,
            "dropout_outputs": self.dropout_outputs.rate,
        }


def build_model(vocabulary_size: int, settings: Settings, updates: int) -> NextWordModel:
    """The model with its weights, compiled.

    The learning rate climbs during a twentieth of the updates, then falls along a cosine to
    nothing; gradients are clipped by their common norm.

    Args:
        vocabulary_size: V.
        settings: widths, dropout rates, learning rate.
        updates: how many steps the training will make.
    """
    model = NextWordModel(
        vocabulary_size,
        settings.units,
        settings.dropout_inputs,
        settings.dropout_outputs,
        name="next_word",
    )
    model.build((None, settings.steps))
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
    result: Floats = np.log(np.maximum(scored, np.finfo(np.float32).tiny))
    return result


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

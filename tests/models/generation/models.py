"""Small language models of every kind that generate() goes on from, with weights of some weight."""

from typing import Any

import numpy as np
from gatework import ops
from gatework.layers import (
    GRU,
    LSTM,
    Add,
    Concatenate,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    GroupedQueryAttention,
    Input,
    LayerNormalization,
    MultiHeadAttention,
    SimpleRNN,
    SinePositionEncoding,
    SpatialDropout1D,
    TimeDistributed,
    TokenAndPositionEmbedding,
    TransformerDecoder,
)
from gatework.models import Model, Sequential

VOCABULARY = 23


def chain(*layers: Any) -> Sequential:
    return Sequential([Input((None,), dtype="int32"), *layers])


def tutorial() -> Sequential:
    """As it is often written: the model gives the distribution after the last step alone."""
    model = Sequential()
    model.add(Embedding(VOCABULARY, 8, input_length=5))
    model.add(SpatialDropout1D(0.2))
    model.add(LSTM(16, dropout=0.2, recurrent_dropout=0.2))
    model.add(Dense(VOCABULARY, activation="softmax"))
    return model


def functional() -> Model:
    ids = Input((None,), dtype="int32")
    x = Embedding(VOCABULARY, 12)(ids)
    shared = Dense(12, activation="tanh")
    y = LSTM(12, return_sequences=True)(shared(x))
    z = Add()([x, shared(y)]) * 2.0 - ops.tanh(x)
    z = Conv1D(12, 3, padding="causal", activation="relu")(z)
    z = Concatenate()([z, LayerNormalization()(y)])
    return Model(ids, ops.softmax(Dense(VOCABULARY)(z)))


def nested() -> Model:
    ids = Input((None,), dtype="int32")
    inside = Sequential([Embedding(VOCABULARY, 8), GRU(8, return_sequences=True)])
    features, *_ = SimpleRNN(10, return_sequences=True, return_state=True)(inside(ids))
    return Model(ids, Dense(VOCABULARY)(features[:, -1]))


class Tied(Model):
    """A subclass that says itself how it goes step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = Embedding(VOCABULARY, 12)
        self.lstm = LSTM(12, return_sequences=True)

    def score(self, h: Any) -> Any:
        return ops.matmul(h, ops.transpose(self.embedding.embeddings))

    def call(self, inputs: Any) -> Any:
        return self.score(self.lstm(self.embedding(inputs)))

    def initial_cache(self, batch_size: int, max_length: int) -> Any:
        return self.lstm.initial_cache(batch_size, max_length)

    def call_with_cache(self, inputs: Any, cache: Any, *args: Any, **kwargs: Any) -> Any:
        h, cache = self.lstm.call_with_cache(self.embedding(inputs), cache)
        return self.score(h), cache


def gpt(**options: Any) -> Model:
    ids = Input((None,), dtype="int32")
    embedding = TokenAndPositionEmbedding(VOCABULARY, 32, 16, **options)
    x = embedding(ids)
    for _ in range(2):
        x = TransformerDecoder(32, 4, normalize_first=not options)(x)
    return Model(ids, embedding.token_embedding(LayerNormalization()(x), reverse=True))


def attention() -> Model:
    """Self-attention as it is written with Keras' own layers."""
    ids = Input((None,), dtype="int32")
    x = Embedding(VOCABULARY, 16)(ids)
    x = x + SinePositionEncoding()(x)
    x = x + MultiHeadAttention(4, 4, value_dim=3)(x, x, use_causal_mask=True)
    x = LayerNormalization()(x + GroupedQueryAttention(4, 4, 2)(x, x, use_causal_mask=True))
    return Model(ids, Dense(VOCABULARY, activation="softmax")(x))


MODELS = {
    "LSTM": lambda: chain(
        Embedding(VOCABULARY, 8),
        LSTM(16, return_sequences=True, num_layers=2),
        Dropout(0.5),
        Dense(VOCABULARY),
    ),
    "GRU": lambda: chain(
        Embedding(VOCABULARY, 8),
        GRU(16, return_sequences=True),
        TimeDistributed(Dense(VOCABULARY, activation="softmax")),
    ),
    "stateful": lambda: chain(
        Embedding(VOCABULARY, 8),
        LSTM(16, return_sequences=True, stateful=True),
        Dense(VOCABULARY, activation="softmax"),
    ),
    "id 0 masked": lambda: chain(
        Embedding(VOCABULARY, 8, mask_zero=True),
        LSTM(16, return_sequences=True),
        GRU(16),
        Dense(VOCABULARY),
    ),
    "tutorial": tutorial,
    "functional": functional,
    "nested": nested,
    "subclass": Tied,
    "GPT": gpt,
    "GPT, id 0 masked": lambda: gpt(mask_zero=True),
    "attention": attention,
    "bfloat16": lambda: chain(
        Embedding(VOCABULARY, 8),
        LSTM(16, return_sequences=True, dtype="mixed_bfloat16"),
        Dense(VOCABULARY, dtype="mixed_bfloat16"),
    ),
}


def made(name: str, seed: int = 0) -> Any:
    """The model, with weights large enough for texts that differ."""
    model = MODELS[name]()
    model(np.zeros((1, 3), np.int32))
    model.reset_states()
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(scale=0.7, size=w.shape) for w in model.weights])
    return model

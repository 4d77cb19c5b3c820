"""generate() with a context: encoders are run once, decoders step by step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gatework import ops, samplers
from gatework.layers import (
    GRU,
    LSTM,
    Add,
    Attention,
    Concatenate,
    Dense,
    Embedding,
    GlobalAveragePooling1D,
    Input,
    MultiHeadAttention,
    TokenAndPositionEmbedding,
    TransformerDecoder,
    TransformerEncoder,
)
from gatework.models import Model

from tests.models.generation.models import VOCABULARY, made

SOURCES = np.array([[3, 4, 5, 0], [6, 0, 0, 0], [7, 8, 9, 10]])
PROMPTS = [[1, 2], [1], [1, 5, 6]]
LENGTH = 16


def inputs() -> tuple[Any, Any]:
    source = Input((None,), dtype="int32", name="source")
    return source, Input((None,), dtype="int32", name="target")


def transformer(normalize_first: bool = True) -> Model:
    source, target = inputs()
    reads = TokenAndPositionEmbedding(VOCABULARY, 16, 12, mask_zero=True)
    writes = TokenAndPositionEmbedding(VOCABULARY, 16, 12)
    encoded = TransformerEncoder(16, 3, normalize_first=normalize_first)(reads(source))
    hidden = writes(target)
    for _ in range(2):
        hidden = TransformerDecoder(16, 3, normalize_first=normalize_first)(hidden, encoded)
    return Model([source, target], writes.token_embedding(hidden, reverse=True))


def states() -> Model:
    """The states of one LSTM start the other (Sutskever et al. 2014)."""
    source, target = inputs()
    _, h, c = LSTM(12, return_state=True)(Embedding(VOCABULARY, 8, mask_zero=True)(source))
    x = LSTM(12, return_sequences=True)(Embedding(VOCABULARY, 8)(target), initial_state=[h, c])
    return Model([source, target], Dense(VOCABULARY, activation="softmax")(x))


def luong() -> Model:
    source, target = inputs()
    encoded = GRU(12, return_sequences=True)(Embedding(VOCABULARY, 8, mask_zero=True)(source))
    x = GRU(12, return_sequences=True)(Embedding(VOCABULARY, 8)(target))
    found = Attention()([x, encoded])
    return Model([source, target], Dense(VOCABULARY)(Concatenate()([x, found])))


def heads() -> Model:
    source, target = inputs()
    encoded = Embedding(VOCABULARY, 12, mask_zero=True)(source)
    x = GRU(12, return_sequences=True)(Embedding(VOCABULARY, 12)(target))
    x = x + MultiHeadAttention(3, 4)(x, encoded)
    return Model({"source": source, "target": target}, Dense(VOCABULARY)(x))


def operations() -> Model:
    """Attention and a summary written with operations; the ids come first."""
    source, target = inputs()
    encoded = Embedding(VOCABULARY, 12)(source)
    x = LSTM(12, return_sequences=True)(Embedding(VOCABULARY, 12)(target))
    weights = ops.softmax(ops.matmul(x, ops.transpose(encoded, (0, 2, 1))))
    x = x + ops.matmul(weights, encoded) * ops.mean(encoded, axis=1, keepdims=True)
    x = Add()([x, GlobalAveragePooling1D()(encoded)])
    return Model([target, source], Dense(VOCABULARY)(x))


MODELS: dict[str, Callable[[], Model]] = {
    "Transformer": transformer,
    "Transformer, normalized last": lambda: transformer(False),
    "states": states,
    "attention": luong,
    "heads": heads,
    "operations": operations,
}


def weighted(name: str) -> Any:
    model = MODELS[name]()
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(scale=0.7, size=w.shape) for w in model.weights])
    return model


@pytest.mark.parametrize("sampler", ["greedy", "top_k", "beam"])
@pytest.mark.parametrize("name", MODELS)
def test_with_and_without_caches_together_and_alone(name: str, sampler: str) -> None:
    model = weighted(name)
    context = {"source": SOURCES}
    options = {"stop_tokens": [7, 11], "seed": 3, "context": context}
    cached = model.generate(PROMPTS, LENGTH, sampler, **options)
    anew = model.generate(PROMPTS, LENGTH, sampler, use_cache=False, **options)
    assert [row.tolist() for row in cached] == [row.tolist() for row in anew]
    for i, prompt in enumerate(PROMPTS if sampler != "top_k" else PROMPTS[:1]):
        options["context"] = {"source": SOURCES[i : i + 1]}
        assert model.generate(prompt, LENGTH, sampler, **options).tolist() == cached[i].tolist()


@pytest.mark.parametrize("name", ["Transformer", "states"])
def test_greedy_is_the_argmax_of_predict(name: str) -> None:
    model = weighted(name)
    text = [1]
    while len(text) < 10:
        scores = model.predict([SOURCES[:1], np.array([text])], verbose=0)[0, -1]
        text.append(int(scores.argmax()))
    assert model.generate([1], 10, context=SOURCES[:1]).tolist() == text
    assert model.generate([1], 10, context=[SOURCES[:1]]).tolist() == text
    assert list(model.stream_generate([1], 10, context=SOURCES[:1])) == text[1:]


def test_a_window_beyond_which_all_is_read_anew() -> None:
    model = weighted("states")
    options = {"context": SOURCES, "window": 5, "stop_tokens": 11}
    cached = model.generate(PROMPTS, LENGTH, samplers.BeamSampler(2), **options)
    anew = model.generate(PROMPTS, LENGTH, samplers.BeamSampler(2), use_cache=False, **options)
    assert [row.tolist() for row in cached] == [row.tolist() for row in anew]


def side_by_side() -> Model:
    source, target = inputs()
    return Model([source, target], Embedding(9, 4)(source) + Embedding(9, 4)(target))


def pairs_of_steps() -> Model:
    source, target = inputs()
    return Model([source, target], Add()([Embedding(9, 4)(source), Embedding(9, 4)(target)]))


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (transformer, {}, "context must be given for .* with its inputs 'source', 'target'"),
        (transformer, {"context": SOURCES[:2]}, r"context must have 1 row\(s\).*'source'"),
        (transformer, {"context": [SOURCES, SOURCES]}, r"context must be 1 array\(s\), .*not 2"),
        (transformer, {"context": {"sauce": SOURCES}}, "context must hold all inputs.*not 'sauce'"),
        (transformer, {"context": {}}, "context must hold all inputs of the model but one"),
        (transformer, {"context": SOURCES[0, 0]}, r"must have shape \(batch, any\)"),
        (lambda: made("LSTM"), {"context": SOURCES}, "context must be None for"),
        (side_by_side, {"context": SOURCES[:1]}, "values for every step"),
        (pairs_of_steps, {"context": SOURCES[:1]}, "a step of another sequence"),
    ],
)
def test_bad_contexts_are_named(make: Any, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make().generate([1], LENGTH, **options)


def test_the_model_itself_is_not_stepped_without_its_context() -> None:
    with pytest.raises(ValueError, match="it has several inputs, 'source', 'target'"):
        transformer().initial_cache(1, 4)

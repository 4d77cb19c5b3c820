"""`generate` on programs: which models have one, and that it writes what the layers write."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
from gatework import layers
from gatework.inference import writing
from gatework.models import Model
from gatework.models.decoding import ModelDecoder
from gatework.models.reading import Reading

from tests.models.generation.models import MODELS, VOCABULARY, made

STREAMS = sorted(set(MODELS) - {"functional", "nested", "stateful", "subclass"})
PLAIN = Reading(None, True, None, None, None)


def by_layers(monkeypatch: Any) -> None:
    monkeypatch.setattr(writing, "token_stream", lambda *_: None)


@pytest.mark.parametrize("name", MODELS)
def test_which_models_have_a_program(name: str) -> None:
    stream = writing.token_stream(made(name), 2, 8, None, None)
    assert (stream is not None) == (name in STREAMS)


@pytest.mark.parametrize("name", STREAMS)
def test_scores_are_those_of_the_layers(name: str, monkeypatch: Any) -> None:
    model = made(name)
    ids = np.random.default_rng(1).integers(0, VOCABULARY, (3, 12))
    program = ModelDecoder(model, 3, 12, PLAIN)
    by_layers(monkeypatch)
    plain = ModelDecoder(model, 3, 12, PLAIN)
    assert program._stream is not None
    assert plain._stream is None
    for begin, end in ((0, 5), (5, 6), (6, 7), (7, 10)):
        wanted = plain.advance(ids[:, begin:end])
        found = program.advance(ids[:, begin:end])
        np.testing.assert_allclose(_distribution(found), _distribution(wanted), atol=2e-4)
    rows = [2, 0, 2, 1]
    program.select(rows)
    plain.select(rows)
    found, wanted = program.advance(ids[rows, 10:11]), plain.advance(ids[rows, 10:11])
    np.testing.assert_allclose(_distribution(found), _distribution(wanted), atol=2e-4)


def _distribution(scores: Any) -> Any:
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", ["GPT", "GPT, id 0 masked", "attention"])
def test_a_stream_sees_weights_that_change(name: str, monkeypatch: Any) -> None:
    def written() -> list[int]:
        model = made(name)
        stream = model.stream_generate([3, 1], 24)
        found = list(islice(stream, 6))
        model.set_weights([w[..., ::-1].copy() for w in model.get_weights()])
        found += list(islice(stream, 8))
        return [*found, *model.generate([3, 1], 24).tolist()]

    found = written()
    by_layers(monkeypatch)
    assert found == written()


def test_a_program_is_made_once_for_the_same_weights() -> None:
    model = made("GPT")
    first = writing.token_stream(model, 1, 8, None, None)
    again = writing.token_stream(model, 2, 9, None, None)
    assert first is not None
    assert again is not None
    assert first._linked is again._linked
    model.layers[1].trainable_weights[0].assign_add(np.float32(1))
    later = writing.token_stream(model, 1, 8, None, None)
    assert later is not None
    assert later._linked is not first._linked


@pytest.mark.parametrize("mask_zero", [False, True])
def test_what_does_not_depend_on_the_tokens_runs_once(mask_zero: bool, monkeypatch: Any) -> None:
    texts, ids = (layers.Input((None,), dtype="int32") for _ in range(2))
    encoded = layers.Embedding(VOCABULARY, 12, mask_zero=mask_zero)(texts)
    encoded = layers.TransformerEncoder(16, 3)(encoded)
    x = layers.TokenAndPositionEmbedding(VOCABULARY, 30, 12)(ids)
    x = layers.TransformerDecoder(16, 3)(x, encoded)
    model = Model([texts, ids], layers.Dense(VOCABULARY, "softmax")(x))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(scale=0.7, size=w.shape) for w in model.weights])
    given = rng.integers(1, VOCABULARY, (3, 6))
    given[1, 3:] = 0
    prompts = [[1, 2, 3], [4], [5, 6]]
    options: dict[str, Any] = {"context": given, "stop_tokens": [7, 11]}
    for sampler in ("greedy", "beam"):
        found = model.generate(prompts, 20, sampler, **options)
        anew = model.generate(prompts, 20, sampler, use_cache=False, **options)
        assert [row.tolist() for row in found] == [row.tolist() for row in anew]
    decoder = ModelDecoder(model, 3, 20, Reading(None, True, None, None, given))
    stream = decoder._stream
    assert stream is not None
    assert stream.logits
    assert len(stream._steady) == 2 + mask_zero  # keys, values, and the ids that tell the mask
    programs = [one for one in (stream._linked.first, stream._linked.second) if one is not None]
    assert len(programs) == 2
    by_layers(monkeypatch)
    plain = ModelDecoder(model, 3, 20, Reading(None, True, None, None, given))
    tokens = rng.integers(0, VOCABULARY, (3, 4))
    np.testing.assert_allclose(
        _distribution(decoder.advance(tokens)), _distribution(plain.advance(tokens)), atol=2e-4
    )


def test_a_model_with_too_few_positions_is_left_to_its_layers() -> None:
    model = made("GPT")
    assert writing.token_stream(model, 1, 32, None, None) is not None
    assert writing.token_stream(model, 1, 33, None, None) is None

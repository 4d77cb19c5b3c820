"""Scoring a stream and continuing a prompt, with models whose answers are known."""

import numpy as np
import pytest
from gatework.demo.language_model import (
    CONTEXT,
    SPAN,
    build_model,
    continue_prompt,
    log_probabilities,
    next_word,
)
from gatework.demo.settings import Settings
from gatework.demo.windows import Windows

V = 12


class Successor:
    """Gives 0.89 to the number after the last one and 0.01 to the others."""

    def predict(self, x, verbose=0):
        p = np.full((*x.shape, V), 0.01, np.float32)
        np.put_along_axis(p, (x[..., None] + 1) % V, 0.89, axis=-1)
        return p

    predict_on_batch = predict


class Position(Successor):
    """Its probabilities tell how many words it has read: 1 / (V * words read)."""

    def predict_on_batch(self, x):
        read = np.arange(1, x.shape[1] + 1, dtype=np.float32)
        return np.broadcast_to(1 / (V * read)[None, :, None], (*x.shape, V))


@pytest.mark.parametrize("length", [1, 5, CONTEXT, CONTEXT + SPAN, CONTEXT + SPAN + 1, 1000])
def test_each_word_is_scored_once_and_in_order(length):
    stream = np.arange(length) % V
    stream[3::5] = 0
    before = np.concatenate([[7], stream[:-1]])
    expected = np.where(stream == (before + 1) % V, np.log(0.89), np.log(0.01))
    scored = log_probabilities(Successor(), stream, first=7)
    np.testing.assert_allclose(scored, expected, rtol=1e-5)


def test_each_word_has_context_before_it():
    scored = log_probabilities(Position(), np.zeros(1000, np.int64), first=1, batch=3)
    read = np.exp(-scored) / V
    np.testing.assert_allclose(read[:CONTEXT], np.arange(1, CONTEXT + 1), rtol=1e-5)
    assert read[CONTEXT:].min() > CONTEXT - 0.01


def test_continuation_follows_the_model_and_avoids_what_it_must():
    rng = np.random.default_rng(0)
    assert continue_prompt(Successor(), [0], 5, rng, temperature=0.1) == [1, 2, 3, 4, 5]
    drawn = continue_prompt(Successor(), [0], 50, rng, never=[1, 3], temperature=1.0)
    assert not {1, 3} & set(drawn)


def test_model_is_a_distribution_over_the_vocabulary():
    model = build_model(V, Settings(units=8), updates=10)
    for history in ([1], [1, 2, 3]):
        p = next_word(model, history)
        assert p.shape == (V,)
        assert p.sum() == pytest.approx(1.0, abs=1e-5)


def test_scores_of_a_real_model_equal_one_long_read():
    model = build_model(V, Settings(units=8), updates=10)
    stream = np.random.default_rng(0).integers(0, V, CONTEXT + SPAN)
    p = model.predict(np.concatenate([[1], stream])[None, :-1].astype("int32"), verbose=0)[0]
    expected = np.log(p[np.arange(len(stream)), stream])
    np.testing.assert_allclose(log_probabilities(model, stream, first=1), expected, rtol=1e-4)


def test_the_embedding_is_also_the_output():
    model = build_model(V, Settings(units=8), updates=10)
    names = [w.name for w in model.trainable_weights]
    assert len(names) == 5  # embedding, three of the LSTM, bias
    assert model.count_params() == V * 8 + 4 * 8 * (8 + 8 + 1) + V


def test_training_learns_a_fixed_succession():
    stream = np.tile(np.arange(2, V), 200)
    settings = Settings(
        units=24, dropout_inputs=0.0, dropout_outputs=0.0, learning_rate=0.02, clipnorm=1.0
    )
    windows = Windows(stream, 1, steps=10, batch=8, seed=0)
    model = build_model(V, settings, updates=8 * len(windows))
    history = model.fit(windows, epochs=8, verbose=0).history["loss"]
    assert history[-1] < 0.1 < history[0]
    assert next_word(model, [1, 2, 3, 4]).argmax() == 5


def test_model_survives_saving(tmp_path):
    from gatework.models import load_model

    model = build_model(V, Settings(units=8), updates=10)
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(next_word(again, [1, 2, 3]), next_word(model, [1, 2, 3]))

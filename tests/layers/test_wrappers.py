"""TimeDistributed and Wrapper: values, masks, configurations, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework.layers import (
    LSTM,
    Dense,
    Dropout,
    Embedding,
    Layer,
    TimeDistributed,
    Wrapper,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 3)).astype(np.float32)
MASK = np.array([[1, 1, 0, 1, 0], [0, 0, 1, 1, 1]], bool)


class TestTimeDistributed:
    def test_every_step_alike(self) -> None:
        inner = Dense(4, activation="relu")
        out = TimeDistributed(inner)(X).numpy()
        for t in range(5):
            np.testing.assert_allclose(out[:, t], inner(X[:, t]).numpy(), rtol=1e-5, atol=1e-6)

    def test_sequences_of_sequences(self) -> None:
        x = RNG.normal(size=(2, 4, 5, 3)).astype(np.float32)
        inner = LSTM(6)
        layer = TimeDistributed(inner)
        out = layer(x)
        assert out.shape == (2, 4, 6)
        assert layer.compute_output_shape((None, 4, 5, 3)) == (None, 4, 6)
        np.testing.assert_allclose(out.numpy()[:, 2], inner(x[:, 2]).numpy(), rtol=1e-5, atol=1e-6)

    def test_passes_the_mask(self) -> None:
        ids = np.array([[1, 2, 0], [3, 0, 0]])
        out = TimeDistributed(Dense(2))(Embedding(4, 3, mask_zero=True)(ids))
        np.testing.assert_array_equal(np.asarray(out._keras_mask), ids != 0)

    def test_training_reaches_the_layer(self) -> None:
        layer = TimeDistributed(Dropout(0.5, seed=1))
        np.testing.assert_array_equal(layer(X).numpy(), X)
        assert (layer(X, training=True).numpy() == 0).any()

    def test_weights_and_config(self) -> None:
        layer = TimeDistributed(Dense(4, name="each"), name="steps")
        layer.build((None, 5, 3))
        assert [w.shape for w in layer.weights] == [(3, 4), (4,)]
        again = TimeDistributed.from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
        assert again.layer.name == "each"

    def test_refused(self) -> None:
        with pytest.raises(ValueError, match="layer must be a Layer, not 3"):
            TimeDistributed(3)
        with pytest.raises(ValueError, match=r"must have shape \(batch, time, ...\), not \(2, 3\)"):
            TimeDistributed(Dense(2))(X[:, 0])
        with pytest.raises(ValueError, match=r"must have shape \(2, 5\), not \(2, 4\)"):
            TimeDistributed(Dense(2))(X, mask=MASK[:, :4])


class Marks(Layer):
    """Puts out the mask it gets."""

    def call(self, inputs: Any, mask: Any = None) -> Any:
        assert mask is not None
        return np.asarray(mask, np.float32).reshape(len(inputs), -1)


class Mean(Layer):
    """Keeps a statistic: how many batches it has seen in training."""

    def build(self, input_shape: Any) -> None:
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs: Any, training: bool = False) -> Any:
        if training:
            self.seen.assign_add(1.0)
        return inputs


class TestMasksOfSteps:
    IDS = RNG.integers(0, 3, size=(2, 5, 4))

    def test_a_mask_of_words_reaches_the_layer_that_reads_them(self) -> None:
        """Sentences of words: each sentence's own mask."""
        words = Embedding(3, 3, mask_zero=True)(self.IDS)
        inner = LSTM(6)
        out = TimeDistributed(inner)(words)
        for t in range(5):
            expected = inner(words.numpy()[:, t], mask=self.IDS[:, t] != 0)
            np.testing.assert_allclose(out.numpy()[:, t], expected.numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(np.asarray(out._keras_mask), (self.IDS != 0).any(-1))

    def test_outputs_of_every_word_keep_their_mask(self) -> None:
        words = Embedding(3, 3, mask_zero=True)(self.IDS)
        out = TimeDistributed(LSTM(6, return_sequences=True))(words)
        np.testing.assert_array_equal(np.asarray(out._keras_mask), self.IDS != 0)

    def test_a_mask_of_sentences_masks_all_their_words(self) -> None:
        words = Embedding(3, 3)(self.IDS)
        inner = LSTM(6)
        out = TimeDistributed(inner)(words, mask=MASK).numpy()
        plain = TimeDistributed(inner)(words).numpy()
        np.testing.assert_array_equal(out[~MASK], 0)
        np.testing.assert_allclose(out[MASK], plain[MASK], rtol=1e-6)

    def test_any_other_layer_gets_the_mask_of_its_step(self) -> None:
        out = TimeDistributed(Marks())(X, mask=MASK)
        np.testing.assert_array_equal(out.numpy()[..., 0], MASK)

    def test_statistics_are_those_of_one_step_after_the_other(self) -> None:
        layer = TimeDistributed(Mean())
        np.testing.assert_array_equal(layer(X, training=True).numpy(), X)
        assert float(layer.layer.seen) == 5
        np.testing.assert_array_equal(layer(X).numpy(), X)
        assert float(layer.layer.seen) == 5


def test_a_wrapper_somebody_wrote() -> None:
    class Twice(Wrapper):
        def call(self, inputs: Any) -> Any:
            return self.layer(inputs) * 2.0

    layer = Twice(Dense(3))
    inner = layer.layer
    np.testing.assert_allclose(layer(X).numpy(), 2 * inner(X).numpy(), rtol=1e-6)
    assert layer.weights == inner.weights
    again = Twice.from_config(layer.get_config())
    assert again.layer.get_config() == inner.get_config()
    with pytest.raises(ValueError, match="layer must be a Layer, not 3"):
        Wrapper(3)

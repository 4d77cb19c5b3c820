"""ReversibleEmbedding: one table both ways, or two."""

from __future__ import annotations

import numpy as np
import pytest
from gatework import GradientTape
from gatework.layers import ReversibleEmbedding
from gatework.layers.symbolic import KerasTensor

IDS = np.array([[1, 2, 0], [0, 3, 3]])


@pytest.mark.parametrize("tied", [True, False])
def test_both_ways(tied: bool) -> None:
    layer = ReversibleEmbedding(4, 2, tie_weights=tied, mask_zero=True)
    vectors = layer(IDS)
    np.testing.assert_array_equal(vectors.numpy(), layer.embeddings.numpy()[IDS])
    np.testing.assert_array_equal(np.asarray(vectors._keras_mask), IDS != 0)
    with GradientTape() as tape:
        logits = layer(vectors, reverse=True)
    back = layer.embeddings.numpy().T if tied else layer.reverse_embeddings.numpy()
    np.testing.assert_allclose(logits.numpy(), vectors.numpy() @ back, rtol=1e-5, atol=1e-7)
    assert len(layer.weights) == (1 if tied else 2)
    table = layer.embeddings if tied else layer.reverse_embeddings
    expected = np.tile(vectors.numpy().sum((0, 1)), (4, 1))
    found = np.asarray(tape.gradient(logits, table))
    np.testing.assert_allclose(found, expected if tied else expected.T, rtol=1e-5, atol=1e-7)


def test_the_cap_of_logits() -> None:
    layer = ReversibleEmbedding(4, 2, embeddings_initializer="ones", logit_soft_cap=3.0)
    y = layer(np.full((1, 2), 10.0, np.float32), reverse=True)
    np.testing.assert_allclose(y.numpy(), 3 * np.tanh(20 / 3) * np.ones((1, 4)), rtol=1e-6)


def test_shapes_of_what_is_to_come() -> None:
    layer = ReversibleEmbedding(4, 2)
    vectors = layer(KerasTensor((None, 3), dtype="int32"))
    assert vectors.shape == (None, 3, 2)
    assert layer(vectors, reverse=True).shape == (None, 3, 4)


def test_configuration() -> None:
    layer = ReversibleEmbedding(4, 2, tie_weights=False, logit_soft_cap=5.0, mask_zero=True)
    again = ReversibleEmbedding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    for given, sentence in (
        ({"reverse_dtype": "float16"}, "reverse_dtype must be None or 'float32', not 'float16'"),
        ({"logit_soft_cap": 0.0}, "logit_soft_cap must be None or positive, not 0.0"),
    ):
        with pytest.raises(ValueError, match=sentence):
            ReversibleEmbedding(4, 2, **given)

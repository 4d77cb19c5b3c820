"""Transformer layers against KerasHub, live: outputs, gradients, caches, files both ways.

KerasHub runs without TensorFlow: pip install --no-deps keras-hub regex tokenizers
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest

from tests.peers.keras_side import agree, as_array, random_weights, run_gatework, run_keras

keras = pytest.importorskip("keras", reason="compares with Keras 3, which is not installed")
pytest.importorskip("torch", reason="runs Keras on PyTorch, which is not installed")
# It reads its own deprecated names while it is imported.
with pytest.MonkeyPatch.context() as patch:
    patch.setattr("warnings.warn", lambda *_, **__: None)
    keras_hub = pytest.importorskip("keras_hub", reason="KerasHub is not installed")

# Layers of positions know no masks, and Keras warns of it.
pytestmark = pytest.mark.filterwarnings("ignore:Layer .*position:UserWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 8)).astype(np.float32)
HEADS = RNG.normal(size=(3, 5, 2, 8)).astype(np.float32)
ENCODED = RNG.normal(size=(3, 4, 6)).astype(np.float32)
IDS = np.array([[1, 2, 3, 0, 0], [8, 7, 5, 6, 1], [4, 7, 3, 2, 0]], np.int32)
STEPS = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0]], bool)
ENCODED_STEPS = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]], bool)
# KerasHub's attention knows no row without any pair.
PAIRS = (RNG.random((3, 5, 5)) < 0.6) | (np.arange(5) == 0)
ENCODED_PAIRS = (RNG.random((3, 5, 4)) < 0.6) | (np.arange(4) == 0)
PLACES = np.array([[3, 1, 4, 1, 5], [0, 1, 2, 3, 4], [8, 7, 6, 5, 4]])
BLOCKS: list[dict[str, Any]] = [
    {},
    {"normalize_first": True, "activation": "gelu", "layer_norm_epsilon": 1e-3, "dropout": 0.1},
]
blocks = pytest.mark.parametrize("options", BLOCKS, ids=["last", "first"])


def compare(name: str, options: dict[str, Any], x: Any, spread: bool = False, **given: Any) -> None:
    """Outputs and gradients of weights and inputs."""
    theirs = getattr(keras_hub.layers, name)(**options)
    theirs(*x, **given) if spread else theirs(x, **given)
    weights = random_weights(np.random.default_rng(1), theirs)
    ours = getattr(gatework.layers, name)(**options)
    expected, up, gradients = run_keras(theirs, weights, x, 2, spread, **given)
    outputs, slopes = run_gatework(ours, weights, x, up, spread, **given)
    agree(outputs, expected)
    agree(slopes, gradients, tolerance=3e-5)
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]


@blocks
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"padding_mask": STEPS},
        {"attention_mask": PAIRS},
        {"padding_mask": STEPS, "attention_mask": PAIRS},
    ],
    ids=lambda given: "+".join(given) or "plain",
)
def test_encoder(options: dict[str, Any], given: dict[str, Any]) -> None:
    compare("TransformerEncoder", {"intermediate_dim": 12, "num_heads": 2, **options}, X, **given)


@blocks
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"use_causal_mask": False},
        {"decoder_padding_mask": STEPS},
        {"decoder_attention_mask": PAIRS},
    ],
    ids=lambda given: "+".join(given) or "plain",
)
def test_decoder(options: dict[str, Any], given: dict[str, Any]) -> None:
    compare("TransformerDecoder", {"intermediate_dim": 12, "num_heads": 2, **options}, X, **given)


@blocks
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"encoder_padding_mask": ENCODED_STEPS, "decoder_padding_mask": STEPS},
        {"encoder_attention_mask": ENCODED_PAIRS},
    ],
    ids=lambda given: "+".join(given) or "plain",
)
def test_cross_attention(options: dict[str, Any], given: dict[str, Any]) -> None:
    arguments = {"intermediate_dim": 12, "num_heads": 2, **options}
    compare("TransformerDecoder", arguments, [X, ENCODED], spread=True, **given)


ROTATIONS: list[dict[str, Any]] = [
    {},
    {"max_wavelength": 100, "scaling_factor": 2.0},
    {"rope_type": "dynamic", "scaling_factor": 3.0, "denominator_dim": 12},
    {"rope_type": "yarn", "scaling_factor": 4.0, "original_max_position_embeddings": 16},
    {
        "rope_type": "yarn",
        "scaling_factor": 4.0,
        "truncate": False,
        "max_wavelength": 50,
        "beta_fast": 3.0,
        "original_max_position_embeddings": 64,
    },
]


POSITIONS: list[dict[str, Any]] = [
    {},
    {"start_index": 3},
    {"positions": PLACES},
    {"positions": PLACES[0]},
]


@pytest.mark.parametrize("which", range(len(ROTATIONS)))
def test_rotary_embedding(which: int) -> None:
    given = POSITIONS[which % len(POSITIONS)]
    compare("RotaryEmbedding", ROTATIONS[which], HEADS if which % 2 else X, **given)
    if which == 0:
        options = {"sequence_axis": 2, "feature_axis": 1}
        compare("RotaryEmbedding", options, X.swapaxes(1, 2), **given)


@pytest.mark.parametrize("given", POSITIONS, ids=["plain", "start", "each", "shared"])
def test_added_positions(given: dict[str, Any]) -> None:
    compare("SinePositionEncoding", {"max_wavelength": 500}, X, **given)
    compare("PositionEmbedding", {"sequence_length": 9}, X, **given)
    sizes = {"vocabulary_size": 9, "sequence_length": 9, "embedding_dim": 6}
    compare("TokenAndPositionEmbedding", {**sizes, "mask_zero": True}, IDS, **given)


@pytest.mark.parametrize("heads", [2, 3])
def test_alibi(heads: int) -> None:
    compare("AlibiBias", {"alibi_bias_max": 6}, RNG.normal(size=(2, heads, 4, 5)).astype("float32"))


@blocks
@pytest.mark.parametrize("crosses", [False, True])
def test_caches(options: dict[str, Any], crosses: bool) -> None:
    """Two steps, then one after the other: outputs and caches."""
    seen = [ENCODED] if crosses else []
    pair = [
        library.layers.TransformerDecoder(12, 2, **options) for library in (keras_hub, gatework)
    ]
    for layer in pair:
        layer(X, *seen)
    pair[0].set_weights(random_weights(np.random.default_rng(1), pair[0]))
    pair[1].set_weights(pair[0].get_weights())
    own = [np.zeros((3, 2, 7, 2, 4), np.float32)] * 2
    cross = [np.zeros((3, 2, 4, 2, 4), np.float32)] * 2
    for start, stop in ((0, 2), (2, 3), (3, 4)):
        found = []
        for i, layer in enumerate(pair):
            given = {"cross_attention_cache": cross[i]} if crosses else {}
            if start == 0 and crosses:
                given["cross_attention_cache_update_index"] = 0
            outputs, *after = layer(
                X[:, start:stop],
                *seen,
                self_attention_cache=own[i],
                self_attention_cache_update_index=start,
                **given,
            )
            own[i], cross[i] = after if crosses else (after[0], cross[i])
            found.append([as_array(one) for one in (outputs, *after)])
        agree(found[1], found[0])


def model_of(K: Any) -> Any:
    """A model of every layer, whose weights are asked to be those of the other library's."""
    H = keras_hub.layers if K is keras else gatework.layers
    ids, encoded = K.layers.Input((5,), dtype="int32"), K.layers.Input((4, 6))
    x = H.TokenAndPositionEmbedding(9, 7, 8, mask_zero=True)(ids)
    x = K.layers.Add()([x, H.SinePositionEncoding()(x)])
    x = H.TransformerEncoder(16, 2, dropout=0.1, activation="gelu")(x)
    x = H.TransformerDecoder(16, 2, normalize_first=True)(H.RotaryEmbedding()(x), encoded)
    return K.Model([ids, encoded], H.TransformerDecoder(16, 2)(x))


@pytest.mark.parametrize(
    "libraries",
    [pytest.param((gatework, keras), id="to"), pytest.param((keras, gatework), id="from")],
)
def test_files(tmp_path: Path, libraries: Any) -> None:
    writer, reader = libraries
    model = model_of(writer)
    model.set_weights(random_weights(np.random.default_rng(1), model))
    x = [IDS + (IDS == 0), ENCODED]
    expected = as_array(model(x, training=False))
    model.save(tmp_path / "m.keras")
    loaded = reader.models.load_model(tmp_path / "m.keras")
    agree([as_array(loaded(x, training=False))], [expected])
    model.save_weights(tmp_path / "m.weights.h5")
    other = model_of(reader)
    other.load_weights(tmp_path / "m.weights.h5")
    agree([as_array(other(x, training=False))], [expected])

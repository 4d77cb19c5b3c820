"""Names of Keras that are not about sequences: every way to ask for one says so."""

from __future__ import annotations

import gatework
import pytest
from gatework import (
    _absent,
    callbacks,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    utils,
)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Conv2D", "images or volumes"),
        ("GlobalAveragePooling3D", "images or volumes"),
        ("Convolution2DTranspose", "images or volumes"),
        ("RandomFlip", "changes images"),
        ("TextVectorization", "before it comes to a model"),
        ("MelSpectrogram", "spectrograms"),
        ("TFSMLayer", "another framework"),
        ("ConvLSTM1D", "an axis of space"),
    ],
)
def test_a_layer(name: str, why: str) -> None:
    assert not hasattr(layers, name)
    with pytest.raises(
        AttributeError, match=f"'gatework.layers' has no attribute '{name}': .*{why}"
    ):
        getattr(layers, name)
    if name != "TFSMLayer":  # refused before, as what would run code
        with pytest.raises(ValueError, match=f"keras.layers.{name} is not here: .*{why}"):
            layers.deserialize({"module": "keras.layers", "class_name": name, "config": {}})


def test_an_import_keeps_the_reason() -> None:
    with pytest.raises(ImportError, match="no attribute 'Conv2D': it works on images"):
        from gatework.layers import Conv2D  # noqa: F401


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(AttributeError, match=r"has no attribute 'LSTMM'; nearest: 'LSTM'"):
        gatework.layers.LSTMM  # noqa: B018
    with pytest.raises(ImportError, match="no attribute 'LSTMM'; nearest: 'LSTM'"):
        from gatework.layers import LSTMM  # noqa: F401


def test_a_module_that_nobody_has() -> None:
    with pytest.raises(AttributeError, match=r"'gatework' has no attribute 'layer'; .*'layers'"):
        gatework.layer  # noqa: B018


def test_an_empty_name() -> None:
    with pytest.raises(AttributeError, match="has no attribute ''"):
        getattr(gatework.layers, "")


def test_an_initializer() -> None:
    with pytest.raises(ValueError, match="not 'stft': spectrograms are computed before"):
        initializers.get("stft")


def test_what_is_here_has_no_reason() -> None:
    for topic in (layers, losses, metrics, optimizers, callbacks, utils, initializers):
        for name in topic.__all__:
            assert _absent.reason(topic.__name__.removeprefix("gatework."), name) is None

"""EinsumDense against numpy.einsum, and what it says of equations it cannot read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework.layers import EinsumDense

X = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "kernel", "bias", "spelled"),
    [
        ("abc,cd->abd", (None, 4), "d", (3, 4), (4,), "abc,cd->abd"),
        ("abc,cd->abd", (5, 4), "bd", (3, 4), (5, 4), "abc,cd->abd"),
        ("abc,cde->abde", (None, 2, 4), "de", (3, 2, 4), (2, 4), "abc,cde->abde"),
        ("...x,xy->...y", 4, None, (3, 4), None, "abx,xy->aby"),
        ("...bx,xy->...by", (None, 4), "y", (3, 4), (4,), "abx,xy->aby"),
        ("ab...,bd->ad...", 4, "d", (5, 4), (4, 1), "abc,bd->adc"),
        ("abc,bd->adc", (4, None), None, (5, 4), None, "abc,bd->adc"),
        ("abc,bc->ac", 3, "c", (5, 3), (3,), "abc,bc->ac"),
        ("ab c, c d -> a b d", (None, 4), None, (3, 4), None, "abc,cd->abd"),
    ],
)
def test_values(
    equation: str, output_shape: Any, bias_axes: Any, kernel: Any, bias: Any, spelled: str
) -> None:
    layer = EinsumDense(
        equation, output_shape, bias_axes=bias_axes, bias_initializer="normal", activation="tanh"
    )
    y = layer(X)
    assert layer.kernel.shape == kernel
    expected = np.einsum(spelled, X, layer.kernel.numpy())
    if bias is not None:
        assert layer.bias.shape == bias
        expected = expected + layer.bias.numpy()
    np.testing.assert_allclose(y.numpy(), np.tanh(expected), rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape((None, 5, 3)) == (None, *y.shape[1:])


def test_fans_are_those_of_the_equation() -> None:
    layer = EinsumDense("abc,cde->abde", (None, 30, 40), kernel_initializer="glorot_uniform")
    layer.build((None, None, 50))
    limit = np.sqrt(6 / (50 + 30 * 40))
    assert 0.98 * limit < np.abs(layer.kernel.numpy()).max() <= limit
    assert layer.get_config()["kernel_initializer"]["config"]["input_axes"] is None


@pytest.mark.parametrize(
    ("equation", "output_shape", "given", "sentence"),
    [
        ("abc,cd", 4, {}, "equation must have the form"),
        ("abc,cd->ab...", 4, {}, "equation must have the form"),
        ("...ab,b->ab...", 4, {}, "equation must have the form"),
        ("abc,cd->abz", 4, {}, "a letter in its output alone, as 'z'"),
        ("abc,cez->abe", 4, {}, "a letter in its kernel alone, as 'z'"),
        ("ab,bc->ac", 4, {}, r"must have an axis for each letter of 'ab', not shape \(2, 5, 3\)"),
        ("abc,cd->abd", (6, 4), {}, "output_shape must have size 5 along 'b'.* not 6"),
        ("abc,cd->abd", 4, {}, r"output_shape must have a size for each of 'bd' \(2\), not \(4,\)"),
        ("abc,cd->abd", (None, None), {}, "letter 'd' of the kernel must have a size known"),
        ("abc,cd->abd", (None, 4), {"bias_axes": "c"}, "bias_axes must be letters of 'abd'"),
        ("abc,cd->abd", (None, 0), {}, "output_shape must be an integer of at least 1, not 0"),
        ("abc,cd->abd", (None, 4), {"lora_rank": 2}, "lora_rank must be None, not 2"),
    ],
)
def test_refused(equation: str, output_shape: Any, given: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        EinsumDense(equation, output_shape, **given)(X)

"""Layers that join inputs: values, broadcasting, masks, shapes, errors."""

from __future__ import annotations

from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.layers import Input

RNG = np.random.default_rng(0)
A, B, C = (RNG.normal(size=(2, 4, 3)).astype(np.float32) for _ in range(3))
MASKS = np.array([[1, 1, 0, 0], [1, 0, 1, 0]], bool), np.array([[1, 1, 1, 0], [0, 0, 1, 0]], bool)
FORMULAS = {
    "Add": lambda *xs: sum(xs),
    "Average": lambda *xs: sum(xs) / len(xs),
    "Multiply": lambda *xs: np.prod(np.broadcast_arrays(*xs), axis=0),
    "Maximum": lambda *xs: np.max(np.broadcast_arrays(*xs), axis=0),
    "Minimum": lambda *xs: np.min(np.broadcast_arrays(*xs), axis=0),
}


def masked(x: np.ndarray, mask: Any) -> Any:
    tensor = gatework.Tensor(x)
    tensor._keras_mask = None if mask is None else gatework.Tensor(mask)
    return tensor


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize(
    "inputs", [[A, B, C], [A, B[:, :1], C[:, :, :1]], [A, B[:, 0]], [A]], ids=lambda x: len(x)
)
def test_elementwise(name: str, inputs: list[np.ndarray]) -> None:
    layer = getattr(layers, name)()
    spread = [x if x.ndim == 3 else x[:, None] for x in inputs]
    expected = FORMULAS[name](*spread)
    np.testing.assert_allclose(layer(inputs).numpy(), expected, rtol=1e-6)
    symbols = [Input(x.shape[1:]) for x in inputs]
    assert getattr(layers, name.lower())(symbols).shape == (None, *expected.shape[1:])
    assert layer.compute_output_shape([x.shape for x in inputs]) == expected.shape


def test_difference() -> None:
    np.testing.assert_array_equal(layers.Subtract()([A, B]).numpy(), A - B)
    with pytest.raises(ValueError, match="must be a list of 2 tensors, not 3 of them"):
        layers.subtract([A, B, C])


@pytest.mark.parametrize("name", ["Add", "Average", "Multiply", "Maximum", "Minimum"])
def test_masks_are_joined_where_all_inputs_have_one(name: str) -> None:
    layer = getattr(layers, name)()
    both = layer([masked(A, MASKS[0]), masked(B, MASKS[1])])
    np.testing.assert_array_equal(both._keras_mask, MASKS[0] | MASKS[1])
    assert layer([masked(A, MASKS[0]), masked(B, None)])._keras_mask is None


def test_masked_steps_do_not_count() -> None:
    first, second = MASKS[0][..., None], MASKS[1][..., None]
    inputs = [masked(A, MASKS[0]), masked(B, MASKS[1])]
    product = np.where(first, A, 1) * np.where(second, B, 1)
    product = np.where(first | second, product, 0)
    np.testing.assert_allclose(layers.Multiply()(inputs).numpy(), product, rtol=1e-6)
    larger = np.where(first & second, np.maximum(A, B), np.where(first, A, B))
    found = layers.Maximum()(inputs).numpy()
    real = np.broadcast_to(first | second, found.shape)
    np.testing.assert_array_equal(found[real], larger[real])


@pytest.mark.parametrize("axis", [-1, 1, 2, -2])
def test_concatenation(axis: int) -> None:
    layer = layers.Concatenate(axis)
    np.testing.assert_array_equal(layer([A, B]).numpy(), np.concatenate([A, B], axis))
    assert layers.concatenate([Input((4, 3)), Input((None, 3))], axis=1).shape == (None, None, 3)
    found = layer([masked(A, MASKS[0]), masked(B, None)])._keras_mask.numpy()
    whole = np.ones((2, 4), bool)
    expected = whole if axis in (-1, 2) else np.concatenate([MASKS[0], whole], 1)
    np.testing.assert_array_equal(found, expected)
    both = layer([masked(A, MASKS[0]), masked(B, MASKS[1])])._keras_mask.numpy()
    joined = MASKS[0] | MASKS[1] if axis in (-1, 2) else np.concatenate(MASKS, 1)
    np.testing.assert_array_equal(both, joined)


@pytest.mark.parametrize(
    ("x", "y", "axes", "formula"),
    [
        (A[:, 0], B[:, 0], 1, "bi,bi->b"),
        (A, B, -1, "bti,bsi->bts"),
        (A, B, (1, 1), "bti,btj->bij"),
        (A, B[:, 0], (2, 1), "bti,bi->bt"),
        (A[:, 0], B, (1, 2), "bi,bsi->bs"),
        (A[..., None], B, (2, -1), "btik,bsi->btks"),
    ],
)
@pytest.mark.parametrize("normalize", [False, True])
def test_products(x: np.ndarray, y: np.ndarray, axes: Any, formula: str, normalize: bool) -> None:
    layer = layers.Dot(axes, normalize=normalize)
    both = (axes, axes) if isinstance(axes, int) else axes
    units = [
        z / np.linalg.norm(z, axis=axis, keepdims=True) if normalize else z
        for z, axis in zip((x, y), both, strict=True)
    ]
    expected = np.einsum(formula, *units)
    expected = expected[:, None] if expected.ndim == 1 else expected
    np.testing.assert_allclose(layer([x, y]).numpy(), expected, rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape([x.shape, y.shape]) == expected.shape
    assert (
        layers.dot([Input(x.shape[1:]), Input(y.shape[1:])], axes).shape[1:] == expected.shape[1:]
    )


def test_norms_of_zero() -> None:
    zeros = np.zeros((2, 3), np.float32)
    np.testing.assert_array_equal(layers.Dot(1, normalize=True)([zeros, zeros]).numpy(), 0)


def test_gradients_reach_every_input() -> None:
    for layer in (layers.Add(), layers.Multiply(), layers.Concatenate(), layers.Dot(2)):
        sources = [gatework.Tensor(A), gatework.Tensor(B)]
        with gatework.GradientTape() as tape:
            tape.watch(sources)
            total = gatework.ops.sum(gatework.ops.square(layer(sources)))
        for i, gradient in enumerate(tape.gradient(total, sources)):
            step = np.zeros_like(A)
            step[1, 2, 1] = 1e-2
            shifted = [
                [x + s * step if j == i else x for j, x in enumerate((A, B))] for s in (1, -1)
            ]
            up, down = (float(np.square(layer(x).numpy()).sum()) for x in shifted)
            assert gradient.numpy()[1, 2, 1] == pytest.approx((up - down) / 2e-2, rel=2e-2)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: layers.Add()(A), "must be a list of at least 1 tensors, not one alone"),
        (lambda: layers.Add()([A, B[:, :2]]), "must have matching shapes"),
        (lambda: layers.Add()([A, B[:1]]), "must have one batch size"),
        (lambda: layers.Concatenate()([A, B[:, :2]]), "must have equal sizes except along axis -1"),
        (lambda: layers.Concatenate()([A, B[0]]), "must have one number of axes"),
        (lambda: layers.Concatenate(3)([A, B]), r"axis of .* must be in \[-3, 3\), not 3"),
        (lambda: layers.Concatenate("last"), "axis must be an integer, not 'last'"),
        (lambda: layers.Dot(0)([A, B]), "must be axes of its inputs behind the batch axis, not 0"),
        (lambda: layers.Dot((1, 2))([A, B]), "must have equal sizes along axes"),
        (lambda: layers.Dot(1.5), "axes must be an integer or two integers, not 1.5"),
        (lambda: layers.Dot(1)([A]), "must be a list of 2 tensors, not 1 of them"),
    ],
)
def test_mistakes(call: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()


def test_configurations() -> None:
    for layer in (layers.Add(), layers.Concatenate(1), layers.Dot((1, 2), normalize=True)):
        again = type(layer).from_config(layer.get_config())
        assert again.get_config() == layer.get_config()

"""Normalization layers: statistics, masks, moving averages, weights, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import ops
from gatework.layers import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)

RNG = np.random.default_rng(0)
X = (3 + 2 * RNG.normal(size=(4, 6, 8))).astype(np.float32)


def test_layer_normalization() -> None:
    y = LayerNormalization(epsilon=1e-6)(X).numpy()
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-6)
    np.testing.assert_allclose(y.std(-1), 1, rtol=1e-4)
    y = LayerNormalization(axis=[1, 2], epsilon=1e-6)(X).numpy()
    np.testing.assert_allclose(y.mean((1, 2)), 0, atol=1e-6)
    old = LayerNormalization(rms_scaling=True, epsilon=1e-6)
    np.testing.assert_allclose(old(X).numpy(), X / X.std(-1, keepdims=True), rtol=1e-4)
    assert [w.name for w in old.weights] == ["gamma"]
    assert LayerNormalization(center=False, scale=False)(X).shape == X.shape


def test_rms_and_unit_normalization() -> None:
    y = RMSNormalization(axis=1)(X).numpy()
    np.testing.assert_allclose((y * y).mean(1), 1, rtol=1e-4)
    y = UnitNormalization(axis=(1, 2))(X).numpy()
    np.testing.assert_allclose((y * y).sum((1, 2)), 1, rtol=1e-5)


@pytest.mark.parametrize(("groups", "axis"), [(2, -1), (1, -1), (-1, -1), (3, 1)])
def test_group_normalization(groups: int, axis: int) -> None:
    layer = GroupNormalization(groups, axis=axis, epsilon=1e-6)
    y = np.moveaxis(layer(X).numpy(), axis, -1)
    parts = y.reshape(4, -1, layer.groups, y.shape[-1] // layer.groups)
    np.testing.assert_allclose(parts.mean((1, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(parts.std((1, 3)), 1, rtol=1e-4)


class TestBatchNormalization:
    def test_statistics_of_the_batch_and_moving_ones(self) -> None:
        layer = BatchNormalization(momentum=0.75)
        y = layer(X, training=True).numpy()
        np.testing.assert_allclose(y.mean((0, 1)), 0, atol=1e-5)
        mean, variance = X.mean((0, 1)), X.var((0, 1))
        np.testing.assert_allclose(layer.moving_mean.numpy(), 0.25 * mean, rtol=1e-5)
        moved = 0.75 + 0.25 * variance
        np.testing.assert_allclose(layer.moving_variance.numpy(), moved, rtol=1e-5)
        expected = (X - 0.25 * mean) / np.sqrt(moved + 1e-3)
        np.testing.assert_allclose(layer(X).numpy(), expected, rtol=1e-4, atol=1e-5)
        names = ["gamma", "beta", "moving_mean", "moving_variance"]
        assert [w.name for w in layer.weights] == names
        assert [w.name for w in layer.trainable_weights] == names[:2]

    def test_not_trainable_means_moving_statistics(self) -> None:
        layer = BatchNormalization(trainable=False)
        y = layer(X, training=True).numpy()
        np.testing.assert_allclose(y, X / np.sqrt(1.001), rtol=1e-5)
        np.testing.assert_array_equal(layer.moving_mean.numpy(), 0)

    def test_masked_steps_do_not_count(self) -> None:
        mask = np.arange(6) < np.array([[6], [3], [0], [1]])
        x = np.where(mask[..., None], X, 1e3).astype(np.float32)
        inputs = ops.convert_to_tensor(x)
        inputs._keras_mask = ops.convert_to_tensor(mask)
        layer = BatchNormalization(momentum=0.0)
        y = layer(inputs, training=True)
        np.testing.assert_allclose(layer.moving_mean.numpy(), X[mask].mean(0), rtol=1e-5)
        np.testing.assert_allclose(layer.moving_variance.numpy(), X[mask].var(0), rtol=1e-4)
        np.testing.assert_allclose(y.numpy()[mask].std(0), 1, rtol=1e-3)
        np.testing.assert_array_equal(np.asarray(y._keras_mask), mask)

    def test_renormalization(self) -> None:
        given = {"rmin": 0.5, "rmax": 1.5, "dmax": 0.5}
        layer = BatchNormalization(renorm=True, renorm_clipping=given, renorm_momentum=0.5)
        y = layer(X, training=True).numpy()
        mean, stddev = X.mean((0, 1)), np.sqrt(X.var((0, 1)) + 1e-3)
        r, d = np.clip(stddev, 0.5, 1.5), np.clip(mean, -0.5, 0.5)
        np.testing.assert_allclose(y, (X - mean) / stddev * r + d, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(layer.renorm_mean.numpy(), 0.5 * mean, rtol=1e-5)
        assert len(layer.weights) == 7
        again = BatchNormalization.from_config(layer.get_config())
        assert again.get_config() == layer.get_config()

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({"synchronized": True}, "synchronized must be False, not True"),
            ({"renorm": True, "renorm_clipping": {"r": 1}}, "renorm_clipping must hold 'rmin'"),
            (
                {"renorm": True, "renorm_clipping": {"rmin": 2, "rmax": 1}},
                "renorm_clipping must have rmax of at least rmin 2, not 1",
            ),
            ({"renorm": True, "renorm_clipping": {"dmax": -1}}, "a dmax that is not negative"),
        ],
    )
    def test_refused(self, given: Any, sentence: str) -> None:
        with pytest.raises(ValueError, match=sentence):
            BatchNormalization(**given)

    def test_masks_of_another_shape(self) -> None:
        with pytest.raises(ValueError, match=r"mask of .* must have one axis less than the inputs"):
            BatchNormalization()(X, mask=np.ones(4, bool))


@pytest.mark.parametrize("cls", [LayerNormalization, RMSNormalization, BatchNormalization])
def test_axes_that_inputs_lack(cls: Any) -> None:
    with pytest.raises(ValueError, match=r"axis of .* must be in \[-3, 3\) for inputs of 3 axes"):
        cls(axis=3)(X)
    with pytest.raises(ValueError, match="must have a known size along its axis"):
        cls().build((None, 3, None))


def test_other_refusals() -> None:
    for cls in (LayerNormalization, RMSNormalization, UnitNormalization):
        with pytest.raises(TypeError, match="axis must be an integer or a list of integers"):
            cls(axis="last")
    with pytest.raises(ValueError, match="groups must be a positive integer or -1, not 0"):
        GroupNormalization(0)
    with pytest.raises(ValueError, match=r"groups of .* must divide the 8 channels, not be 3"):
        GroupNormalization(3)(X)

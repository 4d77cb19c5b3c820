"""Every layer that is not recurrent, as tests of what all layers promise take them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gatework import layers as L


class Case(NamedTuple):
    """A layer, and the shape of what it is called with."""

    make: Callable[..., Any]  # takes further arguments, such as the name
    shape: tuple[int, ...]
    keeps_mask: bool = True  # whether it hands on the mask of its inputs


def _of(cls: Any, *args: Any, **given: Any) -> Callable[..., Any]:
    return lambda **more: cls(*args, **given, **more)


X3 = (2, 5, 3)

CASES: dict[str, Case] = {
    "dense": Case(_of(L.Dense, 4, activation="tanh"), X3),
    "einsum_dense": Case(
        _of(L.EinsumDense, "abc,cd->abd", (None, 4), bias_axes="d"), X3, keeps_mask=False
    ),
    "einsum_dense ellipsis": Case(
        _of(L.EinsumDense, "...x,xyz->...yz", (2, 3), activation="tanh", bias_axes="yz"),
        X3,
        keeps_mask=False,
    ),
    "activation": Case(_of(L.Activation, "tanh"), X3),
    "identity": Case(_of(L.Identity), X3),
    "relu": Case(_of(L.ReLU, 1.0, 0.1, 0.25), X3),
    "leaky_relu": Case(_of(L.LeakyReLU), X3),
    "elu": Case(_of(L.ELU, 0.5), X3),
    "prelu": Case(_of(L.PReLU, "he_normal", shared_axes=[1]), X3),
    "softmax": Case(_of(L.Softmax, axis=(1, 2)), X3),
    "flatten": Case(_of(L.Flatten), X3, keeps_mask=False),
    "reshape": Case(_of(L.Reshape, (3, -1)), X3, keeps_mask=False),
    "permute": Case(_of(L.Permute, (2, 1)), X3, keeps_mask=False),
    "repeat_vector": Case(_of(L.RepeatVector, 3), (2, 4), keeps_mask=False),
    "cropping1d": Case(_of(L.Cropping1D, (1, 2)), X3, keeps_mask=False),
    "zero_padding1d": Case(
        _of(L.ZeroPadding1D, (2, 1), data_format="channels_first"), X3, keeps_mask=False
    ),
    "up_sampling1d": Case(_of(L.UpSampling1D, 3), X3, keeps_mask=False),
    "dropout": Case(_of(L.Dropout, 0.5, noise_shape=(None, 1, None), seed=1), X3),
    "spatial_dropout1d": Case(_of(L.SpatialDropout1D, 0.5, seed=1), X3),
    "alpha_dropout": Case(_of(L.AlphaDropout, 0.5, seed=1), X3),
    "gaussian_noise": Case(_of(L.GaussianNoise, 0.5, seed=1), X3),
    "gaussian_dropout": Case(_of(L.GaussianDropout, 0.5, seed=1), X3),
    "activity_regularization": Case(_of(L.ActivityRegularization, 0.1, 0.2), X3),
    "conv1d": Case(_of(L.Conv1D, 4, 2, activation="tanh"), X3, keeps_mask=False),
    "conv1d same strides": Case(_of(L.Conv1D, 4, 3, 2, "same"), (2, 7, 3), keeps_mask=False),
    "conv1d causal dilated groups": Case(
        _of(L.Conv1D, 6, 2, padding="causal", dilation_rate=2, groups=3), X3, keeps_mask=False
    ),
    "conv1d channels_first": Case(
        _of(L.Conv1D, 4, 3, data_format="channels_first", use_bias=False), X3, keeps_mask=False
    ),
    "conv1d_transpose": Case(
        _of(L.Conv1DTranspose, 4, 3, 2, "same", activation="tanh"), X3, keeps_mask=False
    ),
    "depthwise_conv1d": Case(
        _of(L.DepthwiseConv1D, 3, 2, "same", depth_multiplier=2), (2, 7, 3), keeps_mask=False
    ),
    "separable_conv1d": Case(
        _of(L.SeparableConv1D, 4, 3, dilation_rate=2, depth_multiplier=2), X3, keeps_mask=False
    ),
    "max_pooling1d": Case(_of(L.MaxPooling1D, 3, 2, "same"), X3, keeps_mask=False),
    "average_pooling1d": Case(
        _of(L.AveragePooling1D, 2, data_format="channels_first"), X3, keeps_mask=False
    ),
    "adaptive_max_pooling1d": Case(_of(L.AdaptiveMaxPooling1D, 3), X3, keeps_mask=False),
    "adaptive_average_pooling1d": Case(_of(L.AdaptiveAveragePooling1D, 3), X3, keeps_mask=False),
    "global_max_pooling1d": Case(_of(L.GlobalMaxPooling1D), X3, keeps_mask=False),
    "global_average_pooling1d": Case(
        _of(L.GlobalAveragePooling1D, keepdims=True), X3, keeps_mask=False
    ),
    "layer_normalization": Case(_of(L.LayerNormalization), X3),
    "layer_normalization axes": Case(_of(L.LayerNormalization, [1, -1], center=False), X3),
    "layer_normalization rms": Case(_of(L.LayerNormalization, rms_scaling=True), X3),
    "rms_normalization": Case(_of(L.RMSNormalization, 1), X3),
    "unit_normalization": Case(_of(L.UnitNormalization), X3),
    "group_normalization": Case(_of(L.GroupNormalization, 2), (2, 5, 4)),
    "batch_normalization": Case(_of(L.BatchNormalization, momentum=0.9), X3),
    "batch_normalization axis": Case(_of(L.BatchNormalization, axis=1, scale=False), (3, 4)),
}

"""Batch normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import initializers, ops
from ...autograd import Array, Tensor, Variable, as_array
from ...ops.normalization import BatchStatistics
from ..base import InputSpec
from ..stepping import along_time
from .scaled import ScaledNormalization, check_axes

__all__ = ["BatchNormalization"]


class BatchNormalization(ScaledNormalization):
    """Channels brought to mean zero and variance one over the batch (Ioffe & Szegedy 2015).

    In training mean and variance are those of the batch, and moving averages of them are kept;
    outside of training, and when the layer is not trainable, the moving averages are used. Steps
    that a mask (batch, time) excludes do not count.

    Args:
        axis: the axis of the channels.
        momentum: share of the moving averages that stays in an update.
        epsilon: added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        beta_initializer, gamma_initializer: of both, one value for each channel.
        moving_mean_initializer, moving_variance_initializer: of the moving averages.
        beta_regularizer, gamma_regularizer: of both.
        beta_constraint, gamma_constraint: of both.
        renorm: correct in training what the batch's statistics differ by from moving ones (Ioffe
            2017).
        renorm_clipping: bounds "rmin", "rmax" and "dmax" of the corrections.
        renorm_momentum: as ``momentum``, of the statistics behind the corrections.
        synchronized: only False: there is one device.

    Raises:
        ValueError: for another ``renorm_clipping``, or a mask of another shape.
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        if synchronized:
            raise ValueError("synchronized must be False, not True: there is one device")
        super().__init__(
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **kwargs,
        )
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.epsilon = float(epsilon)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = bool(renorm)
        self.renorm_clipping = _clipping(renorm_clipping) if renorm else renorm_clipping
        self.renorm_momentum = float(renorm_momentum)
        self.moving_mean: Variable | None = None
        self.moving_variance: Variable | None = None

    def build(self, input_shape: Any) -> None:
        check_axes(self.name, self.axis, len(input_shape))
        channels = input_shape[self.axis]
        self._add_scales([channels])
        self.moving_mean = self._statistic("moving_mean", channels, self.moving_mean_initializer)
        self.moving_variance = self._statistic(
            "moving_variance", channels, self.moving_variance_initializer
        )
        if self.renorm:
            start = np.sqrt(self.moving_variance.numpy())
            self.moving_stddev = self._statistic("moving_stddev", channels, start)
            self.renorm_mean = self._statistic(
                "renorm_mean", channels, self.moving_mean_initializer
            )
            self.renorm_stddev = self._statistic("renorm_stddev", channels, start)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self.built = True

    def _statistic(self, name: str, channels: int, initializer: Any) -> Variable:
        return self.add_weight(
            shape=(channels,), name=name, initializer=initializer, trainable=False
        )

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Tensor:
        if mask is not None and as_array(mask).ndim != inputs.ndim - 1:
            raise ValueError(
                f"mask of {self.name} must have one axis less than the inputs ({inputs.ndim}), "
                f"not shape {as_array(mask).shape}"
            )
        if not (training and self.trainable):
            return ops.batch_normalization(
                inputs,
                self.moving_mean,
                self.moving_variance,
                self.axis,
                self.beta,
                self.gamma,
                self.epsilon,
            )
        if self.renorm:
            return self._renormalized(inputs, mask)
        outputs, found = ops.normalize_batch(
            inputs, self.gamma, self.beta, self.axis, self.epsilon, mask
        )
        _follow(self.moving_mean, found.mean, self.momentum)
        _follow(self.moving_variance, found.variance, self.momentum)
        return outputs

    def _renormalized(self, inputs: Tensor, mask: Any) -> Tensor:
        """x normalized by the batch, then brought to where moving statistics would put it."""
        normal, found = ops.normalize_batch(inputs, None, None, self.axis, self.epsilon, mask)
        stddev = np.sqrt(found.variance + np.float32(self.epsilon))
        slow = np.maximum(self.renorm_stddev.numpy(), np.float32(np.sqrt(self.epsilon)))
        bounds = self.renorm_clipping or {}
        r = stddev / slow
        d = (found.mean - self.renorm_mean.numpy()) / slow
        if bounds.get("rmin") is not None or bounds.get("rmax") is not None:
            r = np.clip(r, bounds.get("rmin"), bounds.get("rmax"))
        if bounds.get("dmax") is not None:
            d = np.clip(d, -bounds["dmax"], bounds["dmax"])
        self._follow_all(found, stddev)
        sizes = [1] * inputs.ndim
        sizes[self.axis] = len(r)
        outputs = ops.add(ops.multiply(normal, r.reshape(sizes)), d.reshape(sizes))
        if self.gamma is not None:
            outputs = ops.multiply(outputs, ops.reshape(self.gamma, sizes))
        if self.beta is not None:
            outputs = ops.add(outputs, ops.reshape(self.beta, sizes))
        return outputs

    def _follow_all(self, found: BatchStatistics, stddev: Array) -> None:
        _follow(self.renorm_mean, found.mean, self.renorm_momentum)
        _follow(self.renorm_stddev, stddev, self.renorm_momentum)
        _follow(self.moving_mean, found.mean, self.momentum)
        _follow(self.moving_stddev, stddev, self.momentum)
        square = np.square(self.moving_stddev.numpy()) - np.float32(self.epsilon)
        assert self.moving_variance is not None
        self.moving_variance.assign(np.maximum(square, 0))

    def mixes_steps(self, input_shape: Any) -> str | None:
        return along_time(self.axis, input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
            "synchronized": False,
        }


def _follow(average: Variable | None, value: Array, momentum: float) -> None:
    """Moves an average towards a value by one update."""
    assert average is not None
    kept = np.float32(momentum)
    average.assign(average.numpy() * kept + value * np.float32(1.0 - momentum))


def _clipping(given: dict[str, float] | None) -> dict[str, float]:
    bounds = dict(given or {})
    unknown = sorted(set(bounds) - {"rmax", "rmin", "dmax"})
    if unknown:
        raise ValueError(f"renorm_clipping must hold 'rmin', 'rmax', 'dmax', not {unknown[0]!r}")
    rmin, rmax, dmax = (bounds.get(name) for name in ("rmin", "rmax", "dmax"))
    if rmin is not None and rmax is not None and rmax < rmin:
        raise ValueError(f"renorm_clipping must have rmax of at least rmin {rmin}, not {rmax}")
    if dmax is not None and dmax < 0:
        raise ValueError(f"renorm_clipping must have a dmax that is not negative, not {dmax}")
    return bounds

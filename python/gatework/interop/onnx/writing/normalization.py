"""Values brought to mean zero and deviation one, or parts of that."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import Graph, Value

__all__ = ["batch", "group", "layer_normalization", "rms", "unit"]


def _axes(layer: Any, rank: int) -> list[int]:
    given = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    return sorted(axis % rank for axis in given)


def _along(graph: Graph, variable: Any, name: str, axes: list[int], rank: int) -> Value:
    """A weight with the sizes of some axes, and ones for the others."""
    value = variable.numpy()
    sizes = [1] * rank
    for axis, size in zip(axes, value.shape, strict=True):
        sizes[axis] = size
    return graph.weight(variable, name, value.reshape(sizes))


def _root(x: Value) -> Value:
    return x.graph.op("Sqrt", x)


def _centered(x: Value, *axes: int) -> tuple[Value, Value]:
    """x less its mean, and its variance."""
    centered = x - x.reduce("ReduceMean", *axes, keepdims=True)
    return centered, (centered * centered).reduce("ReduceMean", *axes, keepdims=True)


def layer_normalization(graph: Graph, layer: Any, x: Value) -> Value:
    axes, epsilon = _axes(layer, x.rank), float(layer.epsilon)
    if layer.rms_scaling:
        result = x / _root(_centered(x, *axes)[1] + epsilon)
    elif axes == list(range(axes[0], x.rank)):
        sizes = [x.shape[axis] or 1 for axis in axes]
        if layer.gamma is not None:
            gamma = graph.weight(layer.gamma, "gamma")
        else:
            gamma = graph.constant(np.ones(sizes, np.float32), "gamma")
        beta = None if layer.beta is None else graph.weight(layer.beta, "beta")
        return graph.op("LayerNormalization", x, gamma, beta, axis=axes[0], epsilon=epsilon)
    else:
        centered, variance = _centered(x, *axes)
        result = centered / _root(variance + epsilon)
    if layer.gamma is not None:
        result = result * _along(graph, layer.gamma, "gamma", axes, x.rank)
    if layer.beta is not None:
        result = result + _along(graph, layer.beta, "beta", axes, x.rank)
    return result


def batch(graph: Graph, layer: Any, x: Value) -> Value:
    """With the moving averages, as outside of training."""
    mean = layer.moving_mean.numpy()
    gamma = np.ones_like(mean) if layer.gamma is None else layer.gamma.numpy()
    beta = np.zeros_like(mean) if layer.beta is None else layer.beta.numpy()
    axis = layer.axis % x.rank
    order = [0, axis, *(i for i in range(1, x.rank) if i != axis)]
    moved = axis not in (0, 1)
    if axis == 0:
        raise ValueError("its axis must not be that of the batch")
    y = graph.op(
        "BatchNormalization",
        x.transpose(*order) if moved else x,
        graph.weight(layer.moving_mean, "gamma", gamma),
        graph.weight(layer.moving_mean, "beta", beta),
        graph.weight(layer.moving_mean, "moving_mean"),
        graph.weight(layer.moving_variance, "moving_variance"),
        epsilon=float(layer.epsilon),
    )
    return y.transpose(*np.argsort(order).tolist()) if moved else y


def group(graph: Graph, layer: Any, x: Value) -> Value:
    axis = layer.axis % x.rank
    order = [i for i in range(x.rank) if i != axis] + [axis]
    moved = axis != x.rank - 1
    last = x.transpose(*order) if moved else x
    channels = x.shape[axis] or 0
    grouped = last.reshape(0, -1, layer.groups, channels // layer.groups)
    centered, variance = _centered(grouped, 1, 3)
    normal = centered / _root(variance + float(layer.epsilon))
    sizes = graph.op("Shape", last, dtype="int64")
    result = graph.op("Reshape", normal, sizes)
    if layer.gamma is not None:
        result = result * graph.weight(layer.gamma, "gamma")
    if layer.beta is not None:
        result = result + graph.weight(layer.beta, "beta")
    return result.transpose(*np.argsort(order).tolist()) if moved else result


def rms(graph: Graph, layer: Any, x: Value) -> Value:
    axes = _axes(layer, x.rank)
    mean = (x * x).reduce("ReduceMean", *axes, keepdims=True)
    scale = _along(graph, layer.scale, "scale", axes, x.rank)
    return x / _root(mean + float(layer.epsilon)) * scale


def unit(graph: Graph, layer: Any, x: Value) -> Value:
    norm = _root((x * x).reduce("ReduceSum", *_axes(layer, x.rank), keepdims=True))
    return x / graph.op("Max", norm, 1e-12)

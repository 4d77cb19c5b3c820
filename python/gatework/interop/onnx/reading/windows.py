"""Convolution, pooling and normalization: (batch, channels, time) in ONNX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .... import layers
from .builder import Builder, Node, constant_of
from .values import Atom, Group, View

__all__ = [
    "batch_normalization",
    "conv",
    "conv_transpose",
    "global_pool",
    "layer_normalization",
    "pool",
]


def _sequence(builder: Builder, node: Node, x: Any) -> tuple[View, Any]:
    """The view, and its tensor as (batch, time, channels)."""
    view = builder.view(node, x)
    if view.rank != 3:
        node.refuse(f"X must have three axes, not {view.rank}")
    return view, builder.arrange(view, (view.axes[0], view.axes[2], view.axes[1]))


def _seen(view: View, tensor: Any) -> View:
    """(batch, time, channels) as the graph sees it."""
    time: Group = () if tensor.shape[1] == 1 else (Atom(tensor.shape[1]),)
    channels: Group = () if tensor.shape[2] == 1 else (Atom(tensor.shape[2]),)
    return View(tensor, (view.axes[0], time, channels), (view.axes[0], channels, time))


def _one(node: Node, name: str, given: Sequence[int] | None, default: int) -> int:
    """The one number of a list for one axis."""
    listed = [default] if given is None else list(given)
    if len(listed) != 1 or not 1 <= listed[0] <= 1 << 20:
        node.refuse(f"{name} must be one number above zero, not {listed}")
    return int(listed[0])


def _padding(node: Node, auto_pad: str, pads: Sequence[int] | None, span: int) -> Any:
    """ "valid", "same", "causal", or how many zeros to put around."""
    if auto_pad == "SAME_UPPER":
        return "same"
    if auto_pad not in ("NOTSET", "VALID"):
        node.refuse(f"auto_pad must be NOTSET, VALID or SAME_UPPER, not {auto_pad!r}")
    listed = [0, 0] if pads is None or auto_pad == "VALID" else list(pads)
    if len(listed) != 2 or not all(0 <= n <= 1 << 20 for n in listed):
        node.refuse(f"pads must be two numbers from zero on, not {listed}")
    if listed == [0, 0]:
        return "valid"
    return "causal" if listed == [span - 1, 0] else tuple(listed)


def _bias(node: Node, b: Any, features: int) -> list[np.ndarray]:
    if b is None:
        return []
    if not isinstance(b, np.ndarray) or b.shape != (features,):
        node.refuse(f"B must be a constant of {features} values")
    return [b]


def _kernel(node: Node, w: Any) -> np.ndarray:
    if not isinstance(w, np.ndarray) or w.ndim != 3 or 0 in w.shape:
        node.refuse("W must be a constant with three axes")
    return w


def conv(
    builder: Builder,
    node: Node,
    x: Any,
    w: Any,
    b: Any = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> View:
    kernel = _kernel(node, w)
    features, each, taps = kernel.shape
    view, tensor = _sequence(builder, node, x)
    if kernel_shape not in (None, [taps]) or group < 1 or features % group:
        node.refuse("kernel_shape and group must fit W")
    if view.sizes()[1] != each * group:
        node.refuse(f"X must have {each * group} channels, not {view.sizes()[1]}")
    dilation = _one(node, "dilations", dilations, 1)
    padding = _padding(node, auto_pad, pads, (taps - 1) * dilation + 1)
    depthwise = each == 1 and group > 1
    if isinstance(padding, tuple) or (depthwise and padding == "causal"):
        widths = padding if isinstance(padding, tuple) else ((taps - 1) * dilation, 0)
        tensor = builder.call(layers.ZeroPadding1D(widths), tensor)
        padding = "valid"
    options: dict[str, Any] = {
        "strides": _one(node, "strides", strides, 1),
        "padding": padding,
        "dilation_rate": dilation,
        "use_bias": b is not None,
        "name": builder.name_for(node),
    }
    if depthwise:
        layer: Any = layers.DepthwiseConv1D(taps, depth_multiplier=features // group, **options)
        own = kernel.reshape(group, features // group, taps).transpose(2, 0, 1)
    else:
        layer = layers.Conv1D(features, taps, groups=group, **options)
        own = kernel.transpose(2, 1, 0)
    return _seen(view, builder.call(layer, tensor, [own, *_bias(node, b, features)]))


def conv_transpose(
    builder: Builder,
    node: Node,
    x: Any,
    w: Any,
    b: Any = None,
    *,
    dilations: Sequence[int] | None = None,
    group: int = 1,
    kernel_shape: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
) -> View:
    """All that windows reach, cut at both ends."""
    kernel = _kernel(node, w)
    channels, features, taps = kernel.shape
    view, tensor = _sequence(builder, node, x)
    if kernel_shape not in (None, [taps]) or group != 1 or view.sizes()[1] != channels:
        node.refuse("kernel_shape and the channels of X must fit W, and group be 1")
    stride, dilation = _one(node, "strides", strides, 1), _one(node, "dilations", dilations, 1)
    extra = [0] if output_padding is None else list(output_padding)
    if len(extra) != 1 or not 0 <= extra[0] < max(stride, 2):
        node.refuse(f"output_padding must be below strides, not {extra}")
    layer = layers.Conv1DTranspose(
        features,
        taps,
        strides=stride,
        output_padding=extra[0],
        dilation_rate=dilation,
        use_bias=b is not None,
        name=builder.name_for(node),
    )
    own = [kernel.transpose(2, 1, 0), *_bias(node, b, features)]
    result = builder.call(layer, tensor, own)
    cut = [0, 0] if pads is None else list(pads)
    if len(cut) != 2 or min(cut) < 0:
        node.refuse(f"pads must be two numbers from zero on, not {cut}")
    if any(cut):
        result = builder.call(layers.Cropping1D(tuple(cut)), result)
    return _seen(view, result)


def pool(cls: str) -> Callable[..., View]:
    """MaxPool or AveragePool."""

    def convert(
        builder: Builder,
        node: Node,
        x: Any,
        *,
        kernel_shape: Sequence[int],
        auto_pad: str = "NOTSET",
        ceil_mode: int = 0,
        count_include_pad: int = 0,
        dilations: Sequence[int] | None = None,
        pads: Sequence[int] | None = None,
        storage_order: int = 0,
        strides: Sequence[int] | None = None,
    ) -> View:
        view, tensor = _sequence(builder, node, x)
        size = _one(node, "kernel_shape", kernel_shape, 1)
        padding = _padding(node, auto_pad, pads, size)
        if padding not in ("valid", "same") or ceil_mode or builder.used(node, 1):
            node.refuse("pads and ceil_mode must be 0, and its indices not be used")
        if _one(node, "dilations", dilations, 1) != 1 or (count_include_pad and padding == "same"):
            node.refuse("dilations must be 1, and count_include_pad 0")
        layer = getattr(layers, cls)(
            pool_size=size,
            strides=_one(node, "strides", strides, 1),
            padding=padding,
            name=builder.name_for(node),
        )
        return _seen(view, builder.call(layer, tensor))

    return convert


def global_pool(cls: str) -> Callable[..., View]:
    """GlobalMaxPool or GlobalAveragePool: the time stays as an axis of size one."""

    def convert(builder: Builder, node: Node, x: Any) -> View:
        view, tensor = _sequence(builder, node, x)
        layer = getattr(layers, cls)(name=builder.name_for(node))
        home = (view.axes[0], view.axes[1])
        return View(builder.call(layer, tensor), home, (*home, ()))

    return convert


def layer_normalization(
    builder: Builder,
    node: Node,
    x: Any,
    scale: Any,
    b: Any = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> View:
    view = builder.view(node, x)
    if not -view.rank <= axis < view.rank or builder.used(node, 1) or builder.used(node, 2):
        node.refuse("axis must be one of X's, and only its first output be used")
    first = axis % view.rank
    if first != view.rank - 1 or view.home[-1] != view.axes[-1]:
        view = builder.viewed(view)
    axes = list(range(first, view.rank))
    sizes = view.sizes()[first:]
    weights = [constant_of(node, "Scale", scale)]
    weights += [] if b is None else [constant_of(node, "B", b)]
    if first == 0 or any(w.shape != sizes for w in weights):
        node.refuse(f"Scale and B must have the sizes {sizes}, and axis not be that of the batch")
    layer = layers.LayerNormalization(
        axis=axes if len(axes) > 1 else -1,
        epsilon=epsilon,
        center=b is not None,
        name=builder.name_for(node),
    )
    return view.over(builder.call(layer, view.tensor, weights))


def batch_normalization(
    builder: Builder,
    node: Node,
    x: Any,
    scale: Any,
    b: Any,
    mean: Any,
    var: Any,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
    spatial: int = 1,
) -> View:
    view = builder.view(node, x)
    if training_mode or not spatial or view.rank < 2:
        node.refuse("training_mode must be 0, spatial 1, and X have channels")
    if view.axes[1] not in view.home or view.pattern() is None:
        view = builder.viewed(view)
    pattern = view.pattern()
    place = 1 if pattern is None else pattern[1]
    names = ("scale", "B", "mean", "var")
    weights = [constant_of(node, n, v) for n, v in zip(names, (scale, b, mean, var), strict=True)]
    channels = view.sizes()[1]
    if place == 0 or any(w.shape != (channels,) for w in weights):
        node.refuse(f"scale, B, mean and var must have {channels} values")
    layer = layers.BatchNormalization(
        axis=-1 if place == len(view.home) - 1 else place,
        epsilon=epsilon,
        momentum=momentum,
        name=builder.name_for(node),
    )
    return view.over(builder.call(layer, view.tensor, weights))

"""Activations, arithmetic and reductions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .... import layers
from .builder import Builder, Node, constant_of
from .constants import axes_of, dtype_of
from .steps import real_steps, spread_where
from .values import Filled, Group, Spread, View

__all__ = ["activation", "arithmetic", "cast", "clip", "dropout", "reduction", "simple", "softmax"]


def close(value: float, wanted: float) -> bool:
    """Whether an attribute, kept as float32, is a number."""
    return math.isclose(value, wanted, rel_tol=1e-6, abs_tol=1e-9)


def activation(name: str, **only: tuple[float, float]) -> Callable[..., View]:
    """A converter to ``Activation(name)``.

    Args:
        name: the activation.
        only: for each attribute of the node its default and the one value that ours has.
    """

    def convert(builder: Builder, node: Node, x: Any, **attributes: Any) -> View:
        for key, (default, needed) in only.items():
            value = float(attributes.pop(key, default))
            if not close(value, needed):
                node.refuse(f"{key} must be {needed:.9g}, not {value:.9g}")
        if attributes:
            node.refuse(f"it must not have {next(iter(attributes))}")
        view = builder.view(node, x)
        layer = layers.Activation(name, name=builder.name_for(node))
        return view.over(builder.call(layer, view.tensor))

    return convert


def leaky_relu(builder: Builder, node: Node, x: Any, *, alpha: float = 0.01) -> View:
    view = builder.view(node, x)
    layer = layers.LeakyReLU(negative_slope=alpha, name=builder.name_for(node))
    return view.over(builder.call(layer, view.tensor))


def elu(builder: Builder, node: Node, x: Any, *, alpha: float = 1.0) -> View:
    view = builder.view(node, x)
    layer = layers.ELU(alpha=alpha, name=builder.name_for(node))
    return view.over(builder.call(layer, view.tensor))


def hard_sigmoid(
    builder: Builder, node: Node, x: Any, *, alpha: float = 0.2, beta: float = 0.5
) -> View:
    for name, slope in (("hard_sigmoid", 1 / 6), ("hard_sigmoid_keras2", 0.2)):
        if close(alpha, slope) and close(beta, 0.5):
            return activation(name)(builder, node, x)
    view = builder.view(node, x)
    scaled = builder.operate("Mul", view.tensor, np.asarray(alpha, np.float32))
    moved = builder.operate("Add", scaled, np.asarray(beta, np.float32))
    return view.over(builder.operate("Clip", moved, low=0.0, high=1.0))


def shrink(builder: Builder, node: Node, x: Any, *, bias: float = 0.0, lambd: float = 0.5) -> View:
    if not close(lambd, 0.5) or not (close(bias, 0.0) or close(bias, 0.5)):
        node.refuse(f"lambd must be 0.5 and bias 0 or 0.5, not {lambd} and {bias}")
    return activation("soft_shrink" if bias else "hard_shrink")(builder, node, x)


def where(builder: Builder, node: Node, condition: Any, yes: Any, no: Any) -> Any:
    if isinstance(yes, Spread):
        return spread_where(builder, node, condition, yes, no)
    operands = (condition, yes, no)
    views = [None if isinstance(x, np.ndarray) else builder.view(node, x) for x in operands]
    constants = [i for i, view in enumerate(views) if view is None]
    if len(constants) > 1:
        node.refuse("at most one of its operands must be a constant")
    tensors = [builder.arrange(view, view.axes) for view in views if view is not None]
    if not constants:
        return View.of(builder.operate("Where", tensors))
    place = constants[0]
    constant = constant_of(node, "an operand", operands[place]).astype(np.float32)
    return View.of(builder.operate("Where", tensors, constant, place))


def softmax(name: str) -> Callable[..., View]:
    """Softmax or LogSoftmax, over one axis; before opset 13 over all axes from one on."""

    def convert(builder: Builder, node: Node, x: Any, *, axis: int | None = None) -> View:
        view = builder.view(node, x)
        given = axis if axis is not None else -1 if builder.opset >= 13 else 1
        (place,) = axes_of(node, [given], view.rank)
        if builder.opset < 13 and place != view.rank - 1:
            node.refuse("before version 13 of the operators axis must be the last one")
        view, home = builder.isolated(view, place)
        if home == len(view.home) - 1:
            layer = layers.Activation(name, name=builder.name_for(node))
            return view.over(builder.call(layer, view.tensor))
        kind = "Softmax" if name == "softmax" else "LogSoftmax"
        return view.over(builder.operate(kind, view.tensor, axis=home))

    return convert


def clip(
    builder: Builder,
    node: Node,
    x: Any,
    low: Any = None,
    high: Any = None,
    *,
    min: float | None = None,
    max: float | None = None,
) -> View:
    view = builder.view(node, x)

    def bound(name: str, operand: Any, attribute: float | None, default: float) -> float:
        if operand is None:
            return default if attribute is None else float(attribute)
        return float(constant_of(node, name, operand).reshape(-1)[0])

    limit = float(np.finfo(np.float32).max)
    lowest, highest = bound("min", low, min, -limit), bound("max", high, max, limit)
    name = {(0.0, 6.0): "relu6", (-1.0, 1.0): "hard_tanh"}.get((lowest, highest))
    if name:
        layer = layers.Activation(name, name=builder.name_for(node))
        return view.over(builder.call(layer, view.tensor))
    return view.over(builder.operate("Clip", view.tensor, low=lowest, high=highest))


def cast(builder: Builder, node: Node, x: Any, *, to: int, saturate: int = 1) -> Any:
    view = builder.view(node, x)
    dtype = dtype_of(node, to).name
    steps = real_steps(builder, view) if dtype == "int64" else None
    if steps is not None:
        return steps
    if view.tensor.dtype == dtype or _only_indices(builder, node.outputs[0]):
        return view
    return view.over(builder.operate("Cast", view.tensor, dtype=dtype))


def _only_indices(builder: Builder, name: str) -> bool:
    """Whether a value only chooses rows of tables, or is compared: an id may be of any dtype."""
    return name not in builder.results and all(
        user.op == "Equal" or (user.op == "Gather" and user.inputs[1] == name)
        for user in builder.consumers[name]
    )


def dropout(
    builder: Builder,
    node: Node,
    x: Any,
    ratio: Any = None,
    training: Any = None,
    *,
    seed: int | None = None,
    **old: Any,
) -> Any:
    if training is not None and bool(constant_of(node, "training_mode", training)):
        node.refuse("training_mode must be false")
    if builder.used(node, 1):
        node.refuse("its mask must not be used")
    return x


def simple(operation: str) -> Callable[..., View]:
    """One operation on every element."""

    def convert(builder: Builder, node: Node, x: Any) -> View:
        view = builder.view(node, x)
        return view.over(builder.operate(operation, view.tensor))

    return convert


def prelu(builder: Builder, node: Node, x: Any, slope: Any) -> View:
    view = builder.viewed(builder.view(node, x))
    value = constant_of(node, "slope", slope)
    if value.size == 1:
        layer: Any = layers.LeakyReLU(float(value.ravel()[0]), name=builder.name_for(node))
        return view.over(builder.call(layer, view.tensor))
    missing = view.rank - 1 - value.ndim
    value = value.reshape((1,) * missing + value.shape)
    fits = value.ndim == view.rank - 1 and all(
        n in (1, size) for n, size in zip(value.shape, view.sizes()[1:], strict=True)
    )
    if not fits:
        node.refuse(f"slope must fit a sample of sizes {view.sizes()[1:]}, not {value.shape}")
    shared = [axis for axis, n in enumerate(value.shape, 1) if n == 1]
    layer = layers.PReLU(shared_axes=shared or None, name=builder.name_for(node))
    return view.over(builder.call(layer, view.tensor, [value]))


MERGING = {"Add": "Add", "Sub": "Subtract", "Mul": "Multiply", "Max": "Maximum", "Min": "Minimum"}


def arithmetic(operation: str) -> Callable[..., Any]:
    """An operation on two tensors, or on one and a constant."""

    def convert(builder: Builder, node: Node, *operands: Any) -> Any:
        if not operands:
            node.refuse("it must have operands")
        result = operands[0]
        for other in operands[1:]:
            result = _two(builder, node, operation, result, other)
        return result

    return convert


def _two(builder: Builder, node: Node, operation: str, a: Any, b: Any) -> View:
    constants = [isinstance(x, (np.ndarray, Filled)) for x in (a, b)]
    if all(constants):
        node.refuse("an operand must depend on the inputs")
    if any(constants):
        place = constants.index(True)
        constant = constant_of(node, "an operand", (a, b)[place])
        return _constant(builder, node, operation, (b, a)[place], constant, place)
    left, right = builder.view(node, a), builder.view(node, b)
    pattern = left.pattern()
    sizes = left.sizes()
    if pattern is None or right.pattern() != pattern or sizes != right.sizes():
        left, right = builder.viewed(left), builder.viewed(right)
    same = sizes == right.sizes()
    if same and operation in MERGING and len(left.home) > 1:
        layer = getattr(layers, MERGING[operation])(name=builder.name_for(node))
        return left.over(builder.call(layer, [left.tensor, right.tensor]))
    tensor = builder.operate(operation, [left.tensor, right.tensor])
    return left.over(tensor) if same else _broadcast(tensor, left, right)


def _broadcast(tensor: Any, *operands: View) -> View:
    """A result whose axes are those of its operands: an unknown size is known to be theirs."""
    fresh = View.of(tensor)
    axes: list[Group] = []
    for place, group in enumerate(fresh.axes):
        from_end = place - fresh.rank
        sizes = [x.axes[from_end] for x in operands if x.rank >= -from_end]
        wide = [own for own in sizes if own]
        axes.append(wide[0] if len(wide) == len(sizes) or len(wide) == 1 else group)
    return View(tensor, tuple(axes), tuple(axes))


def _constant(
    builder: Builder, node: Node, operation: str, x: Any, constant: np.ndarray, place: int
) -> View:
    if constant.dtype.kind not in "fiub":
        node.refuse("a constant operand must be numbers")
    view = builder.view(node, x)
    value = constant.astype(np.float32)
    lead = int(np.argmax([n != 1 for n in value.shape])) if value.size > 1 else value.ndim
    value = value.reshape(value.shape[lead:]) if value.ndim <= view.rank else value
    if value.ndim == 0:
        return view.over(builder.operate(operation, view.tensor, value, place))
    alone = value.ndim == 1 and bool(view.home) and view.home[-1] == view.axes[-1]
    if alone and value.shape[0] == view.sizes()[-1]:
        return view.over(builder.operate(operation, view.tensor, value, place))
    view = builder.viewed(view)
    tensor = builder.operate(operation, view.tensor, value, place)
    return view.over(tensor) if tensor.shape == view.sizes() else View.of(tensor)


def reduction(operation: str) -> Callable[..., View]:
    """ReduceMean and its kin."""

    def convert(
        builder: Builder,
        node: Node,
        x: Any,
        given: Any = None,
        *,
        axes: Sequence[int] | None = None,
        keepdims: int = 1,
        noop_with_empty_axes: int = 0,
    ) -> View:
        view = builder.view(node, x)
        listed = axes if given is None else constant_of(node, "axes", given)
        if listed is None or len(listed) == 0:
            if noop_with_empty_axes:
                return view
            listed = list(range(view.rank))
        places = axes_of(node, listed, view.rank)
        pattern = view.pattern()
        if pattern is None:
            view = builder.viewed(view)
            pattern = tuple(range(view.rank))
        home = [pattern[place] for place in places]
        tensor = _reduced(builder, node, operation, view, home)
        rest: list[Group] = [group for i, group in enumerate(view.home) if i not in home]
        if keepdims:
            seen = [() if i in places else group for i, group in enumerate(view.axes)]
        else:
            seen = [group for i, group in enumerate(view.axes) if i not in places]
        return View(tensor, tuple(rest), tuple(seen))

    return convert


def _reduced(builder: Builder, node: Node, operation: str, view: View, axes: Sequence[int]) -> Any:
    pooling = {"ReduceMean": "GlobalAveragePooling1D", "ReduceMax": "GlobalMaxPooling1D"}
    cls = getattr(layers, pooling[operation], None) if operation in pooling else None
    if cls is not None and list(axes) == [1] and len(view.home) == 3:
        return builder.call(cls(name=builder.name_for(node)), view.tensor)
    return builder.operate(operation, view.tensor, axes=list(axes), keepdims=False)

"""Nodes that turn, split and join axes: most only change how a tensor is seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .... import layers
from .builder import Builder, Node, constant_of
from .constants import LARGEST, axes_of, integers
from .values import Atom, Group, Parts, Size, View, size_of

__all__ = [
    "concat",
    "expand",
    "flatten",
    "identity",
    "pad",
    "reshape",
    "shape",
    "squeeze",
    "tile",
    "transpose",
    "unsqueeze",
]


def identity(builder: Builder, node: Node, x: Any) -> Any:
    return x


def shape(
    builder: Builder, node: Node, x: Any, *, start: int = 0, end: int | None = None
) -> np.ndarray:
    sizes = x.shape() if isinstance(x, View) else builder.view(node, x).shape()
    found: np.ndarray = sizes[start:end]
    known = all(isinstance(n, int) for n in found)
    return found.astype(np.int64) if known else found


def transpose(builder: Builder, node: Node, x: Any, *, perm: Sequence[int] | None = None) -> View:
    view = builder.view(node, x)
    order = list(range(view.rank))[::-1] if perm is None else list(perm)
    if sorted(order) != list(range(view.rank)):
        node.refuse(f"perm must order {view.rank} axes, not be {order}")
    return view.with_axes([view.axes[axis] for axis in order])


def squeeze(
    builder: Builder, node: Node, x: Any, given: Any = None, *, axes: Sequence[int] | None = None
) -> Any:
    listed = axes if given is None else given
    if isinstance(x, Parts):
        alone = listed is not None and len(x.parts) == 1
        if alone and axes_of(node, listed, x.parts[0].rank + 1) == [x.axis]:
            return x.parts[0]
        x = builder.joined(x)
    view = builder.view(node, x)
    if listed is None:
        gone = [i for i, size in enumerate(view.sizes()) if size == 1]
    else:
        gone = axes_of(node, listed, view.rank)
    for axis in gone:
        if view.sizes()[axis] != 1:
            node.refuse(f"axis {axis} must have size 1, not {size_of(view.axes[axis])}")
    return view.with_axes([group for i, group in enumerate(view.axes) if i not in gone])


def unsqueeze(
    builder: Builder, node: Node, x: Any, given: Any = None, *, axes: Sequence[int] | None = None
) -> View:
    view = builder.view(node, x)
    listed = axes if given is None else given
    if listed is None:
        node.refuse("its axes must be given")
    new = axes_of(node, listed, view.rank + len(listed))
    rest = iter(view.axes)
    return view.with_axes([() if i in new else next(rest) for i in range(view.rank + len(new))])


def flatten(builder: Builder, node: Node, x: Any, *, axis: int = 1) -> View:
    view = builder.view(node, x)
    if not -view.rank <= axis <= view.rank:
        node.refuse(f"axis must lie in [{-view.rank}, {view.rank}], not {axis}")
    axis = axis + view.rank if axis < 0 else axis
    return view.with_axes([_flat(view.axes[:axis]), _flat(view.axes[axis:])])


def _flat(groups: Sequence[Group]) -> Group:
    return tuple(atom for group in groups for atom in group)


def reshape(builder: Builder, node: Node, x: Any, given: Any, *, allowzero: int = 0) -> View:
    view = builder.view(node, x)
    if not isinstance(given, np.ndarray) or given.ndim != 1:
        node.refuse("its shape must be known but for sizes of the inputs")
    wanted = [
        n if isinstance(n, Size) else int(n) if allowzero or n != 0 else 0 for n in given.tolist()
    ]
    if not allowzero:
        if any(n == 0 and i >= view.rank for i, n in enumerate(wanted)):
            node.refuse(f"0 must stand for an axis that there is, not in {wanted}")
        wanted = [view.shape()[i] if n == 0 else n for i, n in enumerate(wanted)]
    if wanted.count(-1) > 1 or any(isinstance(n, int) and n < -1 for n in wanted):
        node.refuse(f"its shape must have sizes above zero and at most one -1, not {wanted}")
    try:
        return _divided(node, view, wanted)
    except ValueError:
        # Axes of 6 and 4 become such of 4 and 6: none is a part of another.
        merged = _merged(builder, view)
        if merged is None:
            raise
        return _divided(node, merged, wanted)


def _merged(builder: Builder, view: View) -> View | None:
    """The view of a tensor whose neighbouring axes of known size are one; None if it has none."""
    groups: list[list[Atom]] = []
    for atom in _flat(view.axes):
        if groups and atom.size is not None and groups[-1][0].size is not None:
            groups[-1].append(atom)
        else:
            groups.append([atom])
    if all(len(group) == 1 for group in groups):
        return None
    tensor = builder.arrange(view, [tuple(group) for group in groups])
    home = tuple((Atom(tensor.shape[i]) if len(g) > 1 else g[0],) for i, g in enumerate(groups))
    return View(tensor, home, home)


def _divided(node: Node, view: View, wanted: Sequence[Any]) -> View:
    """The atoms of a view in axes of these sizes."""
    left = list(_flat(view.axes))
    at = wanted.index(-1) if -1 in wanted else len(wanted)
    front: list[Group] = []
    for size in wanted[:at]:
        view, group, left = _taken(node, view, left, size, 1)
        front.append(group)
    back: list[Group] = []
    for size in reversed(wanted[at + 1 :]):
        view, group, left = _taken(node, view, left, size, -1)
        back.insert(0, group)
    if at < len(wanted):
        return view.with_axes([*front, tuple(left), *back])
    if left:
        node.refuse(f"a tensor of sizes {view.sizes()} must not become one of {wanted}")
    return view.with_axes(front)


def _taken(
    node: Node, view: View, left: list[Atom], size: Any, step: int
) -> tuple[View, Group, list[Atom]]:
    """Atoms from one end that make up an axis of a size, and those that are left.

    An atom is split where the axis ends inside of it.
    """
    left = list(left)
    found: list[Atom] = []
    if isinstance(size, Size):
        for atom in size.atoms[::step]:
            if not left or left[0 if step > 0 else -1] is not atom:
                node.refuse("an unknown size must stay that of its axis")
            found.append(left.pop(0 if step > 0 else -1))
        return view, tuple(found[::step]), left
    rest = size
    while rest > 1:
        if not left:
            node.refuse(f"a tensor of sizes {view.sizes()} must not have an axis of size {size}")
        atom = left.pop(0 if step > 0 else -1)
        known = atom.size
        if known is None:
            node.refuse(f"an axis of unknown size must not become one of size {size}")
        if rest % known == 0:
            found.append(atom)
            rest //= known
        elif known % rest == 0:
            parts = (Atom(rest), Atom(known // rest))[::step]
            view = view.split(atom, parts)
            inner, outer = parts[::step]
            found.append(inner)
            left.insert(0 if step > 0 else len(left), outer)
            rest = 1
        else:
            node.refuse(f"a tensor of sizes {view.sizes()} must not have an axis of size {size}")
    return view, tuple(found[::step]), left


def concat(builder: Builder, node: Node, *operands: Any, axis: int) -> Any:
    first = operands[0]
    states = [
        x.parts if isinstance(x, Parts) else (x,) for x in operands if isinstance(x, (Parts, View))
    ]
    if len(states) == len(operands):
        parts = _states(operands, axis)
        if parts is not None:
            return parts
    views = [builder.view(node, x) for x in operands]
    rank = views[0].rank
    if not -rank <= axis < rank or any(view.rank != rank for view in views):
        node.refuse(f"its operands must have as many axes, and axis be one of them, not {axis}")
    axis = axis + rank if axis < 0 else axis
    pattern = views[0].pattern()
    if pattern is not None and all(view.pattern() == pattern for view in views):
        place, base = pattern[axis], views[0]
    else:
        views = [builder.viewed(view) for view in views]
        place, base = axis, views[0]
    tensors = [view.tensor for view in views]
    if place == 0 or any(tensor.dtype == "bool" for tensor in tensors):
        tensor = builder.operate("Concat", tensors, axis=place)
    elif len(tensors) == 1:
        return first
    else:
        layer = layers.Concatenate(axis=place, name=builder.name_for(node))
        tensor = builder.call(layer, tensors)
    group: Group = (Atom(tensor.shape[place]),)

    def each(groups: Sequence[Group], here: int) -> tuple[Group, ...]:
        return (*groups[:here], group, *groups[here + 1 :])

    return View(tensor, each(base.home, place), each(base.axes, axis))


def _states(operands: Sequence[Any], axis: int) -> Parts | None:
    """Final states of layers side by side, as they are until somebody looks at them."""
    parts: list[View] = []
    for x in operands:
        if isinstance(x, Parts):
            if x.axis != axis:
                return None
            parts += x.parts
        elif 0 <= axis < x.rank and x.axes[axis] == () and x.rank == 3:
            parts.append(x.with_axes([*x.axes[:axis], *x.axes[axis + 1 :]]))
        else:
            return None
    return Parts(tuple(parts), axis)


def tile(builder: Builder, node: Node, x: Any, repeats: Any) -> View:
    view = builder.view(node, x)
    counts = integers(node, "repeats", repeats)
    if len(counts) != view.rank or min(counts) < 1:
        node.refuse(f"repeats must be {view.rank} numbers above zero, not {counts}")
    known = math.prod(size or 1 for size in view.sizes()) * math.prod(counts)
    if known > LARGEST:
        node.refuse(f"its result must have at most {LARGEST} values for one sample")
    again = [axis for axis, count in enumerate(counts) if count > 1]
    if again == [1] and len(view.home) == 2 and view.axes == (view.home[0], (), view.home[1]):
        layer = layers.RepeatVector(counts[1], name=builder.name_for(node))
        return View.of(builder.call(layer, view.tensor))
    tensor = builder.operate("Tile", builder.plain(node, view), repeats=counts)
    result = View.of(tensor)
    # Axes that stay are those they were: a size that is unknown is known to be theirs.
    axes = [
        result.axes[i] if count > 1 else group
        for i, (group, count) in enumerate(zip(view.axes, counts, strict=True))
    ]
    return View(tensor, tuple(axes), tuple(axes))


def pad(
    builder: Builder,
    node: Node,
    x: Any,
    given: Any = None,
    value: Any = None,
    axes: Any = None,
    *,
    mode: str = "constant",
    pads: Sequence[int] | None = None,
    **old: Any,
) -> View:
    view = builder.view(node, x)
    listed = integers(node, "pads", given) if given is not None else list(pads or ())
    places = list(range(view.rank)) if axes is None else axes_of(node, axes, view.rank)
    fill = float(old.pop("value", 0.0))
    if value is not None:
        fill = float(constant_of(node, "constant_value", value).ravel()[0])
    if mode != "constant" or old or len(listed) != 2 * len(places):
        node.refuse(f"it must pad {len(places)} axes with a constant, not {mode!r} {listed}")
    if min(listed) < 0 or max(listed) > LARGEST:
        node.refuse(f"pads must lie in [0, {LARGEST}], not {listed}")
    widths = [[0, 0] for _ in range(view.rank)]
    for i, place in enumerate(places):
        widths[place] = [listed[i], listed[i + len(places)]]
    padded = [axis for axis, width in enumerate(widths) if any(width)]
    if not padded:
        return view
    pattern = view.pattern()
    in_time = pattern is not None and len(padded) == 1 and pattern[padded[0]] == 1
    if pattern is not None and in_time and len(view.home) == 3 and fill == 0.0:
        layer = layers.ZeroPadding1D(tuple(widths[padded[0]]), name=builder.name_for(node))
        tensor = builder.call(layer, view.tensor)
        group: Group = (Atom(tensor.shape[1]),)
        home = (view.home[0], group, view.home[2])
        return View(tensor, home, tuple(home[place] for place in pattern))
    tensor = builder.operate("Pad", builder.plain(node, view), widths=widths, value=fill)
    return View.of(tensor)


def expand(builder: Builder, node: Node, x: Any, given: Any) -> View:
    view = builder.view(node, x)
    wanted = given.tolist() if isinstance(given, np.ndarray) else None
    sizes = view.shape().tolist()
    if wanted is None or len(wanted) != len(sizes):
        node.refuse("its shape must be known but for sizes of the inputs, with as many axes")
    if any(n not in (1, size) for n, size in zip(wanted, sizes, strict=True)):
        node.refuse("only constants can be made larger")
    return view

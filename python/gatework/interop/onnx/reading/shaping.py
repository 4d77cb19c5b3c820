"""Nodes that turn, split, join or cut axes: most only change how a tensor is seen."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .... import layers
from .builder import Builder, Node, constant_of
from .constants import axes_of, integers, slices
from .operation import Operation
from .values import Atom, Group, Parts, Size, View, size_of

__all__ = [
    "concat",
    "flatten",
    "gather",
    "identity",
    "reshape",
    "shape",
    "slice_",
    "split",
    "squeeze",
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
    if place == 0:
        tensor = builder.operate("Concat", tensors, axis=0)
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


def gather(builder: Builder, node: Node, data: Any, indices: Any, *, axis: int = 0) -> Any:
    if isinstance(data, np.ndarray):
        return _embedding(builder, node, data, indices, axis)
    index = constant_of(node, "indices", indices)
    if index.dtype.kind not in "iu":
        node.refuse("indices must be whole numbers")
    if isinstance(data, Parts):
        rank = data.parts[0].rank + 1
        if index.ndim == 0 and axis in (data.axis, data.axis - rank):
            return _chosen(node, data, int(index))
        data = builder.joined(data)
    view = builder.view(node, data)
    (place,) = axes_of(node, [axis], view.rank)
    if index.ndim > 1:
        node.refuse("indices must be one number or a vector")
    if index.ndim == 1:
        return _several(builder, node, view, place, [int(i) for i in index])
    return _take(builder, node, view, place, int(index))


def _chosen(node: Node, parts: Parts, index: int) -> View:
    count = len(parts.parts)
    if not -count <= index < count:
        node.refuse(f"indices must lie in [{-count}, {count}), not be {index}")
    return parts.parts[index]


def _embedding(builder: Builder, node: Node, table: np.ndarray, ids: Any, axis: int) -> View:
    if table.ndim != 2 or axis not in (0, -2) or table.dtype.kind != "f":
        node.refuse("a table must be a matrix whose rows are taken")
    view = builder.view(node, ids)
    layer = layers.Embedding(*table.shape, name=builder.name_for(node))
    tensor = builder.call(layer, view.tensor, [table])
    group: Group = () if table.shape[1] == 1 else (Atom(table.shape[1]),)
    return View(tensor, (*view.home, group), (*view.axes, group))


def _take(builder: Builder, node: Node, view: View, axis: int, index: int) -> View:
    size = view.sizes()[axis]
    if size is not None and not -size <= index < size:
        node.refuse(f"indices must lie in [{-size}, {size}), not be {index}")
    if view.axes[axis] == ():
        return view.with_axes([*view.axes[:axis], *view.axes[axis + 1 :]])
    view, place = builder.isolated(view, axis)
    tensor = builder.operate("Take", view.tensor, axis=place, index=index)
    return View(
        tensor,
        (*view.home[:place], *view.home[place + 1 :]),
        (*view.axes[:axis], *view.axes[axis + 1 :]),
    )


def _several(builder: Builder, node: Node, view: View, axis: int, indices: Sequence[int]) -> View:
    size = view.sizes()[axis]
    steps = {b - a for a, b in itertools.pairwise(indices)}
    if size is None or len(steps) > 1 or steps & {0} or not indices:
        node.refuse(f"indices must be evenly spaced on an axis of known size, not {list(indices)}")
    if any(not -size <= i < size for i in indices):
        node.refuse(f"indices must lie in [{-size}, {size}), not {list(indices)}")
    step = steps.pop() if steps else 1
    first, last = indices[0] % size, indices[-1] % size
    stop = last + (1 if step > 0 else -1)
    return _cut(builder, node, view, axis, slice(first, None if stop < 0 else stop, step))


def slice_(
    builder: Builder,
    node: Node,
    x: Any,
    starts: Any = None,
    ends: Any = None,
    axes: Any = None,
    steps: Any = None,
    **old: Any,
) -> Any:
    rank = x.parts[0].rank + 1 if isinstance(x, Parts) else builder.view(node, x).rank
    cuts = slices(node, rank, starts, ends, axes, steps)
    if isinstance(x, Parts):
        if list(cuts) == [x.axis]:
            kept = x.parts[cuts[x.axis]]
            if not kept:
                node.refuse("it must take something")
            return Parts(kept, x.axis)
        x = builder.joined(x)
    view = builder.view(node, x)
    for axis, one in cuts.items():
        view = _cut(builder, node, view, axis, one)
    return view


def _cut(builder: Builder, node: Node, view: View, axis: int, one: slice) -> View:
    size = view.sizes()[axis]
    if size is not None:
        taken = range(*one.indices(size))
        if len(taken) == 0:
            node.refuse("it must take something")
        if len(taken) == size and taken.step == 1:
            return view
    elif (one.start, one.step) == (0, 1) and one.stop is not None and one.stop >= 1 << 31:
        return view
    start, stop = one.start, one.stop
    if start >= 1 << 31 or (one.step < 0 and start == -1):
        start = None
    if one.step < 0 and start is not None and size is None:
        node.refuse("steps backwards must start from the end of an axis of unknown size")
    if stop is not None and stop >= 1 << 31:
        stop = None
    view, place = builder.isolated(view, axis)
    whole = start is None and stop is None and one.step == -1
    turned = _turned_back(view.tensor, place) if whole else None
    if turned is not None:
        return view.over(turned)
    tensor = builder.operate(
        "Slice", view.tensor, axis=place, start=start, stop=stop, step=one.step
    )
    found = tensor.shape[place]
    group: Group = () if found == 1 else (Atom(found),)
    return View(
        tensor,
        (*view.home[:place], group, *view.home[place + 1 :]),
        (*view.axes[:axis], group, *view.axes[axis + 1 :]),
    )


def _turned_back(tensor: Any, axis: int) -> Any:
    """What a tensor was before it was reversed along an axis; None if it was not."""
    layer, call, _ = tensor._keras_history
    backwards = {"axis": axis, "start": None, "stop": None, "step": -1}
    if isinstance(layer, Operation) and layer.attributes == backwards:
        return layer._inbound[call].args[0]
    return None


def split(
    builder: Builder,
    node: Node,
    x: Any,
    given: Any = None,
    *,
    axis: int = 0,
    split: Sequence[int] | None = None,
    num_outputs: int | None = None,
) -> list[Any]:
    view = builder.view(node, x)
    (place,) = axes_of(node, [axis], view.rank)
    size, count = view.sizes()[place], len(node.outputs)
    if size is None:
        node.refuse("the axis that is split must have a known size")
    sizes = list(split) if split is not None else None
    if given is not None:
        sizes = integers(node, "split", given)
    if sizes is None:
        each = -(-size // count)
        sizes = [min(each, size - i * each) for i in range(count)]
    if sum(sizes) != size or len(sizes) != count or min(sizes) < 1:
        node.refuse(f"split must cut {size} into {count}, not {sizes}")
    ends = np.cumsum(sizes).tolist()
    return [
        _cut(builder, node, view, place, slice(end - n, end, 1)) if builder.used(node, i) else None
        for i, (end, n) in enumerate(zip(ends, sizes, strict=True))
    ]

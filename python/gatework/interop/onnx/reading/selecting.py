"""Nodes that take parts of a tensor: rows of a table, steps, the state of one direction."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .... import layers
from .builder import Builder, Node, constant_of
from .constants import axes_of, integers, slices
from .operation import Operation
from .values import Atom, Group, Parts, View

__all__ = ["gather", "slice_", "split"]


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

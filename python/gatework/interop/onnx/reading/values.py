"""What a name of the graph stands for while it is read.

A layer's tensor has the batch first and keeps both directions of a recurrent layer in one axis;
ONNX turns, splits and joins axes around it. A ``View`` says how the graph sees a layer's tensor, so
that Transpose, Squeeze and most of Reshape need no layer at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....layers.symbolic import KerasTensor

__all__ = ["Atom", "Filled", "Group", "Parts", "Size", "Spread", "Steps", "View", "size_of"]


class Atom:
    """A part of an axis that the graph may move as a whole; its size is None where unknown."""

    __slots__ = ("size",)

    def __init__(self, size: int | None) -> None:
        self.size = size


Group = tuple[Atom, ...]  # an axis: several atoms when axes were joined, none for size 1


class Size:
    """The unknown size of an axis as an element of a shape."""

    __slots__ = ("atoms",)

    def __init__(self, atoms: Group) -> None:
        self.atoms = atoms

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Size) and self.atoms == other.atoms

    def __hash__(self) -> int:
        return hash(self.atoms)

    def __mul__(self, other: Any) -> Size:
        if isinstance(other, Size):
            return Size((*self.atoms, *other.atoms))
        if other == 1:
            return self
        raise TypeError(f"a product of an unknown size and {other!r}")

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return "an unknown size"


def size_of(group: Group) -> int | Size:
    """The size of an axis."""
    sizes = [atom.size for atom in group]
    if None in sizes:
        return Size(group)
    return math.prod(size for size in sizes if size is not None)


@dataclass(frozen=True)
class View:
    """How the graph sees a tensor.

    Args:
        tensor: the tensor of a layer.
        home: the atoms of each axis of the tensor.
        axes: the same atoms in the axes that the graph sees.
        packed: a mask, if the graph has brought the real steps of each row to the front; the tensor
            still has them where they were.
    """

    tensor: KerasTensor
    home: tuple[Group, ...]
    axes: tuple[Group, ...]
    packed: KerasTensor | None = None

    @classmethod
    def of(cls, tensor: KerasTensor) -> View:
        """A tensor as it is."""
        home = tuple(() if size == 1 else (Atom(size),) for size in tensor.shape)
        return cls(tensor, home, home)

    @property
    def rank(self) -> int:
        return len(self.axes)

    def shape(self) -> np.ndarray:
        """The sizes that the graph sees, as an array of integers and ``Size``."""
        found = np.empty(self.rank, object)
        found[:] = [size_of(group) for group in self.axes]
        return found

    def sizes(self) -> tuple[int | None, ...]:
        """The sizes that the graph sees, None where unknown."""
        return tuple(n if isinstance(n, int) else None for n in self.shape())

    def with_axes(self, axes: Sequence[Group]) -> View:
        return replace(self, axes=tuple(axes))

    def over(self, tensor: KerasTensor) -> View:
        """The same view of another tensor with the same axes."""
        return replace(self, tensor=tensor)

    def pattern(self) -> tuple[int, ...] | None:
        """The tensor's axis of every axis that the graph sees; None if axes were split or joined"""
        order = [self.home.index(group) if group in self.home else -1 for group in self.axes]
        return tuple(order) if sorted(order) == list(range(len(self.home))) else None

    def split(self, atom: Atom, parts: Group) -> View:
        """The view with an atom split in several."""

        def each(group: Group) -> Group:
            return tuple(p for one in group for p in (parts if one is atom else (one,)))

        home, axes = tuple(map(each, self.home)), tuple(map(each, self.axes))
        return replace(self, home=home, axes=axes)


@dataclass(frozen=True)
class Parts:
    """Views of equal axes, side by side along one more axis: the states of both directions."""

    parts: tuple[View, ...]
    axis: int


@dataclass(frozen=True)
class Filled:
    """A constant tensor all of whose values are equal, of any size."""

    value: float
    sizes: tuple[int | Size | None, ...] | None = None


@dataclass(frozen=True)
class Steps:
    """Numbers that the graph derives from a mask (batch, time), by what they are."""

    kind: str
    mask: View


@dataclass(frozen=True)
class Spread:
    """Outputs of a layer, brought back to where the steps of a mask were."""

    view: View
    mask: KerasTensor

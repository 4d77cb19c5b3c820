"""What shape of input a layer accepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["InputSpec"]

# What is meant where rank 3 was asked for and rank 2 came.
_STEPS = "; to get one output per step, give the recurrent layer before return_sequences=True"
_HINTS = {(3, 2): _STEPS}


class InputSpec:
    """Rank and sizes that the inputs of a layer must have.

    Args:
        dtype: not checked; kept as given.
        shape: exact shape, None where any size is good.
        ndim: rank.
        max_ndim, min_ndim: bounds of the rank.
        axes: size by axis.
        allow_last_axis_squeeze: a last axis of size one may be there or not, whatever ``shape``
            says.
        name: kept as given.
        optional: kept as given.
    """

    def __init__(
        self,
        dtype: str | None = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = dict(axes or {})
        self.allow_last_axis_squeeze = bool(allow_last_axis_squeeze)
        self.name = name
        self.optional = bool(optional)
        self.good: tuple[int | None, ...] | None = None  # the last shape that was found to fit

    def check(self, shape: Sequence[int | None], name: str) -> None:
        """Raises ValueError, naming the layer, for a shape that does not fit."""
        given, own = tuple(shape), self.shape
        if self.allow_last_axis_squeeze and own is not None:
            own, shape = _squeezed(own), _squeezed(tuple(shape))
        wanted = self.ndim if own is None else len(own)
        ndim = len(shape)
        if wanted is not None and ndim != wanted:
            raise ValueError(
                f"inputs of {name} must have {wanted} axes, not {ndim}: shape {tuple(shape)}"
                f"{_HINTS.get((wanted, ndim), '')}"
            )
        if self.max_ndim is not None and ndim > self.max_ndim:
            raise ValueError(
                f"inputs of {name} must have at most {self.max_ndim} axes, not {ndim}: "
                f"shape {tuple(shape)}"
            )
        if self.min_ndim is not None and ndim < self.min_ndim:
            raise ValueError(
                f"inputs of {name} must have at least {self.min_ndim} axes, not {ndim}: "
                f"shape {tuple(shape)}"
            )
        sizes = self.axes
        if own is not None:
            sizes = {**sizes, **dict(enumerate(own))}
        for axis, size in sizes.items():
            found = shape[axis]
            if size is not None and found is not None and found != size:
                raise ValueError(
                    f"inputs of {name} must have size {size} along axis {axis}, not {found}: "
                    f"shape {tuple(shape)}"
                )
        self.good = given

    def get_config(self) -> dict[str, Any]:
        return {
            "dtype": self.dtype,
            "shape": self.shape,
            "ndim": self.ndim,
            "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim,
            "axes": self.axes,
            "optional": self.optional,
        }


def _squeezed(shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
    """Without a last axis of size one."""
    return shape[:-1] if shape and shape[-1] == 1 else shape

"""Weights in HDF5, in the layout of Keras 3's ``.weights.h5``.

A layer's own weights are datasets "0", "1", ... in a group "vars"; sublayers lie in groups named
after the attribute that holds them, layers of a list after their class in snake case.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from ..autograd import Variable
from ..layers.base import Layer
from ..utils.naming import to_snake_case
from .hdf5 import checked_dataset, find_group, opened

__all__ = ["load_weights_from_h5", "named_variables", "save_weights_to_h5"]

# A weight that the model does not expect may still be read by a layer's own load_own_variables.
MAX_UNEXPECTED_BYTES = 1 << 26


def save_weights_to_h5(model: Any, file: Any) -> None:
    """Writes the weights of a model, and its optimizer's state, into a file object."""
    import h5py

    with h5py.File(file, "w") as h5:
        for path, _, saveable in _walk(model, "", "", set()):
            group = h5.create_group(f"{path}/vars".lstrip("/"))
            group.attrs["name"] = str(getattr(saveable, "name", ""))
            saveable.save_own_variables(_Writer(group))


def load_weights_from_h5(
    model: Any,
    data: bytes,
    source: str,
    skip_mismatch: bool = False,
    objects_to_skip: Sequence[Any] = (),
) -> None:
    """Reads what ``save_weights_to_h5`` or Keras 3 wrote; all of it or nothing.

    Args:
        model: a built model.
        data: the file's bytes.
        source: the file's name, for error messages.
        skip_mismatch: leave out layers whose weights do not fit, with a warning, not raising.
        objects_to_skip: layers that keep their weights.

    Raises:
        ValueError: if the file is damaged or does not fit the model, which is then as before.
    """
    targets = list(_walk(model, "", "", {id(skipped) for skipped in objects_to_skip}))
    before = [(v, v.numpy()) for _, _, saveable in targets for v in _variables(saveable)]
    try:
        with opened(data, source) as h5:
            for path, names, saveable in targets:
                try:
                    _load_one(h5, path, names, saveable, source)
                except ValueError as error:
                    if not skip_mismatch:
                        raise
                    warnings.warn(f"weights are left as they are: {error}", stacklevel=4)
    except BaseException:
        _restore(before)
        raise


def named_variables(model: Any) -> dict[str, Variable]:
    """The weights by the names of the layers that lead to them: "words/lstm_cell/kernel"."""
    found: dict[str, Variable] = {}
    for _, names, owner in _walk(model, "", "", set()):
        for variable in owner._own_weights if isinstance(owner, Layer) else ():
            path = f"{names}/{variable.name}".lstrip("/")
            name, count = path, 0
            while name in found:
                count += 1
                name = f"{path}_{count}"
            found[name] = variable
    return found


def _restore(before: Sequence[tuple[Variable, Any]]) -> None:
    for variable, value in before:
        if variable.numpy() is not value:
            variable.assign(value)


def _load_one(h5: Any, path: str, names: str, saveable: Any, source: str) -> None:
    label = f"'{names or saveable.name}' ({path or 'the model itself'})"
    expected = {str(i): v.shape for i, v in enumerate(_variables(saveable))}
    group = find_group(h5, f"{path}/vars".strip("/"), source)
    if group is None:
        if expected and isinstance(saveable, Layer):  # an optimizer may not have begun
            raise ValueError(f"{source!r} must hold weights of {label}, not none")
        return
    if not expected and len(group) == 0:
        return
    saveable.load_own_variables(_Reader(group, expected, label, source))


def _variables(saveable: Any) -> list[Variable]:
    """What ``save_own_variables`` writes by default."""
    if isinstance(saveable, Layer):
        return list(saveable._own_weights)
    return list(saveable.variables)


def _natural(name: str) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _walk(saveable: Any, path: str, names: str, seen: set[int]) -> Iterator[tuple[str, str, Any]]:
    """Every layer (and the optimizer) with its path in the file and its names in the model."""
    if id(saveable) in seen:
        return
    seen.add(id(saveable))
    yield path, names, saveable
    if not isinstance(saveable, Layer):
        inner = getattr(saveable, "inner_optimizer", None)
        if inner is not None:  # its variables are listed twice, as Keras expects them
            yield from _walk(inner, f"{path}/inner_optimizer", _joined(names, inner), seen)
        return
    prefix = f"{path}/" if path else ""
    attributes = sorted(vars(saveable), key=lambda name: [str(part) for part in _natural(name)])
    chain = _chain(saveable)
    if chain is not None:
        yield from _walk_list(chain, f"{prefix}layers", names, seen)
    for name in attributes:
        child = vars(saveable)[name]
        if name in _base_attributes():
            continue
        if isinstance(child, Layer) or (name == "optimizer" and child is not None):
            if isinstance(child, Layer) or getattr(child, "built", False):
                yield from _walk(child, prefix + name, _joined(names, child), seen)
        elif isinstance(child, (list, tuple, dict)):
            yield from _walk_list(child, prefix + name, names, seen)


@functools.cache
def _base_attributes() -> frozenset[str]:
    """The attributes that every layer has for itself."""
    return frozenset(vars(Layer(name="base")))


def _chain(saveable: Layer) -> list[Layer] | None:
    """The layers of a Sequential or a graph, which the file lists by themselves; else None."""
    from ..models import Model, Sequential

    listed = isinstance(saveable, Sequential) or (
        isinstance(saveable, Model) and saveable._graph is not None
    )
    return saveable.layers if listed else None  # type: ignore[attr-defined]


def _joined(names: str, child: Any) -> str:
    return f"{names}/{child.name}" if names else str(child.name)


def _walk_list(
    children: Any, path: str, names: str, seen: set[int]
) -> Iterator[tuple[str, str, Any]]:
    used: dict[str, int] = {}
    for child in children.values() if isinstance(children, dict) else children:
        if isinstance(child, Layer):
            name = to_snake_case(type(child).__name__)
        elif isinstance(child, (list, tuple, dict)):
            name = "container"
        else:
            continue
        count = used.get(name, 0)
        used[name] = count + 1
        inner = f"{path}/{name}" if count == 0 else f"{path}/{name}_{count}"
        if isinstance(child, Layer):
            yield from _walk(child, inner, _joined(names, child), seen)
        else:
            yield from _walk_list(child, inner, names, seen)


class _Writer(MutableMapping[str, Any]):
    """A group of datasets as a dictionary to write to."""

    def __init__(self, group: Any) -> None:
        self._group = group

    def __setitem__(self, key: str, value: Any) -> None:
        self._group.create_dataset(key, data=np.asarray(value))

    def __getitem__(self, key: str) -> Any:
        return self._group[key][()]

    def __delitem__(self, key: str) -> None:
        del self._group[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._group)

    def __len__(self) -> int:
        return len(self._group)


class _Reader(Mapping[str, Any]):
    """A group of datasets as a dictionary of arrays, each checked before it is read."""

    def __init__(
        self, group: Any, expected: Mapping[str, tuple[int, ...]], name: str, source: str
    ) -> None:
        self._group = group
        self._expected = expected
        self._name = name
        self._source = source

    def __iter__(self) -> Iterator[str]:
        return iter(self._group)

    def __len__(self) -> int:
        return len(self._group)

    def __getitem__(self, key: str) -> Any:
        label = f"weight {key} of {self._name} in {self._source!r}"
        dataset = checked_dataset(self._group, key, label)
        wanted = self._expected.get(key)
        if wanted is not None and dataset.shape != wanted:
            raise ValueError(f"{label} must have shape {wanted}, not {dataset.shape}")
        if wanted is None and dataset.nbytes > MAX_UNEXPECTED_BYTES:
            raise ValueError(f"{label} must not be larger than {MAX_UNEXPECTED_BYTES} bytes")
        return np.asarray(dataset[()])

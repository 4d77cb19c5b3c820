"""How the next token of a sequence is chosen, under KerasHub's names."""

from __future__ import annotations

from typing import Any

from .. import _absent, _lookup
from .base import Sampler
from .beam import BeamSampler
from .drawing import MinPSampler, RandomSampler, TopKSampler, TopPSampler
from .greedy import GreedySampler

CLASSES: dict[str, type[Sampler]] = {
    cls.__name__: cls
    for cls in (
        BeamSampler,
        GreedySampler,
        MinPSampler,
        RandomSampler,
        TopKSampler,
        TopPSampler,
    )
}
ALIASES: dict[str, type[Sampler]] = {
    "beam": BeamSampler,
    "greedy": GreedySampler,
    "min_p": MinPSampler,
    "random": RandomSampler,
    "top_k": TopKSampler,
    "top_p": TopPSampler,
}
_KNOWN = {**CLASSES, **ALIASES}

__all__ = [
    "BeamSampler",
    "GreedySampler",
    "MinPSampler",
    "RandomSampler",
    "Sampler",
    "TopKSampler",
    "TopPSampler",
    "get",
]


def __getattr__(name: str) -> Any:
    """Says of KerasHub's other samplers why they are not here."""
    _absent.refuse("samplers", name)


def get(identifier: Any) -> Any:
    """Returns the sampler that `identifier` names.

    Args:
        identifier: a name such as "top_k" or "TopKSampler", a configuration, a class or a sampler.

    Raises:
        ValueError: for an unknown name; the message lists the nearest known ones.
    """
    found = _lookup.find_object("sampler", _KNOWN, identifier)
    if not isinstance(found, Sampler):
        raise ValueError(f"sampler must be a name, a configuration or a Sampler, not {found!r}")
    return found

"""One row per public name of Keras: same, different (how), or not here (why)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gatework._absent import reason

from tests.peers.sweep import helpers, layers, losses, metrics, optimizers, pieces
from tests.peers.sweep.case import Case
from tests.peers.sweep.known import ARGUMENTS, KNOWN, NO_NUMBERS, NUMBERS_DIFFER
from tests.peers.sweep.names import TOPICS, additions, module, public_names, signature_differences

Comparison = Callable[[str, Case], float]
REGISTRY: dict[str, tuple[dict[str, Case], Comparison]] = {
    "layers": (layers.CASES, layers.largest_difference),
    "losses": (losses.CASES, losses.largest_difference),
    "metrics": (metrics.CASES, metrics.largest_difference),
    "optimizers": (optimizers.CASES, optimizers.largest_difference),
    "optimizers.schedules": (optimizers.SCHEDULES, optimizers.largest_difference_of_schedule),
    "utils": (helpers.CASES, helpers.largest_difference),
    "initializers": (pieces.INITIALIZERS, pieces.initializers_difference),
    "regularizers": (pieces.REGULARIZERS, pieces.regularizers_difference),
    "constraints": (pieces.CONSTRAINTS, pieces.constraints_difference),
    "activations": (pieces.ACTIVATIONS, pieces.activations_difference),
}
# Topics whose every public class needs numbers.
NUMERIC = set(REGISTRY) - {"utils"}
LOOKUPS = {"get", "serialize", "deserialize"}


@dataclass
class Row:
    topic: str
    name: str
    here: bool
    alias_of: str | None = None
    missing: str | None = None  # why it is not here
    signature: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    difference: float | None = None
    error: str | None = None
    known: str | None = None

    @property
    def status(self) -> str:
        if not self.here:
            return "not here"
        if self.signature or self.error or self.known:
            return "different"
        return "same"


def alias(topic: str, name: str) -> str | None:
    """The first name that Keras gives to the same object, if that is another one."""
    theirs = module("keras", topic)
    thing = getattr(theirs, name)
    same = [other for other in public_names(topic) if getattr(theirs, other) is thing]
    classes = [other for other in same if other[0].isupper()]
    first = getattr(thing, "__name__", name)
    main = first if first in same else (classes or same)[0]
    return None if main == name else main


def case_of(topic: str, name: str) -> Case | None:
    return REGISTRY.get(topic, ({}, None))[0].get(name)


def needs_numbers(topic: str, name: str) -> bool:
    """Whether a name that is here must be in the registry of cases, under itself or its alias."""
    if topic not in NUMERIC or name in LOOKUPS or (topic, name) in NO_NUMBERS:
        return False
    return alias(topic, name) is None


def measure(topic: str, name: str) -> float:
    """Largest difference of the numbers of a name that has a case."""
    cases, comparison = REGISTRY[topic]
    return comparison(name, cases[name])


def unexplained(differences: Iterator[str]) -> Iterator[str]:
    """Signature differences, without arguments that are left out everywhere, on purpose."""
    for sentence in differences:
        if sentence.startswith("without "):
            missing = [part.strip("`") for part in sentence[len("without ") :].split(", ")]
            left = [name for name in missing if name not in ARGUMENTS]
            if left:
                yield "without " + ", ".join(f"`{name}`" for name in left)
        else:
            yield sentence


def row(topic: str, name: str, numbers: bool = True) -> Row:
    theirs, ours = module("keras", topic), module("gatework", topic)
    if not hasattr(ours, name) or inspect.ismodule(getattr(ours, name)):
        return Row(topic, name, False, alias(topic, name), missing=reason(topic, name))
    found = Row(topic, name, True, alias(topic, name), known=KNOWN.get((topic, name)))
    a, b = getattr(theirs, name), getattr(ours, name)
    found.signature = tuple(unexplained(signature_differences(a, b)))
    found.more = tuple(additions(a, b))
    case = case_of(topic, name)
    if numbers and case is not None:
        try:
            found.difference = measure(topic, name)
        except Exception as problem:
            found.error = f"{type(problem).__name__}: {problem}".splitlines()[0]
        else:
            if found.difference > case.tolerance and (topic, name) not in NUMBERS_DIFFER:
                found.error = f"numbers differ by {found.difference:.1e}"
    return found


def rows(topic: str, numbers: bool = True) -> list[Row]:
    return [row(topic, name, numbers) for name in public_names(topic)]


__all__ = [
    "NUMBERS_DIFFER",
    "LOOKUPS",
    "REGISTRY",
    "TOPICS",
    "Row",
    "alias",
    "measure",
    "needs_numbers",
    "row",
    "rows",
]

"""Functions of `utils`: the same results for the same arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.keras_side import leaves
from tests.peers.sweep.case import Case, worst
from tests.peers.sweep.names import module


def ragged(rng: np.random.Generator) -> Any:
    return [rng.integers(1, 9, n).tolist() for n in (3, 1, 6, 2)]


def rows(rng: np.random.Generator) -> Any:
    return rng.normal(size=(4, 5)).astype("float32")


CASES: dict[str, Case] = {
    "pad_sequences": Case(
        {
            "maxlen": [None, 4, 2],
            "padding": ["pre", "post"],
            "truncating": ["pre", "post"],
            "value": [0.0, 7],
        },
        {"first": ragged},
        draws=8,
    ),
    "to_categorical": Case(
        {"num_classes": [None, 12]}, {"first": lambda rng: rng.integers(0, 9, (3, 4))}
    ),
    "normalize": Case({"axis": [-1, 1], "order": [2, 1]}, {"first": rows}),
    "pack_x_y_sample_weight": Case({"y": [None, np.arange(4)]}, {"first": rows}),
    "unpack_x_y_sample_weight": Case({}, {"first": lambda rng: (rows(rng), np.arange(4))}),
}


def largest_difference(name: str, case: Case) -> float:
    found = 0.0
    for arguments, rng in case.arguments(name):
        first = case.options["first"](rng)
        expected, own = (
            list(leaves(getattr(module(L, "utils"), name)(first, **arguments)))
            for L in ("keras", "gatework")
        )
        for a, b in zip(own, expected, strict=True):
            if (a is None) != (b is None):
                raise AssertionError("None at different places")
        own, expected = ([p for p in side if p is not None] for side in (own, expected))
        found = max(found, worst(own, expected))
    return found

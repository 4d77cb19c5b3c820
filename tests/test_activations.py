"""Activations by name; their values are tested with the operations."""

from __future__ import annotations

import pytest
from gatework import activations, ops


@pytest.mark.parametrize("name", [*activations.FUNCTIONS, *activations.ALIASES])
def test_every_name(name: str) -> None:
    function = activations.get(name)
    assert function is getattr(activations, name)
    # As in Keras, the operation has another default.
    assert name == "gelu" or function is getattr(ops, name)
    assert activations.get(activations.serialize(function)) is function
    assert activations.deserialize(name) is function


def test_other_forms() -> None:
    def mine(x: object) -> object:
        return x

    assert activations.get(None) is activations.linear
    assert activations.get(mine) is mine
    written = {"module": "builtins", "class_name": "function", "config": "relu"}
    assert activations.deserialize({**written, "registered_name": None}) is activations.relu


@pytest.mark.parametrize(
    ("identifier", "sentence"),
    [("tahn", "activation must be the name of one, not 'tahn'.*tanh"), (3, "callable, not 3")],
)
def test_unknown(identifier: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        activations.get(identifier)

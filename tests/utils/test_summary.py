"""The table of a model, line by line."""

from __future__ import annotations

import numpy as np
import pytest
from gatework.layers import LSTM, Dense, Dropout, Embedding, Input
from gatework.models import Sequential
from gatework.utils.summary import summary_lines


def language_model() -> Sequential:
    return Sequential(
        [
            Input((None,)),
            Embedding(10, 4, name="words"),
            LSTM(3, name="memory"),
            Dropout(0.2, name="drop"),
            Dense(1, name="out"),
        ],
        name="mine",
    )


def rows(lines: list[str]) -> list[list[str]]:
    """The cells of the table, header included."""
    return [
        [cell.strip() for cell in line.replace("┃", "│").strip("│").split("│")]
        for line in lines
        if line[:1] in "┃│"
    ]


def test_layers_shapes_and_counts() -> None:
    lines = summary_lines(language_model())
    assert lines[0] == 'Model: "mine"'
    assert rows(lines) == [
        ["Layer (type)", "Output Shape", "Param #"],
        ["words (Embedding)", "(None, None, 4)", "40"],
        ["memory (LSTM)", "(None, 3)", "96"],
        ["drop (Dropout)", "(None, 3)", "0"],
        ["out (Dense)", "(None, 1)", "4"],
    ]
    assert lines[-3:] == [
        " Total params: 140 (560.00 B)",
        " Trainable params: 140 (560.00 B)",
        " Non-trainable params: 0 (0.00 B)",
    ]


@pytest.mark.parametrize("width", [60, 76, 100])
def test_every_line_of_the_table_is_as_wide(width: int) -> None:
    lines = summary_lines(language_model(), line_length=width)
    assert {len(line) for line in lines if line[0] in "┏┃┡│├└"} == {width}


def test_long_names_take_several_lines() -> None:
    model = Sequential([Input((2,)), Dense(1, name="a_layer_with_a_name")])
    assert rows(summary_lines(model, line_length=60))[1:] == [
        ["a_layer_with_a_name", "(None, 1)", "3"],
        ["(Dense)", "", ""],
    ]


def test_frozen_layers() -> None:
    model = language_model()
    model.get_layer("memory").trainable = False
    lines = summary_lines(model, show_trainable=True, line_length=130)
    assert [row[-1] for row in rows(lines)] == ["Trainable", "Y", "N", "-", "Y"]
    assert lines[-1] == " Non-trainable params: 96 (384.00 B)"


def test_unbuilt() -> None:
    assert rows(summary_lines(Sequential([Dense(2, name="d")])))[1] == [
        "d (Dense)",
        "?",
        "0 (unbuilt)",
    ]


def test_optimizer_counts() -> None:
    model = Sequential([Input((2,)), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    held = sum(variable.size for variable in model.optimizer.variables)
    assert any(line.startswith(f" Optimizer params: {held} ") for line in summary_lines(model))


def test_layers_inside_layers() -> None:
    model = Sequential([Input((5,)), Sequential([Dense(2, name="d")], name="inner")])
    assert len(rows(summary_lines(model))) == 2
    assert rows(summary_lines(model, expand_nested=True))[2] == ["└ d (Dense)", "(None, 2)", "12"]


def test_a_range_of_layers() -> None:
    shown = rows(summary_lines(language_model(), layer_range=("memory", "dro.*")))
    assert [row[0] for row in shown[1:]] == ["memory (LSTM)", "drop (Dropout)"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"layer_range": ["words"]}, "layer_range must be two names, not"),
        ({"layer_range": ["words", "nothing"]}, "layer_range must match layers of 'words'"),
        ({"positions": [0.5, 1.0]}, "positions must be 3 in number, not 2"),
        ({"positions": [0.5, 0.5, 1.0]}, "positions must leave 2 characters to each column"),
    ],
)
def test_errors(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        summary_lines(language_model(), **arguments)


def test_printed_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    model, caught = language_model(), []
    model.summary(print_fn=caught.append)
    model.summary()
    assert capsys.readouterr().out == "\n".join(caught) + "\n"

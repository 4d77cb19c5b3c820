"""What a run shows, and that a broken output never ends it."""

import io
import sys

import numpy as np
import pytest
from gatework.callbacks import ProgressBar
from gatework.callbacks.console import Console
from gatework.callbacks.progress import format_duration, format_step_time, format_value


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def run(bar, verbose, steps=3, epochs=2, target=3):
    bar.set_params({"verbose": verbose, "epochs": epochs, "steps": target})
    bar.on_train_begin()
    for epoch in range(epochs):
        bar.on_epoch_begin(epoch)
        for step in range(steps):
            bar.on_train_batch_end(step, {"accuracy": 0.5, "loss": 1.0})
        bar.on_epoch_end(epoch, {"accuracy": 0.5, "loss": 1.0, "val_loss": 0.00012345})
    bar.on_train_end()


def test_one_line_per_epoch(capsys):
    run(ProgressBar(), 2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("Epoch 2/2 - 3/3 - 0s - ")
    assert lines[1].endswith("/step - accuracy: 0.5000 - loss: 1.0000 - val_loss: 1.2345e-04")


@pytest.mark.parametrize("verbose", [1, "auto"])
def test_a_file_gets_each_bar_once(capsys, verbose):
    run(ProgressBar(), verbose)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0] == "Epoch 1/2"
    assert lines[1].startswith("3/3 " + "━" * 20 + " 0s ")
    assert "loss: 1.0000" in lines[1]


def test_a_terminal_gets_a_moving_bar(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr("gatework.callbacks.progress.REFRESH_SECONDS", 0.0)
    run(ProgressBar(), 1)
    text = screen.getvalue()
    assert text.count("Epoch ") == 2
    assert "1/3" in text
    assert "3/3" in text
    assert "━" * 20 in text
    assert "val_loss: 1.2345e-04" in text
    assert text.endswith("\n")


def test_a_terminal_with_an_unknown_number_of_steps(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr("gatework.callbacks.progress.REFRESH_SECONDS", 0.0)
    run(ProgressBar(), 1, target=None)
    assert "1/Unknown" in screen.getvalue()
    assert "3/3" in screen.getvalue()


def test_an_output_that_cannot_show_the_bar(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    run(ProgressBar(), 1)
    sys.stdout.flush()
    assert b"3/3 " + b"=" * 20 in raw.getvalue()


class Broken(Terminal):
    def write(self, text):
        raise BrokenPipeError

    def flush(self):
        raise BrokenPipeError


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_broken_or_closed_output_is_survived(monkeypatch, verbose):
    closed = Terminal()
    closed.close()
    for stream in (Broken(), closed, None):
        monkeypatch.setattr(sys, "stdout", stream)
        run(ProgressBar(), verbose)


def test_console_replaces_what_cannot_be_written(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    console = Console()
    console.write("naïve")
    console.flush()
    assert raw.getvalue() == b"na?ve"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (format_value(0.12345), "0.1235"),
        (format_value(12345.678), "12345.6780"),
        (format_value(0.0), "0.0000"),
        (format_value(-0.0002), "-2.0000e-04"),
        (format_value(np.float32(0.5)), "0.5000"),
        (format_value("text"), "text"),
        (format_step_time(2.4), "2s/step"),
        (format_step_time(0.0123), "12ms/step"),
        (format_step_time(4.56e-5), "46us/step"),
        (format_duration(7.9), "7s"),
        (format_duration(67), "1:07"),
        (format_duration(3667), "1:01:07"),
    ],
)
def test_formats(found, expected):
    assert found == expected

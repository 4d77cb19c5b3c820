"""The examples run as they are written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
# As few steps as an example can make: what is asked of the result is asked in the long run.
QUICK = ["--epochs", "1"]


def run(name: str, *arguments: str, cwd: Path, fails: bool = False) -> str:
    """Run an example in a new process; return its two outputs together."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd, check=False,
        env={**os.environ, "COLUMNS": "120"},
    )  # fmt: skip
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout


def last_values(name: str, text: str) -> list[float]:
    """The value `name` has at the end of each epoch."""
    epochs = re.split(r"Epoch \d+/\d+", text)[1:]
    return [float(re.findall(rf"\b{name}[:=]\s*([0-9.eE+-]+)", epoch)[-1]) for epoch in epochs]


def test_tutorial(tmp_path):
    shown = run("tutorial.py", cwd=tmp_path)
    assert shown.startswith("[[1 2 3]\n [0 4 5]\n [0 0 6]]\n")
    assert [f"Epoch {i}/10" in shown for i in range(1, 11)] == [True] * 10
    losses, accuracies = last_values("loss", shown), last_values("accuracy", shown)
    assert len(losses) == len(accuracies) == 10
    assert sum(losses[-3:]) < sum(losses[:3])
    assert all(0 <= a <= 1 for a in accuracies)


@pytest.mark.slow
def test_next_word(tmp_path):
    shown = run("next_word.py", cwd=tmp_path)
    losses = last_values("loss", shown)
    assert losses == sorted(losses, reverse=True)
    assert len(re.findall(r"^if the -> (?:\S+ \d+%(?:, )?){5}$", shown, re.M)) == 1


def share(pattern: str, text: str) -> float:
    """The percentage that a pattern finds in the text, as a share."""
    found = re.findall(pattern + r" ([0-9.]+)%", text)
    assert len(found) == 1, text
    return float(found[0]) / 100


def test_addition(tmp_path):
    small = ["--digits", "1", "--questions", "50"]
    shown = run("addition.py", *QUICK, *small, "--at-least", "0", cwd=tmp_path)
    assert re.search(r"^5 sums not seen in training: [0-9.]+% right in every digit$", shown, re.M)
    assert len(re.findall(r"^\d\+\d +=.* (?:right|wrong)$", shown, re.M)) == 5
    shown = run("addition.py", *QUICK, *small, "--at-least", "1.1", cwd=tmp_path, fails=True)
    assert "should be at least 110.0%" in shown


def test_text_classifier(tmp_path):
    shown = run("text_classifier.py", *QUICK, "--modules", "6", "--at-least", "0", cwd=tmp_path)
    assert 0 <= share("test passages: accuracy", shown) <= 1
    assert shown.count("in order") == 2


def test_text_transformer(tmp_path):
    shown = run("text_transformer.py", *QUICK, "--modules", "6", "--at-least", "0", cwd=tmp_path)
    assert 0 <= share("test passages: accuracy", shown) <= 1
    assert shown.count("in order") == 2


def test_translate(tmp_path):
    small = ["--pairs", "200", "--size", "16"]
    shown = run("translate.py", *QUICK, *small, "--at-least", "0", cwd=tmp_path)
    assert re.search(r"^20 texts not seen in training: [0-9.]+% translated exactly$", shown, re.M)
    assert len(re.findall(r"^.+ \d{4} -> .*(?:right|wrong)$", shown, re.M)) == 5
    shown = run("translate.py", *QUICK, *small, "--at-least", "1.1", cwd=tmp_path, fails=True)
    assert "should be at least 110.0%" in shown


def test_translate_files(tmp_path):
    words = [f"word{i} is {i % 7} ." for i in range(200)]
    (tmp_path / "from.txt").write_text("\n".join(words))
    (tmp_path / "to.txt").write_text("\n".join(line.upper() for line in words))
    files = ["--files", "from.txt", "to.txt", "--size", "16"]
    shown = run("translate.py", *QUICK, *files, cwd=tmp_path)
    assert "18 texts not seen in training" in shown
    (tmp_path / "to.txt").write_text("one line")
    assert "as many lines, not 200 and 1" in run("translate.py", *files, cwd=tmp_path, fails=True)


def test_character_generation(tmp_path):
    small = ["--characters", "9000", "--length", "50", "--below", "9"]
    shown = run("character_generation.py", *QUICK, *small, cwd=tmp_path)
    assert re.search(
        r"^validation: [0-9.]+ nats a character; counted trigram: [0-9.]+$", shown, re.M
    )


@pytest.mark.parametrize("name", ["tinyshakespeare.txt", "names.txt"])
def test_character_generation_from_a_file(tmp_path, data, name):
    small = ["--characters", "9000", "--length", "50", "--below", "9"]
    source = ["--data", str(data / "text" / name)]
    shown = run("character_generation.py", *source, *QUICK, *small, cwd=tmp_path)
    assert "counted trigram" in shown


def test_gpt_shakespeare(tmp_path):
    small = ["--characters", "9000", "--steps", "4", "--epochs", "1", "--length", "80"]
    shown = run("gpt_shakespeare.py", *small, "--at-most", "9", cwd=tmp_path)
    assert re.search(r"^validation: [0-9.]+ nats a character$", shown, re.M)
    shown = run("gpt_shakespeare.py", *small, "--at-most", "0", cwd=tmp_path, fails=True)
    assert "the loss should be at most 0.0" in shown


def test_variable_length(tmp_path, data):
    folder = ["--data", str(data / "timeseries" / "ucr")]
    shown = run("variable_length.py", *folder, "--epochs", "6", "--at-least", "0.5", cwd=tmp_path)
    assert share("370 recordings not seen in training: accuracy", shown) > 0.5


def test_name_language(tmp_path, data):
    folder = ["--data", str(data / "text" / "names_by_language")]
    shown = run("name_language.py", *folder, *QUICK, "--at-least", "0.5", cwd=tmp_path)
    assert share("test names: accuracy", shown) > 0.5


def test_forecasting(tmp_path, data):
    file = ["--data", str(data / "timeseries" / "ett" / "ETTh1.csv")]
    shown = run("forecasting.py", *file, *QUICK, "--months", "1", "--below", "9", cwd=tmp_path)
    assert len(re.findall(r"^ *[\w ,]+: MSE [0-9.]+, MAE [0-9.]+$", shown, re.M)) == 3

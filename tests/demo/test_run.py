"""The whole demo in a tiny configuration, as a user starts it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from gatework.demo import Settings, artifacts, run_demo

TINY = {"units": 16, "epochs": 2, "batch": 8, "steps": 20, "continuation": 6, "seed": 3}


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """About 3,000 tokens of text in which each word decides the next but one."""
    words = ["the", "red", "fox", "sees", "a", "big", "dog", "and", "every", "small", "cat"]
    lines = []
    for i in range(200):
        turn = i * 7 % len(words)
        lines.append(" ".join(words[turn:] + words[:turn]).capitalize() + f" {i} now.")
    path = tmp_path_factory.mktemp("text") / "fox.txt"
    path.write_text("\n\n".join(lines))
    return path


def test_run_shows_and_saves_everything(text, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    settings = Settings(text=str(text), output=str(tmp_path), prompts=("The red", "dog"), **TINY)
    assert run_demo(settings) == 0
    shown = capsys.readouterr().out
    for part in (
        "documents    1, in 200 paragraphs",
        "every tenth of",
        "vocabulary ",
        "Total params",
        "KN trigram",
        "tokens/s",
        "validation perplexity of the LSTM:",
        "The red ...",
        "next:",
        "loaded in a new process: the same predictions for 2 prompts",
        "learning curve: ",
    ):
        assert part in shown
    # An epoch's row has a column per model; "1 s in all" is none.
    rows = [line for line in shown.splitlines() if line.split()[:1] in (["1"], ["2"])]
    rows = [row for row in rows if "in all" not in row]
    assert len(rows) == 2
    assert float(rows[1].split()[2]) < float(rows[0].split()[2])
    assert (tmp_path / artifacts.CURVE).read_bytes().startswith(b"\x89PNG")


def test_saved_model_predicts_the_same_and_a_seed_repeats_a_run(text, tmp_path):
    answers = []
    for name in ("a", "b"):
        folder = tmp_path / name
        assert run_demo(Settings(text=str(text), output=str(folder), prompts=(), **TINY)) == 0
        answers.append(artifacts.predictions(*artifacts.load(folder), ["the red", "some old"]))
    assert answers[0] == answers[1]
    for rows in answers[0].values():
        assert len(rows) == 5
        assert [p for _, p in rows] == sorted((p for _, p in rows), reverse=True)


def test_without_matplotlib_one_line_tells_how_to_get_it(text, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run_demo(Settings(text=str(text), output=str(tmp_path), prompts=(), **TINY)) == 0
    assert "pip install 'gatework[plot]'" in capsys.readouterr().out
    assert not (tmp_path / artifacts.CURVE).exists()


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_ctrl_c_saves_what_was_learned(text, tmp_path):
    command = [sys.executable, "-m", "gatework", "demo", "--text", str(text)]
    command += ["--output", str(tmp_path / "out"), "--epochs", "100000", "--units", "16"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    shown = []
    for line in process.stdout:
        shown.append(line)
        if line.split()[:1] == ["2"]:  # the second epoch is over, the third has begun
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            break
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130, "".join(shown) + rest
    assert "what has been learned so far is saved in" in rest
    assert "Traceback" not in rest
    model, vocabulary = artifacts.load(tmp_path / "out")
    (rows,) = artifacts.predictions(model, vocabulary, ["the red"]).values()
    assert len(rows) == 5


def test_a_broken_model_file_is_reported(text, tmp_path):
    run_demo(Settings(text=str(text), output=str(tmp_path), prompts=(), **TINY))
    (tmp_path / artifacts.MODEL).write_bytes(b"not a model")
    with pytest.raises(RuntimeError, match="could not be loaded by a new process"):
        artifacts.predictions_of_fresh_process(tmp_path, ["the red"])

"""The table of a run and its picture."""

import sys

import pytest
from gatework.demo.plot import learning_curve
from gatework.demo.progress import PerplexityTable

RIVALS = {"unigram": 237.0, "KN trigram": 72.1}


def run_epoch(table, epoch, losses):
    table.on_epoch_begin(epoch)
    for batch, loss in enumerate(losses):
        table.on_train_batch_end(batch, {"loss": loss})
    table.on_epoch_end(epoch, {"loss": losses[-1]})


def test_one_line_per_epoch_beside_the_rivals(capsys):
    values = iter([150.0, 90.0])
    table = PerplexityTable(700, 2, lambda: next(values), RIVALS)
    table.set_params({"steps": 3, "epochs": 2})
    table.on_train_begin()
    run_epoch(table, 0, [5.0, 4.0, 3.0])
    run_epoch(table, 1, [2.5, 2.2, 2.0])
    table.on_train_end()
    title, first, second = capsys.readouterr().out.splitlines()
    for name in ("epoch", "train", "validation", "unigram", "KN trigram", "tokens/s"):
        assert name in title
    assert first.split()[:5] == ["1", "20.1", "150.0", "237.0", "72.1"]
    assert second.split()[:5] == ["2", "7.4", "90.0", "237.0", "72.1"]
    assert [row["validation"] for row in table.history] == [150.0, 90.0]
    assert all(row["tokens_per_second"] > 0 for row in table.history)


def test_the_bar_shows_rate_time_left_and_loss(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    table = PerplexityTable(700, 1, lambda: 9.0, RIVALS)
    table.set_params({"steps": 2, "epochs": 1})
    table.on_train_begin()
    table.on_epoch_begin(0)
    table.on_train_batch_end(0, {"loss": 4.25})
    bar = str(table._bar)
    table.close()
    table.close()
    assert " 50%" in bar
    assert "token/s" in bar
    assert " left" in bar
    assert "loss 4.250" in bar


def test_picture(tmp_path):
    pytest.importorskip("matplotlib")
    history = [{"epoch": i, "train": 300.0 / i, "validation": 250.0 / i} for i in range(1, 6)]
    path = tmp_path / "curve.png"
    assert learning_curve(history, RIVALS, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert 5_000 < path.stat().st_size < 100_000
    assert learning_curve(history[:1], {}, path)


def test_picture_without_matplotlib(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert not learning_curve([], {}, tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()

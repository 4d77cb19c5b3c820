"""`gatework bench peak`: its table."""

import pytest
from gatework import _core, _peak
from gatework.cli import main


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples that take no time; what is measured means nothing."""
    monkeypatch.setattr(_peak, "SECONDS", 1e-4)
    monkeypatch.setattr(_peak, "SAMPLES", 2)
    monkeypatch.setattr(_peak, "_DRAM", 1 << 20)
    monkeypatch.setattr(_peak, "_DRAM_EACH", 1 << 20)


@pytest.mark.usefixtures("quick")
def test_a_row_for_every_figure_and_two_columns_for_every_number_of_threads(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["bench", "peak", "--threads", "1,2"]) == 0
    first, threads, headings, *rows = capsys.readouterr().out.splitlines()
    assert f", {_core.isa()}; best and median of 2 samples" in first
    assert threads.split() == ["1", "thread", "2", "threads"]
    assert headings.split() == ["best", "median"] * 2
    assert len({len(line) for line in (threads, headings, *rows)}) == 1, "not aligned"
    labels = [peak.label for peak in _peak.peaks()]
    shown = [next(label for label in labels if row.startswith(label + " ")) for row in rows]
    assert shown == [label for label in labels if label in shown], "not in their order"
    assert {"f32 multiply-add", "read L1, 16 KB", "read DRAM", "parallel region"} <= set(shown)
    for row, label in zip(rows, shown, strict=True):
        unit, *cells = row.removeprefix(label).split()
        assert unit in {"GFLOP/s", "GOP/s", "GB/s", "µs"}
        assert len(cells) == 4
        if label == "barrier":
            assert cells[:2] == ["–", "–"]
            cells = cells[2:]
        assert all(float(cell) >= 0 for cell in cells)


@pytest.mark.usefixtures("quick")
def test_without_threads_the_columns_are_one_and_all(capsys: pytest.CaptureFixture[str]) -> None:
    before = _core.num_threads()
    _core.set_num_threads(3)
    try:
        several = _core.num_threads()
        assert main(["bench", "peak"]) == 0
    finally:
        _core.set_num_threads(before)
    wanted = ["1", "thread"] + (["3", "threads"] if several == 3 else [])
    assert capsys.readouterr().out.splitlines()[1].split() == wanted


@pytest.mark.parametrize("text", ["0", "1,0", "x", "", "1,,2", "5000"])
def test_threads_must_be_numbers(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "peak", "--threads", text]) == 2
    message = f"--threads must be numbers between 1 and 4096, as in 1,2, not {text!r}"
    assert message in capsys.readouterr().err

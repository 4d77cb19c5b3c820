"""The command line: what it prints and how it ends."""

import subprocess
import sys

import gatework
import pytest
from gatework import _core
from gatework.cli import main


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gatework {gatework.__version__}\n"


def test_without_a_command_the_help_lists_them(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    for name in ("info", "demo", "bench"):
        assert f"\n    {name} " in shown


def test_python_m_gatework():
    done = subprocess.run(
        [sys.executable, "-m", "gatework", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"gatework {gatework.__version__}\n"


def test_info(capsys):
    assert main(["info"]) == 0
    shown = capsys.readouterr().out
    rows = dict(line.split("  ", 1) for line in shown.splitlines())
    assert rows["gatework"].strip() == gatework.__version__
    assert rows["threads"].strip() == str(_core.num_threads())
    assert rows["instruction set"].strip().startswith(_core.isa() + " (available: ")
    for name in _core.isa_available():
        assert name in rows["instruction set"]
    assert any(name.startswith("build: ") for name in rows)


def test_bench_prints_a_row_per_measurement(capsys, monkeypatch):
    from gatework.cli import bench_command

    monkeypatch.setattr(bench_command, "SHAPES", ((3, 5, 7, 9),))
    monkeypatch.setattr(bench_command.measure, "__defaults__", (((3, 5, 7, 9),),))
    assert main(["bench", "--repeats", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert _core.isa() in lines[0]
    rows = [line.split() for line in lines[2:]]
    assert [row[0] for row in rows] == [
        *("lstm", "lstm", "gru", "gru", "simple_rnn", "simple_rnn"),
    ]
    assert all(float(row[-1]) < bench_command.AGREEMENT for row in rows)


def test_bench_refuses_a_kernel_that_is_wrong(monkeypatch):
    from gatework.cli import bench_command

    right = _core.recurrent_forward

    def wrong(*args):
        y, *rest = right(*args)
        return (y * 1.01, *rest)

    monkeypatch.setattr(_core, "recurrent_forward", wrong)
    with pytest.raises(RuntimeError, match="kernel and reference differ by"):
        list(bench_command.measure(["lstm"], 1, ((2, 3, 4, 5),)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file or folder: "),
        ("", "the text is empty"),
        ("One short line of prose, nothing more.", "the text is too small: 10 tokens"),
    ],
)
def test_demo_errors_are_one_line_and_exit_code_2(tmp_path, capsys, content, message):
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_text(content)
    assert main(["demo", "--text", str(path), "--output", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("gatework: ")
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_demo_output_that_is_a_file(tmp_path, capsys):
    (tmp_path / "out").write_text("x")
    assert main(["demo", "--output", str(tmp_path / "out")]) == 2
    assert "the output must be a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["demo", "--epochs", "0"], ["demo", "--units", "x"], ["bench", "--cell", "x"], ["nothing"]],
)
def test_wrong_arguments_end_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "error" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--threads", "--repeats"])
def test_bench_numbers_must_be_positive(option, capsys):
    assert main(["bench", option, "0"]) == 2
    assert f"{option} must be at least 1, not 0" in capsys.readouterr().err


def test_interruption_ends_with_130(monkeypatch, capsys):
    from gatework.cli import info_command

    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(info_command, "report", stop)
    assert main(["info"]) == 130
    assert capsys.readouterr().err == "gatework: interrupted\n"

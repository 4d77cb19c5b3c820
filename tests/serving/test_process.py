"""`gatework serve` as a process: it says where it is, and stops when it is told to."""

import json
import signal as signals
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import gatework
import numpy as np
import pytest
from gatework import layers
from gatework.cli import main

from tests.saving.hostile import small_model

pytest.importorskip("aiohttp", reason="an extra, which is not installed")
pytest.importorskip("orjson", reason="an extra, which is not installed")
pytest.importorskip("prometheus_client", reason="an extra, which is not installed")


@pytest.mark.parametrize(
    ("ending", "number"),
    [
        (".keras", signals.SIGTERM),
        (".h5", signals.SIGTERM),
        (".onnx", signals.SIGTERM),
        (".gwp", signals.SIGINT),
    ],
)
def test_it_serves_until_it_is_told_to_stop(
    tmp_path: Path, ending: str, number: signals.Signals
) -> None:
    if ending == ".onnx":
        pytest.importorskip("onnx", reason="an extra, which is not installed")
    model = small_model()
    model.save(tmp_path / "a.keras")
    path = tmp_path / f"b{ending}"
    assert main(["convert", str(tmp_path / "a.keras"), str(path)]) == 0
    with subprocess.Popen(
        [sys.executable, "-m", "gatework", "serve", str(path), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signals.signal(signals.SIGINT, signals.default_int_handler),
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split(" at ")[-1].strip()
            assert url.startswith("http://127.0.0.1:")
            request = urllib.request.Request(
                f"{url}/predict",
                b'{"inputs": [[1, 2, 3, 4, 5]]}',
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                found = json.load(answer)["outputs"]
            wanted = model.predict(np.array([[1, 2, 3, 4, 5]]), verbose=0)
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0
    assert out == "stopping\n"
    assert err == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["none.keras"], "none.keras"),
        (["a.txt"], "must end in one of .keras"),
        (["a.keras", "--max-batch", "0"], "max_batch must be a positive integer, not 0"),
        (["a.keras", "--port", "70000"], "port must be"),
        (["a.keras", "--dtype", "float8"], "dtype must be"),
        (["a.gwp", "--dtype", "bfloat16"], "dtype must be None for a .gwp file"),
        (["a.keras", "--host", "256.256.256.256"], "gatework: "),
        (["other.keras"], "across"),
    ],
)
def test_wrong_use(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    small_model().save("a.keras")
    other = gatework.Sequential([layers.Input((2, 3)), layers.Softmax(axis=1, name="across")])
    other.save("other.keras")
    Path("a.gwp").write_bytes(b"x")
    assert main(["serve", *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_importing_gatework_does_not_import_it() -> None:
    code = (
        "import sys, gatework, gatework.inference, gatework.cli; "
        "gatework.cli.build_parser(); "
        "print(sorted(m for m in ('aiohttp', 'orjson', 'prometheus_client', 'asyncio', "
        "'gatework.serving.server') if m in sys.modules))"
    )
    found: Any = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"

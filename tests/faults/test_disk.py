"""Faults 76 to 81: full and failing disks, processes killed while they write, odd paths."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from gatework.callbacks import CSVLogger
from gatework.saving import load_model

from tests.callbacks.test_backup_and_restore import assert_same, ends
from tests.callbacks.test_backup_and_restore import run as run_until_killed
from tests.faults.failing import HANDLES, build
from tests.faults.programs import code, run, start
from tests.saving.hostile import same, small_model

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="preloads a library, or limits files")

# Each way to write a file, as a function of the model and the path.
WRITERS = """
def onnx(model, path):
    model.export(path, "onnx", verbose=False)

epochs = 0

def backup(model, path):  # one epoch more each time
    global epochs
    x, y = some_data()
    model.fit(x, y, verbose=0, epochs=epochs + 1, callbacks=[
        gatework.callbacks.BackupAndRestore(os.path.dirname(path), delete_checkpoint=False)])
    epochs += 1

def checkpoint(model, path):
    x, y = some_data()
    model.fit(x, y, verbose=0, callbacks=[gatework.callbacks.ModelCheckpoint(path)])

WRITERS = {
    "model.keras": lambda model, path: model.save(path),
    "model.h5": lambda model, path: model.save(path),
    "model.weights.h5": lambda model, path: model.save_weights(path),
    "checkpoint.keras": checkpoint,
    "training_state.npz": backup,
}
try:
    import onnx as _
    WRITERS["model.onnx"] = onnx
except ImportError:
    pass
try:
    import safetensors as _
    from gatework.interop.safetensors import save_model as save_tensors
    WRITERS["model.safetensors"] = save_tensors
except ImportError:
    pass

def contents(folder):
    return {name: open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder)}
"""


@LINUX
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_76_a_disk_that_fails(error: int, tmp_path: Path) -> None:
    """At every write and flush in turn: OSError of that number, the old file, nothing beside it."""
    (tmp_path / "files").mkdir()
    out = run(
        code(HANDLES, WRITERS, """
        error, folder = int(sys.argv[1]), sys.argv[2]
        model = small_model()
        for name, write in WRITERS.items():
            path = os.path.join(folder, name)
            write(model, path)
            library.fail_writes_after(1 << 40, error)
            write(model, path)
            writes = library.how_many_seen()
            assert writes >= 2, (name, writes)
            old = contents(folder)
            for n in range(writes):
                library.fail_writes_after(n, error)
                try:
                    write(model, path)
                except OSError as caught:
                    assert caught.errno == error, caught
                finally:
                    failed = library.how_many_failed()
                    library.fail_writes_after(-1, 0)
                if n < writes - 1:  # the last flush is that of the folder, after the change
                    assert failed
                    assert contents(folder).keys() == old.keys(), name
                    assert contents(folder)[name] == old[name], (name, n, writes)
                old = contents(folder)
            write(model, path)
            os.unlink(path)
            print(name, writes)
        """),
        str(error), str(tmp_path / "files"), LD_PRELOAD=build(tmp_path),
    )  # fmt: skip
    assert len(out.splitlines()) >= 5


@LINUX
def test_76_a_limit_of_file_size(tmp_path: Path) -> None:
    """The system's own refusal, in the middle of the file."""
    run(
        code(WRITERS, """
        import resource
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        model = small_model(60)
        for name in ("model.keras", "model.h5", "model.weights.h5"):
            path = os.path.join(sys.argv[1], name)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, -1))
            WRITERS[name](model, path)
            before = contents(sys.argv[1])
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, -1))
            try:
                WRITERS[name](model, path)
            except OSError as error:
                assert "large" in str(error), error
            else:
                raise AssertionError(name)
            assert contents(sys.argv[1]) == before
        """),
        str(tmp_path),
    )  # fmt: skip


def test_76_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        small_model().save(tmp_path / "nowhere" / "model.keras")
    assert not list(tmp_path.iterdir())


KILLED = """
    from gatework.callbacks import ModelCheckpoint
    model, (x, y) = small_model(16), some_data(16)
    path = sys.argv[1]
    model.save(path)
    print("ready", flush=True)
    model.fit(x, y, epochs=100_000, batch_size=16, verbose=0,
              callbacks=[ModelCheckpoint(path, save_freq=1)])
"""


def kill_and_load(path: Path, times: int) -> int:
    """Kills a process that saves at every batch; returns how many unfinished files it left."""
    draw, names = random.Random(77), {path.name}
    for _ in range(times):
        process = start(KILLED, str(path))
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0.01, 0.2))
        process.kill()
        process.communicate()
        assert load_model(path).count_params() > 0
        names |= {p.name for p in path.parent.iterdir()}
    assert all(name == path.name or name.endswith(".tmp") for name in names)
    return len(names) - 1


@LINUX
def test_77_killed_while_saving(tmp_path: Path) -> None:
    assert kill_and_load(tmp_path / "model.keras", 5) <= 5


@LINUX
@pytest.mark.long
def test_77_killed_two_hundred_times(tmp_path: Path) -> None:
    """ModelCheckpoint a hundred times, and a run that goes on a hundred times to the same bits."""
    kill_and_load(tmp_path / "model.keras", 100)
    undisturbed, killed_run = tmp_path / "undisturbed", tmp_path / "killed"
    assert not run_until_killed(undisturbed, 1, "arrays")
    draw = random.Random(78)
    killed = rounds = 0
    while killed < 100:
        rounds += 1
        folder = killed_run / str(rounds)
        folder.mkdir(parents=True)
        while run_until_killed(folder, 1, "arrays", str(draw.randrange(5, 250))):
            killed += 1
        assert_same(ends(folder), ends(undisturbed))


@LINUX
def test_78_two_processes_save_one_file(tmp_path: Path) -> None:
    """Whoever was last, whole; both kinds are seen, and nothing else."""
    path = tmp_path / "model.keras"
    program = """
        model = small_model()
        model.set_weights([np.full_like(w, float(sys.argv[2])) for w in model.get_weights()])
        for _ in range(60):
            model.save(sys.argv[1])
    """
    processes = [start(program, str(path), value) for value in ("1", "2")]
    seen = set()
    while any(process.poll() is None for process in processes):
        if path.exists():
            weights = load_model(path).get_weights()
            values = {float(value) for weight in weights for value in weight.flat}
            assert len(values) == 1
            seen |= values
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0, said
    assert seen <= {1.0, 2.0}
    assert os.listdir(tmp_path) == ["model.keras"]


@LINUX
@pytest.mark.parametrize(
    "name", ["naïve 模型 🙂", " .keras", "a b\tc\nd.keras", "-rf.keras", "x{}%s", "x" * 249]
)
def test_79_names(tmp_path: Path, name: str) -> None:
    model = small_model()
    path = tmp_path / (name if name.endswith(".keras") else name + ".keras")
    model.save(path)
    model.save(path)
    same(load_model(path), model.get_weights())
    assert os.listdir(tmp_path) == [path.name]


@LINUX
def test_79_what_is_no_file(tmp_path: Path) -> None:
    """Folders, pipes and devices are refused at once, both ways; links lead to their target."""
    model = small_model()
    os.mkfifo(tmp_path / "pipe.keras")
    (tmp_path / "folder.keras").mkdir()
    (tmp_path / "null.keras").symlink_to("/dev/null")
    (tmp_path / "loop.keras").symlink_to(tmp_path / "loop.keras")
    long = tmp_path / "/".join(["x" * 200] * 21) / "model.keras"
    for path, kind in (
        (tmp_path / "pipe.keras", "pipe or device"),
        (tmp_path / "folder.keras", "folder"),
        (tmp_path / "null.keras", "pipe or device"),
        (tmp_path / "loop.keras", "symbolic links|Too many levels"),
        (long, "too long"),
    ):
        for call in (lambda path=path: model.save(path), lambda path=path: load_model(path)):
            with pytest.raises((ValueError, OSError, RuntimeError), match=kind):
                call()
    before = {path.name for path in tmp_path.iterdir()}
    (tmp_path / "target.keras").write_bytes(b"old")
    (tmp_path / "link.keras").symlink_to("target.keras")
    model.save(tmp_path / "link.keras")
    assert (tmp_path / "link.keras").is_symlink()
    same(load_model(tmp_path / "target.keras"), model.get_weights())
    assert {path.name for path in tmp_path.iterdir()} == before | {"target.keras", "link.keras"}
    with pytest.raises(FileExistsError, match=r"target\.keras"):
        model.save(tmp_path / "target.keras", overwrite=False)


def german_locale(folder: Path) -> dict[str, str]:
    """Settings under which C writes decimals with a comma; skips where none can be made."""
    done = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("needs localedef and the definition of de_DE")
    return {"LOCPATH": str(folder), "LC_ALL": "de_DE.UTF-8"}


@LINUX
def test_80_decimal_commas_and_clocks(tmp_path: Path) -> None:
    """The same logs and files in German, in any time zone, and when the clock goes backwards."""
    try:
        settings = german_locale(tmp_path)
    except FileNotFoundError:
        pytest.skip("needs localedef")
    program = """
        import locale
        if "LC_ALL" in os.environ:
            locale.setlocale(locale.LC_ALL, "")
            assert locale.localeconv()["decimal_point"] == ","
            import time as clock
            ticks = iter(range(10**8, 0, -1))  # from 1973 on
            clock.time = lambda: float(next(ticks))
            clock.perf_counter = clock.time
        model, (x, y) = small_model(), some_data()
        folder = sys.argv[1]
        model.fit(x, y, epochs=2, verbose=1 if "LC_ALL" in os.environ else 0,
                  callbacks=[gatework.callbacks.CSVLogger(folder + "/log.csv")])
        open(folder + "/config.json", "w").write(model.to_json())
        model.save(folder + "/model.keras")
        try:  # a number in a sentence of C++
            _core.dropout_mask((3,), 1.5, 1)
        except (TypeError, ValueError) as error:
            open(folder + "/error.txt", "w").write(str(error))
    """
    outcomes = []
    for name, environment in (("plain", {}), ("german", {**settings, "TZ": "Asia/Kathmandu"})):
        (tmp_path / name).mkdir()
        subprocess.run(
            [sys.executable, "-c", code(program), str(tmp_path / name)],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=120,
        )
        outcomes.append(
            [
                (tmp_path / name / file).read_text()
                for file in ("log.csv", "config.json", "error.txt")
            ]
        )
    assert outcomes[0] == outcomes[1]
    assert json.loads(outcomes[0][1])["class_name"] == "Sequential"
    same(load_model(tmp_path / "german" / "model.keras"),
         load_model(tmp_path / "plain" / "model.keras").get_weights())  # fmt: skip


def test_80_separators_of_the_log(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path / "log.csv", separator=";")
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": 0.5, "mae": np.float32(1.25)})
    logger.on_train_end()
    assert (tmp_path / "log.csv").read_text().splitlines()[1].startswith("0;0.5;1.25")

"""A killed run goes on to the same bits as one that nobody disturbed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from gatework import layers
from gatework.callbacks import BackupAndRestore, Callback
from gatework.models import Sequential
from gatework.utils import set_random_seed

SCRIPT = Path(__file__).with_name("killed_run.py")


def run(folder, save_freq, kind, moment="never"):
    """Runs the script; returns whether it was killed."""
    folder.mkdir(exist_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder), str(save_freq), kind, moment],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def ends(folder):
    """What a run left: arrays, and the table of its epochs."""
    with np.load(folder / "end.npz") as file:
        return dict(file), (folder / "log.csv").read_text()


def assert_same(found, expected):
    assert found[1] == expected[1]
    assert set(found[0]) == set(expected[0])
    for key, value in expected[0].items():
        np.testing.assert_array_equal(found[0][key], value, err_msg=key)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    known = {}

    def get(kind):
        if kind not in known:
            folder = tmp_path_factory.mktemp(kind)
            assert not run(folder, "epoch", kind)
            assert not (folder / "backup").exists()
            known[kind] = ends(folder)
        return known[kind]

    return get


@pytest.mark.parametrize(
    ("kind", "save_freq", "moments"),
    [
        ("arrays", "epoch", ["0:2", "2:end", "4:1"]),
        ("arrays", 1, ["0:0", "1:4", "3:end"]),
        ("ragged", 3, ["1:1", "4:3"]),
        ("steps", 2, ["1:2", "3:1"]),
        ("generator", 1, ["0:1", "2:3"]),
        ("generator", "epoch", ["1:end", "3:2"]),
    ],
)
def test_killed_at_chosen_moments(tmp_path, undisturbed, kind, save_freq, moments):
    for moment in moments:
        assert run(tmp_path, save_freq, kind, moment)
    assert not run(tmp_path, save_freq, kind)
    assert_same(ends(tmp_path), undisturbed(kind))
    assert not (tmp_path / "backup").exists()


def test_killed_again_and_again_by_the_clock(tmp_path, undisturbed):
    killed = 0
    for milliseconds in (9, 25, 41, 73, 130):
        if not run(tmp_path, 1, "arrays", str(milliseconds)):
            break
        killed += 1
        # Whatever the moment, nothing but whole backups and at most one unfinished file.
        left = sorted(path.name for path in (tmp_path / "backup").glob("*"))
        assert len([name for name in left if name.endswith(".tmp")]) <= 1
    else:
        run(tmp_path, 1, "arrays")
    assert killed
    assert_same(ends(tmp_path), undisturbed("arrays"))


X, Y = np.ones((6, 3), np.float32), np.ones((6, 1), np.float32)


def model(units=1):
    set_random_seed(1)
    made = Sequential([layers.Input((3,)), layers.Dense(units)])
    made.compile("adam", "mse")
    return made


class Stop(Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            raise OSError("power cut")


def interrupted(folder, **options):
    with pytest.raises(OSError, match="power cut"):
        model().fit(
            X, Y, epochs=4, verbose=0, callbacks=[Stop(), BackupAndRestore(folder, **options)]
        )


def test_history_is_that_of_the_whole_run(tmp_path):
    interrupted(tmp_path / "b")
    history = model().fit(X, Y, epochs=4, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b")])
    assert history.epoch == [0, 1, 2, 3]
    assert history.history["loss"] == model().fit(X, Y, epochs=4, verbose=0).history["loss"]
    assert not (tmp_path / "b").exists()


def test_a_damaged_backup(tmp_path):
    interrupted(tmp_path, double_checkpoint=True)
    latest = tmp_path / "training_state.npz"
    latest.write_bytes(latest.read_bytes()[:100])
    history = model().fit(
        X, Y, epochs=4, verbose=0, callbacks=[BackupAndRestore(tmp_path, delete_checkpoint=False)]
    )
    assert history.epoch == [0, 1, 2, 3]
    for path in tmp_path.iterdir():
        path.write_bytes(b"no backup")
    with pytest.raises(ValueError, match="backup_dir must hold a good backup"):
        model().fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path)])


def test_a_finished_run_is_not_run_again(tmp_path):
    first = model()
    first.fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path, delete_checkpoint=False)])
    second = model()
    history = second.fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    assert history.epoch == [0]
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])


def test_files_of_others_stay(tmp_path):
    (tmp_path / "mine").write_text("")
    model().fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_what_is_refused(tmp_path):
    for arguments, message in (
        ({"backup_dir": ""}, "backup_dir must name a folder"),
        ({"backup_dir": "b", "save_freq": 0}, "save_freq must be 'epoch' or an integer >= 1"),
        ({"backup_dir": "b", "save_freq": False}, "save_freq must be 'epoch' or an integer >= 1"),
    ):
        with pytest.raises(ValueError, match=message):
            BackupAndRestore(**arguments)
    unbuilt = Sequential([layers.Dense(1)])
    unbuilt.compile("sgd", "mse")
    with pytest.raises(ValueError, match="must be built before fit with BackupAndRestore"):
        unbuilt.fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    interrupted(tmp_path)
    other = model(units=2)
    before = other.get_weights()
    with pytest.raises(ValueError, match="must be that of the same model and optimizer"):
        other.fit(X, np.ones((6, 2)), verbose=0, callbacks=[BackupAndRestore(tmp_path)])
    np.testing.assert_array_equal(other.get_weights()[0], before[0])

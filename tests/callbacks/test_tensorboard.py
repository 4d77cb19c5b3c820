"""Event files, read back with TensorBoard's own reader."""

import json
import sys

import numpy as np
import pytest
from gatework import layers
from gatework.callbacks import TensorBoard
from gatework.models import Sequential

X = np.ones((8, 3), np.float32)


def model():
    made = Sequential([layers.Input((3,)), layers.Dense(1, name="d")])
    made.compile("sgd", "mse")
    return made


def events(folder):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="tensorboard is not installed",
    )
    read = accumulator.EventAccumulator(str(folder))
    read.Reload()
    return read


def scalars(read):
    from tensorboard.util.tensor_util import make_ndarray

    plugins = read.PluginTagToContent("scalars")
    return {
        tag: [(e.step, float(make_ndarray(e.tensor_proto))) for e in read.Tensors(tag)]
        for tag in plugins
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_written(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    callback = TensorBoard(tmp_path, histogram_freq=1, update_freq=2, write_steps_per_second=True)
    history = model().fit(
        X, X[:, :1], batch_size=2, epochs=2, verbose=0, validation_data=(X, X[:, :1]),
        callbacks=[callback],
    ).history  # fmt: skip
    train = events(tmp_path / "train")
    found = scalars(train)
    assert [step for step, _ in found["batch_loss"]] == [2, 4, 6, 8]
    assert [step for step, _ in found["epoch_loss"]] == [0, 1]
    np.testing.assert_allclose([v for _, v in found["epoch_loss"]], history["loss"], rtol=1e-6)
    assert found["epoch_learning_rate"][0] == (0, pytest.approx(0.01))
    assert {"epoch_steps_per_second", "batch_steps_per_second"} <= set(found)
    assert train.PluginTagToContent("histograms")
    described = train.Tensors("keras")[0].tensor_proto.string_val[0]
    assert json.loads(described)["class_name"] == "Sequential"
    held_out = scalars(events(tmp_path / "validation"))
    np.testing.assert_allclose([v for _, v in held_out["epoch_loss"]], history["val_loss"])
    assert [step for step, _ in held_out["evaluation_loss_vs_iterations"]] == [4, 8]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"write_images": True}, "write_images must be False, not True"),
        ({"profile_batch": 2}, "profile_batch must be 0, not 2"),
        ({"embeddings_freq": 1}, "embeddings_freq must be 0, not 1"),
        ({"update_freq": 0}, "update_freq must be 'epoch', 'batch' or an integer >= 1, not 0"),
    ],
)
def test_what_cannot_be_honoured(arguments, message):
    with pytest.raises(ValueError, match=message):
        TensorBoard(**arguments)


def test_without_the_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)
    with pytest.raises(ImportError, match=r"pip install 'gatework\[tensorboard\]'"):
        model().fit(X, X[:, :1], verbose=0, callbacks=[TensorBoard(tmp_path)])

"""The picture of a run."""

import numpy as np
import pytest
from gatework import layers
from gatework.callbacks import History
from gatework.models import Sequential

pytest.importorskip("matplotlib", reason="matplotlib is not installed")


@pytest.fixture(scope="module")
def history():
    model = Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.ones((8, 3), np.float32)
    return model.fit(
        x, x[:, :1], epochs=6, verbose=0, validation_data=(x, x[:, :1]), validation_freq=2
    )


def test_frames_and_lines(history, tmp_path):
    figure = history.plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "mae"]
    train, held_out = figure.axes[0].lines
    np.testing.assert_array_equal(train.get_xdata(), [1, 2, 3, 4, 5, 6])
    np.testing.assert_array_equal(held_out.get_xdata(), [2, 4, 6])
    np.testing.assert_allclose(held_out.get_ydata(), history.history["val_loss"])
    figure.savefig(tmp_path / "h.png")
    assert (tmp_path / "h.png").stat().st_size > 1000


def test_chosen_names(history):
    assert [axes.get_ylabel() for axes in history.plot("mae").axes] == ["mae"]
    with pytest.raises(ValueError, match="not 'maee'; nearest: 'mae'"):
        history.plot("maee")
    with pytest.raises(ValueError, match="must hold at least one epoch"):
        History().plot()

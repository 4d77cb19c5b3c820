"""Arrays of every make, endless datasets, processes that prepare batches, accumulated gradients."""

import threading

import numpy as np
import pytest
from gatework import layers
from gatework.callbacks import Callback
from gatework.models import Sequential
from gatework.optimizers import SGD
from gatework.utils import PyDataset

X = np.arange(60, dtype=np.float32).reshape(10, 2, 3) / 60
Y = X.sum(axis=(1, 2))[:, None]


def model(optimizer="sgd"):
    made = Sequential([layers.Input((None, 3)), layers.LSTM(2), layers.Dense(1)])
    made.compile(optimizer, "mse")
    return made


def unaligned(array):
    raw = np.zeros(array.nbytes + 1, np.uint8)
    found = raw[1:].view(array.dtype).reshape(array.shape)
    found[...] = array
    return found


def read_only(array):
    found = array.copy()
    found.setflags(write=False)
    return found


@pytest.mark.parametrize(
    "form",
    [
        unaligned,
        read_only,
        np.asfortranarray,
        lambda a: a.astype(">f4"),
        lambda a: a.astype(np.float64),
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a[::-1][::-1],
        lambda a: memoryview(a),
        lambda a: a.tolist(),
    ],
)
def test_the_same_numbers_in_another_form(form):
    made = model()
    expected = made.predict(X, verbose=0)
    x = form(X)
    kept = np.array(x).copy()
    np.testing.assert_array_equal(
        made.predict(np.asarray(x) if isinstance(x, memoryview) else x, verbose=0), expected
    )
    np.testing.assert_array_equal(np.array(x), kept)


def test_a_broadcast_view_and_small_types():
    made = model()
    view = np.broadcast_to(X[:1], X.shape)
    np.testing.assert_array_equal(
        made.predict(view, verbose=0), made.predict(view.copy(), verbose=0)
    )
    for dtype in (np.int8, np.uint64, bool, np.float16):
        x = (X * 4).astype(dtype)
        np.testing.assert_allclose(
            made.predict(x, verbose=0), made.predict(x.astype("f4"), verbose=0), rtol=1e-6
        )


def test_nan_stays_in_its_row():
    made = model()
    x = X.copy()
    x[3, 1, 0], x[6, 0, 2] = np.nan, np.nan
    found = made.predict(x, verbose=0)
    bad = [3, 6]
    assert np.isnan(found[bad]).all()
    np.testing.assert_array_equal(
        np.delete(found, bad, 0), np.delete(made.predict(X, verbose=0), bad, 0)
    )


def test_inputs_may_change_while_they_are_read():
    made, x, done = model(), X.repeat(200, axis=0), threading.Event()

    def scribble():
        while not done.is_set():
            x[...] = 1.0

    thread = threading.Thread(target=scribble)
    thread.start()
    try:
        assert made.predict(x, verbose=0).shape == (2000, 1)
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("steps", [2, 5])
def test_accumulated_gradients_are_those_of_one_large_batch(steps):
    whole = model(SGD(0.1))
    parts = model(SGD(0.1, gradient_accumulation_steps=steps))
    parts.set_weights(whole.get_weights())
    options = {"epochs": 3, "shuffle": False, "verbose": 0}
    whole.fit(X, Y, batch_size=10, **options)
    parts.fit(X, Y, batch_size=10 // steps, **options)
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


class Batches(PyDataset):
    def __getitem__(self, index):
        return X[index % 5 * 2 :][:2], Y[index % 5 * 2 :][:2]


class Five(Batches):
    def __len__(self):
        return 5


class Endless(Batches):
    @property
    def num_batches(self):
        return None


def test_a_dataset_without_end():
    with pytest.raises(ValueError, match="steps_per_epoch must be given for a dataset without end"):
        model().fit(Endless(), verbose=0)
    one, two = model(), model()
    two.set_weights(one.get_weights())
    one.fit(Endless(), steps_per_epoch=5, verbose=0)
    two.fit(Five(), shuffle=False, verbose=0)
    np.testing.assert_array_equal(one.get_weights()[0], two.get_weights()[0])
    with pytest.raises(ValueError, match="steps must be given"):
        model().predict(Endless(), verbose=0)
    assert model().predict(Endless(), steps=2, verbose=0).shape == (4, 1)


def test_processes_prepare_batches():
    expected = model()
    found = expected.predict(Five(workers=2, use_multiprocessing=True), verbose=0)
    np.testing.assert_array_equal(found, expected.predict(X, batch_size=2, verbose=0))


def test_an_error_of_a_dataset_or_a_callback_comes_through_once_and_the_next_fit_works():
    class Bad(Five):
        def __getitem__(self, index):
            if index == 3:
                raise OSError("disk")
            return super().__getitem__(index)

    class Fail(Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyError("mine")

    made = model()
    for workers in (1, 3):
        with pytest.raises(OSError, match="disk"):
            made.fit(Bad(workers=workers), shuffle=False, verbose=0)
    with pytest.raises(KeyError, match="mine"):
        made.fit(X, Y, verbose=0, callbacks=[Fail()])
    assert made.fit(X, Y, verbose=0).epoch == [0]


def test_fit_inside_fit():
    class Again(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.fit(X[:2], Y[:2], verbose=0)

    made = model()
    history = made.fit(X, Y, epochs=2, verbose=0, callbacks=[Again()])
    assert history is made.history
    assert history.epoch == [0, 1]
    assert made.fit(X, Y, verbose=0).epoch == [0]


@pytest.mark.parametrize(
    ("last", "loss", "advice"),
    [
        (layers.Dense(2, "sigmoid"), "binary_crossentropy", "give the last layer one unit"),
        (layers.Dense(3, "softmax"), "categorical_crossentropy", "sparse_categorical_crossentropy"),
    ],
)
def test_labels_that_do_not_fit_say_what_to_write(last, loss, advice):
    made = Sequential([layers.Input((5, 3)), layers.LSTM(2), last])
    made.compile("sgd", loss)
    with pytest.raises(ValueError, match=advice):
        made.fit(np.ones((4, 5, 3)), np.array([0, 1, 1, 0]), verbose=0)

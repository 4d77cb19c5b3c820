"""Where batches come from, and what is wrong with data, said before training."""

import numpy as np
import pytest
from gatework import layers
from gatework.callbacks import Callback
from gatework.models import Sequential
from gatework.preprocessing.py_dataset import PyDataset

X = np.arange(30, dtype=np.float32).reshape(10, 3) / 30
Y = X.sum(axis=1, keepdims=True)


def model(units=1, loss="mse", activation=None):
    made = Sequential([layers.Input((3,)), layers.Dense(units, activation=activation)])
    made.compile("sgd", loss)
    return made


def batches(count=None, size=2):
    index = 0
    while count is None or index < count:
        start = index * size % 10
        yield X[start : start + size], Y[start : start + size]
        index += 1


class Dataset(PyDataset):
    def __init__(self, **options):
        super().__init__(**options)
        self.seen, self.ends = [], 0

    def __len__(self):
        return 5

    def __getitem__(self, index):
        self.seen.append(index)
        return X[2 * index : 2 * index + 2], Y[2 * index : 2 * index + 2]

    def on_epoch_end(self):
        self.ends += 1


def test_generator_equals_arrays():
    first, second = model(), model()
    second.set_weights(first.get_weights())
    one = first.fit(X, Y, batch_size=2, epochs=2, shuffle=False, verbose=0).history
    two = second.fit(batches(), steps_per_epoch=5, epochs=2, verbose=0).history
    np.testing.assert_allclose(one["loss"], two["loss"], rtol=1e-6)


def test_generator_that_ends():
    made = model()
    assert made.fit(batches(3), verbose=0).epoch == [0]
    with pytest.warns(UserWarning, match="used up after 1 epochs: training stops"):
        assert made.fit(batches(3), epochs=3, verbose=0).epoch == [0]
    with pytest.warns(UserWarning, match="data ended after 3 of 4 steps"):
        made.fit(batches(3), steps_per_epoch=4, verbose=0)
    with pytest.raises(ValueError, match="x must yield at least one batch"):
        made.fit(batches(0), verbose=0)
    assert len(made.predict(((x,) for x, _ in batches(3)), verbose=0)) == 6
    assert made.evaluate(batches(), steps=2, verbose=0) > 0


def test_generator_errors_name_the_batch():
    def broken():
        yield X[:2], Y[:2]
        yield X[:2, :2], Y[:2]

    with pytest.raises(ValueError, match=r".") as caught:
        model().fit(broken(), verbose=0)
    assert caught.value.__notes__ == ["in fit, at batch 1"]

    def failing():
        yield X[:2], Y[:2]
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        model().fit(failing(), verbose=0)
    for wrong in (None, "text", (X, Y, Y, Y)):
        with pytest.raises(ValueError, match=r"must (yield|be)"):
            model().fit(iter([wrong]), verbose=0)


@pytest.mark.parametrize("options", [{}, {"workers": 3}, {"workers": 2, "max_queue_size": 1}])
def test_dataset(options):
    data = Dataset(**options)
    made, other = model(), model()
    other.set_weights(made.get_weights())
    made.fit(data, shuffle=False, verbose=0)
    other.fit(X, Y, batch_size=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(made.get_weights()[0], other.get_weights()[0])
    assert sorted(data.seen) == [0, 1, 2, 3, 4]
    assert data.ends == 1
    assert made.predict(data, verbose=0).shape == (10, 1)


def test_dataset_is_shuffled_by_batches():
    data = Dataset()
    model().fit(data, epochs=2, verbose=0)
    assert sorted(data.seen[:5]) == [0, 1, 2, 3, 4]
    assert data.seen[:5] != data.seen[5:]


def test_dataset_without_batches():
    class Empty(Dataset):
        def __len__(self):
            return 0

    with pytest.raises(ValueError, match="not have length 0"):
        model().fit(Empty(), verbose=0)


def test_any_array_is_taken():
    made = model()
    expected = made.predict(X, verbose=0)
    for x in (
        X.tolist(),
        [list(row) for row in X],
        X.astype(">f4"),
        np.asfortranarray(X),
        X.astype(np.float64),
        X[::-1][::-1],
    ):
        np.testing.assert_allclose(made.predict(x, verbose=0), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": X, "y": Y[:9]}, r"y must have as many samples as x \(10\), not 9"),
        ({"x": X, "y": Y, "sample_weight": np.ones(3)}, "sample_weight must have as many samples"),
        ({"x": X[:0], "y": Y[:0]}, "x must hold at least one sample, not 0"),
        ({"x": X, "y": Y, "batch_size": 0}, "batch_size must be a positive integer, not 0"),
        ({"x": X, "y": Y, "batch_size": -1}, "batch_size must be a positive integer"),
        ({"x": X, "y": Y, "batch_size": 1.5}, "batch_size must be a positive integer, not 1.5"),
        ({"x": X, "y": Y, "epochs": 0}, "epochs must be an integer >= 1"),
        ({"x": X, "y": Y, "initial_epoch": -1}, "initial_epoch must be an integer >= 0"),
        ({"x": X, "y": Y, "verbose": 3}, "verbose must be 0, 1, 2 or 'auto', not 3"),
        ({"x": X, "y": Y, "shuffle": "yes"}, "shuffle must be True, False or 'batch'"),
        ({"x": X, "y": Y, "validation_split": 1.0}, r"validation_split must be in \[0, 1\)"),
        ({"x": X, "y": Y, "validation_split": 0.99}, "must leave samples on both sides"),
        ({"x": X, "y": Y, "steps_per_epoch": 0}, "steps_per_epoch must be a positive integer"),
        ({"x": X, "y": Y, "validation_freq": 0}, "validation_freq must be a positive integer"),
        ({"x": None, "y": Y}, "x must be given, not None"),
        ({"x": np.array(3.0), "y": Y}, "x must have a sample axis"),
        (
            {"x": [[1.0, 2.0], [1.0]], "y": Y[:2]},
            "x must hold sequences of length 3, .* not of 1 to 2",
        ),
        ({"x": batches(), "y": Y}, "y must not be given beside a generator"),
        ({"x": batches(), "validation_split": 0.5}, "validation_split must be used with arrays"),
    ],
)
def test_bad_arguments(arguments, message):
    made = model()
    before = made.get_weights()
    with pytest.raises(ValueError, match=message):
        made.fit(**{"verbose": 0, **arguments})
    for a, b in zip(before, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([["a"]]), "x must hold numbers, not strings: give each word or class a number"),
        (["two words", "one"], "x must hold numbers, not strings"),
        ([["a", "b"], ["c"]], "x must hold numbers, not strings"),
        ({"a": "x"}, "must be an array of numbers or booleans, not strings"),
        (np.array([[None]]), "x must hold numbers, not dtype object"),
        (X.astype(complex), "x must hold numbers, not dtype complex128"),
        (3, "x must be arrays, a generator, a PyDataset or a loader, not int"),
        ("text", "x must be arrays, .* not str"),
    ],
)
def test_what_is_no_data(x, message):
    with pytest.raises((TypeError, ValueError), match=message):
        model().fit(x, Y[:1], verbose=0)


@pytest.mark.parametrize("y", [["yes", "no"], np.array(["yes", "no"])])
def test_labels_that_are_strings(y):
    with pytest.raises(TypeError, match=r"y must hold numbers, not strings: .* np.unique"):
        model().fit(X[:2], y, verbose=0)


def test_nan_labels_are_named():
    bad = np.zeros((10, 1))
    bad[4] = np.nan
    made = model(loss="binary_crossentropy", activation="sigmoid")
    for call in (
        lambda: made.fit(X, bad, verbose=0),
        lambda: made.fit(iter([(X, bad)]), verbose=0),
        lambda: made.train_on_batch(X, bad),
    ):
        with pytest.raises(ValueError, match=r"y must hold no NaN .* the first at \(4, 0\)"):
            call()


@pytest.mark.parametrize(
    ("units", "loss", "shape", "message"),
    [
        (3, "sparse_categorical_crossentropy", (10, 3), "write loss='categorical_crossentropy'"),
        (3, "sparse_categorical_crossentropy", (10, 2), "one class index per prediction"),
        (3, "categorical_crossentropy", (10,), "write loss='sparse_categorical_crossentropy'"),
        (3, "categorical_crossentropy", (10, 1), "write loss='sparse_categorical_crossentropy'"),
        (3, "categorical_crossentropy", (10, 4), "y must be one-hot"),
        (3, "binary_crossentropy", (10,), "write loss='sparse_categorical_crossentropy'"),
        (1, "mse", (10, 3), "return_sequences=True"),
        (2, "mse", (10, 3), r"must have the shape of the model's output \(batch, 2\)"),
    ],
)
def test_labels_that_do_not_fit(units, loss, shape, message):
    with pytest.raises(
        ValueError,
        match=message.replace("(", r"\(").replace(")", r"\)")
        if "batch" not in message
        else message,
    ):
        model(units, loss).fit(X, np.zeros(shape), verbose=0)


def test_label_out_of_range():
    with pytest.raises(ValueError, match="label"):
        model(3, "sparse_categorical_crossentropy", "softmax").fit(X, np.full(10, 3), verbose=0)


def test_one_output_per_sequence_or_per_step():
    sequences = Sequential([layers.Input((4, 3)), layers.LSTM(1, return_sequences=True)])
    sequences.compile("sgd", "mse")
    with pytest.raises(ValueError, match="return_sequences=False"):
        sequences.fit(np.zeros((2, 4, 3)), np.zeros((2, 2)), verbose=0)


def test_compile_and_its_errors():
    made = Sequential([layers.Input((3,)), layers.Dense(1)])
    for call in (made.fit, made.evaluate, made.train_on_batch, made.test_on_batch):
        with pytest.raises(ValueError, match=r"compile\(\) must be called before"):
            call(X, Y)
    with pytest.raises(ValueError, match="nearest: 'mse'"):
        made.compile("sgd", "msee")
    with pytest.raises(ValueError, match="nearest: 'adam'"):
        made.compile("adm", "mse")
    with pytest.raises(ValueError, match="nearest: 'precision'"):
        made.compile("sgd", "mse", metrics=["precission"])
    with pytest.raises(ValueError, match=r"write metrics=\['accuracy'\]"):
        made.compile("sgd", "mse", metrics="accuracy")
    assert not made.compiled
    made.compile("sgd")
    with pytest.raises(ValueError, match="loss must be given to compile"):
        made.fit(X, Y, verbose=0)


def test_interrupt_keeps_the_history_and_the_model():
    class Interrupt(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    made = model()
    with pytest.raises(KeyboardInterrupt):
        made.fit(X, Y, epochs=5, verbose=0, callbacks=[Interrupt()])
    assert len(made.history.history["loss"]) >= 1
    assert made.predict(X, verbose=0).shape == (10, 1)
    assert made.fit(X, Y, verbose=0).epoch == [0]


def test_callbacks_may_use_the_model():
    class Busy(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.predict(X, verbose=0)
            self.model.evaluate(X, Y, verbose=0)

    plain, busy = model(), model()
    busy.set_weights(plain.get_weights())
    one = plain.fit(X, Y, batch_size=4, shuffle=False, verbose=0).history
    two = busy.fit(X, Y, batch_size=4, shuffle=False, verbose=0, callbacks=[Busy()]).history
    assert one["loss"] == pytest.approx(two["loss"], rel=1e-6)


def test_batch_callbacks_and_their_logs():
    seen = []

    class Watch(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_train_batch_end(self, batch, logs=None):
            seen.append(("end", batch, type(logs["loss"])))

        def on_predict_batch_end(self, batch, logs=None):
            seen.append(("predicted", batch, logs["outputs"].shape))

    made = model()
    made.fit(X, Y, batch_size=5, verbose=0, callbacks=[Watch()])
    made.predict(X, batch_size=5, verbose=0, callbacks=[Watch()])
    assert seen == [
        ("begin", 0),
        ("end", 0, float),
        ("begin", 1),
        ("end", 1, float),
        ("predicted", 0, (5, 1)),
        ("predicted", 1, (5, 1)),
    ]

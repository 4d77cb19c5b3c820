"""fit, evaluate, predict and their per-batch forms, against loops written by hand."""

import numpy as np
import pytest
from gatework import layers, losses, metrics, ops, optimizers
from gatework.autograd import GradientTape
from gatework.callbacks import Callback, CallbackList, History
from gatework.models import Model, Sequential
from gatework.utils import set_random_seed

RNG = np.random.default_rng(11)
X = RNG.normal(size=(10, 3)).astype(np.float32)
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype(np.float32)
BITS = (Y > 0).astype(np.int64)


def linear(optimizer=None, loss="mse", metrics=None, **options):
    model = Sequential([layers.Input((3,)), layers.Dense(1)])
    model.layers[0].set_weights([np.array([[0.1], [0.2], [0.3]]), np.array([0.0])])
    model.compile(optimizer or optimizers.SGD(0.1), loss, metrics=metrics, **options)
    return model


def by_hand(batches, w=(0.1, 0.2, 0.3), b=0.0, lr=0.1):
    """Gradient descent on the mean squared error; returns the weights and the losses."""
    w, losses_ = np.array(w)[:, None], []
    for x, y, weight in batches:
        error = (x @ w + b - y) * weight
        losses_.append(float((error * (x @ w + b - y)).mean()))
        w = w - lr * 2 * x.T @ error / len(x)
        b = b - lr * 2 * error.mean()
    return w, b, losses_


def check(model, w, b):
    np.testing.assert_allclose(model.get_weights()[0], w, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.get_weights()[1], [b], rtol=1e-4, atol=1e-5)


def split(size, x=X, y=Y, weight=None):
    weight = np.ones(len(x)) if weight is None else weight
    cuts = [slice(i, i + size) for i in range(0, len(x), size)]
    return [(x[c], y[c], weight[c][:, None]) for c in cuts]


def test_epochs_by_hand():
    model = linear()
    history = model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    w, b, seen = by_hand(split(4) * 2)
    check(model, w, b)
    sizes = np.array([4, 4, 2])
    expected = [float((np.array(seen[i : i + 3]) * sizes).sum() / 10) for i in (0, 3)]
    assert isinstance(history, History)
    assert history is model.history
    assert history.epoch == [0, 1]
    np.testing.assert_allclose(history.history["loss"], expected, rtol=1e-4)


def test_sample_weights_by_hand():
    weight = RNG.uniform(0.5, 2.0, 10)
    model = linear()
    model.fit(X, Y, batch_size=5, shuffle=False, verbose=0, sample_weight=weight)
    check(model, *by_hand(split(5, weight=weight))[:2])


def test_class_weight_is_a_sample_weight():
    first, second = (linear(loss="binary_crossentropy") for _ in range(2))
    first.fit(X, BITS, verbose=0, shuffle=False, class_weight={0: 0.5, 1: 2.0})
    weights = np.where(BITS[:, 0] == 1, 2.0, 0.5)
    second.fit(X, BITS, verbose=0, shuffle=False, sample_weight=weights)
    np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])
    with pytest.raises(ValueError, match="only one of sample_weight and class_weight"):
        first.fit(X, BITS, class_weight={0: 1.0}, sample_weight=weights)


def test_validation_split_takes_the_tail():
    first, second = linear(metrics=["mae"]), linear(metrics=["mae"])
    options = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0}
    one = first.fit(X, Y, validation_split=0.3, **options).history
    two = second.fit(X[:7], Y[:7], validation_data=(X[7:], Y[7:]), **options).history
    assert one == two
    assert list(one) == ["loss", "mae", "val_loss", "val_mae"]
    last = first.evaluate(X[7:], Y[7:], verbose=0, return_dict=True)
    assert last["loss"] == pytest.approx(one["val_loss"][-1], rel=1e-6)


def test_validation_frequency():
    history = (
        linear().fit(X, Y, epochs=5, verbose=0, validation_data=(X, Y), validation_freq=2).history
    )
    assert len(history["loss"]) == 5
    assert len(history["val_loss"]) == 2
    history = (
        linear()
        .fit(X, Y, epochs=3, verbose=0, validation_data=(X, Y), validation_freq=[1, 3])
        .history
    )
    assert len(history["val_loss"]) == 2


def test_evaluate_and_on_batch():
    model = linear(metrics=["mae", "mse"])
    results = model.evaluate(X, Y, batch_size=3, verbose=0)
    error = X @ np.array([[0.1], [0.2], [0.3]]) - Y
    expected = [(error**2).mean(), np.abs(error).mean(), (error**2).mean()]
    np.testing.assert_allclose(results, expected, rtol=1e-5)
    np.testing.assert_allclose(model.test_on_batch(X, Y), expected, rtol=1e-5)
    assert set(model.test_on_batch(X, Y, return_dict=True)) == {"loss", "mae", "mse"}
    np.testing.assert_allclose(model.train_on_batch(X, Y), expected, rtol=1e-5)
    check(model, *by_hand(split(10))[:2])
    assert isinstance(linear().evaluate(X, Y, verbose=0), float)


def test_predict():
    model = linear()
    expected = X @ np.array([[0.1], [0.2], [0.3]])
    for options in ({}, {"batch_size": 3}, {"batch_size": 100}, {"steps": 1}):
        found = model.predict(X, verbose=0, **options)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict_on_batch(X), expected, rtol=1e-5)
    assert model.predict(X[:0], verbose=0).shape == (0, 1)
    assert len(model.predict(X, batch_size=3, steps=2, verbose=0)) == 6


def test_loss_falls_with_every_optimizer():
    for name in ("sgd", "rmsprop", "adam", "adamw"):
        model = linear(name)
        model.optimizer.learning_rate = 0.05
        history = model.fit(X, Y, epochs=15, batch_size=5, verbose=0).history["loss"]
        assert history[-1] < 0.5 * history[0]


def test_same_seed_same_bits():
    found = []
    for seed in (1, 1, 2):
        set_random_seed(seed)
        model = Sequential([layers.Dense(4), layers.Dropout(0.5), layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(X, Y, epochs=3, batch_size=3, verbose=0)
        found.append(model.predict(X, verbose=0))
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_shuffling_shows_every_sample_once_per_epoch():
    seen = []

    class Watch(Sequential):
        def train_step(self, data):
            seen.append(data[1].numpy().ravel())
            return super().train_step(data)

    model = Watch([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=2, batch_size=5, verbose=0)
    orders = [np.concatenate(seen[i : i + 2]) for i in (0, 2)]
    for order in orders:
        assert not np.array_equal(order, Y.ravel())
        np.testing.assert_array_equal(np.sort(order), np.sort(Y.ravel()))
    assert not np.array_equal(*orders)
    seen.clear()
    model.fit(X, Y, batch_size=5, shuffle="batch", verbose=0)
    np.testing.assert_array_equal(np.sort(seen[0]), np.sort(Y[:5].ravel()))


def test_accuracy_is_resolved_by_the_shapes():
    kinds = {
        (1, (10, 1)): metrics.BinaryAccuracy,
        (3, (10,)): metrics.SparseCategoricalAccuracy,
        (3, (10, 1)): metrics.SparseCategoricalAccuracy,
        (3, (10, 3)): metrics.CategoricalAccuracy,
    }
    for (units, shape), kind in kinds.items():
        model = Sequential([layers.Dense(units, activation="sigmoid")])
        model.compile("sgd", loss=lambda t, p: ops.mean(p, axis=-1), metrics=["accuracy", "acc"])
        logs = model.train_on_batch(X, np.zeros(shape), return_dict=True)
        assert set(logs) == {"loss", "accuracy", "acc"}
        assert isinstance(model.metrics[1].metrics[0], kind)


def test_initial_epoch_and_stop_training():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 3

    model = linear()
    assert model.fit(X, Y, epochs=9, initial_epoch=2, verbose=0, callbacks=Stop()).epoch == [2, 3]
    assert model.fit(X, Y, epochs=1, verbose=0).epoch == [0]


def test_steps_per_epoch_goes_on_where_it_stopped():
    seen = []

    class Watch(Sequential):
        def train_step(self, data):
            seen.append(data[1].numpy()[0, 0])
            return super().train_step(data)

    model = Watch([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    options = {"shuffle": False, "verbose": 0}
    model.fit(X, Y, epochs=2, batch_size=2, steps_per_epoch=2, **options)
    np.testing.assert_allclose(seen, Y[[0, 2, 4, 6], 0])
    seen.clear()
    model.fit(X, Y, epochs=3, batch_size=5, steps_per_epoch=1, **options)
    np.testing.assert_allclose(seen, Y[[0, 5, 0], 0])
    with pytest.warns(UserWarning, match="data ended after 2 of 3 steps"):
        model.fit(X, Y, batch_size=5, steps_per_epoch=3, **options)


def test_weighted_metrics():
    weight = np.linspace(0, 1, 10)
    model = linear(metrics=["mae"], weighted_metrics=["mae"])
    logs = model.evaluate(X, Y, sample_weight=weight, verbose=0, return_dict=True)
    error = np.abs(X @ np.array([[0.1], [0.2], [0.3]]) - Y)[:, 0]
    assert logs["mae"] == pytest.approx(error.mean(), rel=1e-5)
    assert logs["weighted_mae"] == pytest.approx((error * weight).sum() / weight.sum(), rel=1e-5)


def test_regularizers_and_add_loss_join_the_loss():
    plain, regularized = linear(), None
    regularized = Sequential(
        [layers.Input((3,)), layers.Dense(1, kernel_regularizer="l2", name="dense_r")]
    )
    regularized.layers[0].set_weights(plain.get_weights())
    regularized.compile(optimizers.SGD(0.1), "mse")
    extra = 0.01 * (0.1**2 + 0.2**2 + 0.3**2)
    difference = regularized.test_on_batch(X, Y) - plain.test_on_batch(X, Y)
    assert difference == pytest.approx(extra, rel=1e-2)


def test_masks_leave_padding_out():
    ids = np.array([[1, 2, 3, 0], [4, 0, 0, 0]])
    model = Sequential(
        [
            layers.Embedding(5, 3, mask_zero=True),
            layers.LSTM(4, return_sequences=True),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    labels = np.array([[2, 3, 4, 1], [1, 3, 3, 3]])
    probs = model.predict(ids, verbose=0)
    kept = ids != 0
    expected = -np.log(np.take_along_axis(probs, labels[..., None], -1)[..., 0][kept]).mean()
    loss, accuracy = model.evaluate(ids, labels, verbose=0)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert accuracy == pytest.approx((probs.argmax(-1) == labels)[kept].mean())


def test_user_written_model_and_train_step():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.tracker = metrics.Mean(name="tracked")

        def call(self, inputs, training=None):
            return self.dense(inputs)

        def train_step(self, data):
            x, y = data
            with GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            variables = self.trainable_variables
            gradients = tape.gradient(loss, variables)
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
            self.tracker.update_state(loss)
            return {"tracked": self.tracker.result()}

    model = Own()
    model.compile(optimizers.SGD(0.1), losses.MeanSquaredError())
    history = model.fit(X, Y, epochs=8, batch_size=10, verbose=0).history
    assert list(history) == ["tracked"]
    assert history["tracked"][-1] < history["tracked"][0]
    assert any(metric is model.tracker for metric in model.metrics)


def test_several_outputs():
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(1), layers.Dense(3)

        def call(self, inputs):
            return {"a": self.a(inputs), "b": self.b(inputs)}

    model = Two()
    model.compile(
        "sgd",
        loss={"a": "mse", "b": losses.SparseCategoricalCrossentropy(from_logits=True)},
        loss_weights={"a": 2.0, "b": 0.5},
        metrics={"a": ["mae"], "b": ["accuracy"]},
    )
    labels = {"a": Y, "b": np.arange(10) % 3}
    logs = model.fit(X, labels, verbose=0).history
    assert set(logs) == {"loss", "a_loss", "b_loss", "a_mae", "b_accuracy"}
    found = model.evaluate(X, labels, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(2 * found["a_loss"] + 0.5 * found["b_loss"], rel=1e-5)
    outputs = model.predict(X, verbose=0)
    assert outputs["b"].shape == (10, 3)
    with pytest.raises(ValueError, match="y must be keyed by the output names"):
        model.fit(X, {"a": Y, "c": Y}, verbose=0)


def test_several_inputs():
    class Sum(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs["left"] + inputs["right"])

    model = Sum()
    model.compile("sgd", "mse")
    data = {"left": X, "right": X}
    model.fit(data, Y, batch_size=4, verbose=0)
    assert model.predict(data, batch_size=4, verbose=0).shape == (10, 1)


def test_moving_averages_end_in_the_model():
    model = linear(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    model.fit(X, Y, batch_size=5, epochs=2, verbose=0, shuffle=False)
    steps, w, b = split(5) * 2, np.array([[0.1], [0.2], [0.3]]), 0.0
    average = None
    for step in steps:
        w, b, _ = by_hand([step], w[:, 0], b)
        average = w if average is None else 0.5 * average + 0.5 * w
    np.testing.assert_allclose(model.get_weights()[0], average, rtol=1e-4)


def test_compile_config_round_trip():
    model = linear("adam", loss=losses.Huber(delta=2.0), metrics=["mae", metrics.Precision()])
    config = model.get_compile_config()
    other = linear()
    other.compile_from_config(config)
    assert other.get_compile_config() == config
    assert other.optimizer.built


def test_a_callback_list_of_the_users_own():
    model = linear()
    history = model.fit(X, Y, epochs=2, verbose=0, callbacks=CallbackList([Callback()]))
    assert history.epoch == [0, 1]
    bare = CallbackList([Callback()], model=model)
    assert model.fit(X, Y, verbose=0, callbacks=bare).epoch == [0]

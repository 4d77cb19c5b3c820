"""Callbacks on a stand-in for a model: what they do does not depend on training."""

import math

import numpy as np
import pytest
from gatework.autograd import Variable
from gatework.callbacks import (
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    SwapEMAWeights,
    TerminateOnNaN,
)
from gatework.metrics import MeanSquaredError, Recall
from gatework.optimizers import SGD


class Model:
    """Only what callbacks touch."""

    def __init__(self):
        self.stop_training = False
        self.history = None
        self.weights = 0
        self.optimizer = SGD(1.0)
        self.metrics = [Recall(name="recall"), MeanSquaredError()]
        self.saved = []

    def get_weights(self):
        return [self.weights]

    def set_weights(self, weights):
        self.weights = weights[0]

    def save(self, path, overwrite=True):
        self.saved.append(path)

    save_weights = save


def run(callback, values, name="val_loss"):
    """Plays epochs whose monitored values are given; returns the model and the number run."""
    model = Model()
    callbacks = CallbackList([callback], model=model, epochs=len(values), steps=1, verbose=0)
    callbacks.on_train_begin()
    epoch = -1
    for epoch, value in enumerate(values):
        callbacks.on_epoch_begin(epoch)
        model.weights = epoch
        logs = {"loss": 0.0, name: value}
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    callbacks.on_train_end()
    return model, epoch + 1


@pytest.mark.parametrize(
    ("options", "values", "epochs"),
    [
        ({}, [3, 2, 2.5, 1], 3),
        ({"patience": 2}, [3, 2, 2.5, 1, 1, 1, 1], 6),
        ({"min_delta": 0.5}, [3, 2, 1.8, 1], 3),
        ({"baseline": 1.0, "patience": 2}, [3, 2, 2, 0.5], 3),
        ({"start_from_epoch": 2}, [1, 2, 3, 4], 4),
        ({"mode": "max"}, [3, 2, 1], 2),
        ({}, [math.nan, math.nan], 2),
    ],
)
def test_early_stopping(options, values, epochs):
    assert run(EarlyStopping(**options), values)[1] == epochs


def test_early_stopping_restores_the_best_weights():
    model, _ = run(EarlyStopping(patience=2, restore_best_weights=True), [3, 1, 2, 2])
    assert model.weights == 1


def test_direction_of_a_metric_is_known():
    assert run(EarlyStopping(monitor="val_recall"), [0.1, 0.2, 0.15], "val_recall")[1] == 3
    assert run(EarlyStopping(monitor="val_recall"), [0.3, 0.2, 0.15], "val_recall")[1] == 2
    with pytest.raises(ValueError, match="mode must be 'min' or 'max'"):
        run(EarlyStopping(monitor="val_taste"), [1, 2], "val_taste")
    with pytest.raises(ValueError, match="mode must be 'auto'"):
        EarlyStopping(mode="best")


def test_a_missing_metric_is_named():
    with pytest.warns(UserWarning, match="finds no 'val_acc' in the logs; there are: loss"):
        run(EarlyStopping(monitor="val_acc"), [1])


def test_reduce_lr_on_plateau():
    callback = ReduceLROnPlateau(factor=0.5, patience=2, cooldown=1, min_lr=0.2)
    model, _ = run(callback, [1, 1, 1, 1, 1, 1])
    # Halved after epochs 3 and 5: the epoch that ends a cooldown counts again.
    assert float(model.optimizer.learning_rate) == pytest.approx(0.25)
    model, _ = run(ReduceLROnPlateau(factor=0.1, patience=1, min_lr=0.2), [1, 1, 1, 1])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.2)
    with pytest.raises(ValueError, match="factor must be in"):
        ReduceLROnPlateau(factor=1.5)


def test_learning_rate_scheduler():
    model, _ = run(LearningRateScheduler(lambda epoch, lr: lr * 0.5), [1, 1, 1])
    assert float(model.optimizer.learning_rate) == 0.125
    model, _ = run(LearningRateScheduler(lambda epoch: 1.0 / (epoch + 1)), [1, 1])
    assert float(model.optimizer.learning_rate) == 0.5
    with pytest.raises(ValueError, match="schedule must return a float, not None"):
        run(LearningRateScheduler(lambda epoch: None), [1])
    with pytest.raises(TypeError, match="schedule must be a function"):
        LearningRateScheduler(0.5)


def test_an_error_inside_a_schedule_is_not_hidden():
    def broken(epoch, lr):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        run(LearningRateScheduler(broken), [1])


def test_learning_rate_is_logged_and_seen_by_later_callbacks():
    history = History()
    model = Model()
    scheduler = LearningRateScheduler(lambda epoch: 0.5)
    callbacks = CallbackList([scheduler, history], model=model, epochs=1, steps=1, verbose=0)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(0)
    callbacks.on_epoch_end(0, {"loss": 1.0})
    assert history.history == {"loss": [1.0], "learning_rate": [0.5]}
    assert model.history is history


def test_checkpoint(tmp_path):
    path = str(tmp_path / "new" / "m-{epoch:02d}-{val_loss:.1f}.keras")
    model, _ = run(ModelCheckpoint(path), [2.0, 3.0])
    assert [p.rsplit("/", 1)[1] for p in model.saved] == ["m-01-2.0.keras", "m-02-3.0.keras"]
    best = str(tmp_path / "best.weights.h5")
    options = {"save_best_only": True, "save_weights_only": True}
    model, _ = run(ModelCheckpoint(best, **options), [2.0, 3.0, 1.0])
    assert len(model.saved) == 2
    model, _ = run(ModelCheckpoint(best, **options, initial_value_threshold=1.5), [2.0, 1.0])
    assert len(model.saved) == 1


def test_checkpoint_every_so_many_batches():
    model = Model()
    callback = ModelCheckpoint("m-{epoch}-{batch}.keras", save_freq=2)
    callbacks = CallbackList([callback], model=model, epochs=2, steps=3, verbose=0)
    callbacks.on_train_begin()
    for epoch in range(2):
        callbacks.on_epoch_begin(epoch)
        for batch in range(3):
            callbacks.on_train_batch_end(batch, {"loss": 1.0})
        callbacks.on_epoch_end(epoch, {"loss": 1.0})
    assert model.saved == ["m-1-2.keras", "m-2-1.keras", "m-2-3.keras"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filepath": "model.txt"}, "filepath must end in '.keras'"),
        ({"filepath": "model.h5", "save_weights_only": True}, r"must end in '\.weights\.h5'"),
        ({"filepath": "m.keras", "save_freq": 0}, "save_freq must be 'epoch' or an integer"),
    ],
)
def test_bad_checkpoints(arguments, message):
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(**arguments)


def test_checkpoint_with_an_unknown_field():
    with pytest.raises(KeyError, match="filepath must use only the fields epoch, loss, val_loss"):
        run(ModelCheckpoint("m-{acc}.keras"), [1.0])


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    run(CSVLogger(path), [1.0, 2.0])
    assert path.read_text() == "epoch,loss,val_loss\n0,0.0,1.0\n1,0.0,2.0\n"
    run(CSVLogger(path, append=True), [3.0])
    assert path.read_text().splitlines()[3] == "0,0.0,3.0"
    run(CSVLogger(path, separator=";"), [3.0])
    assert path.read_text() == "epoch;loss;val_loss\n0;0.0;3.0\n"


def test_lambda_callback():
    seen = []
    callback = LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["val_loss"])),
        on_train_begin=lambda logs: seen.append("begin"),
    )
    run(callback, [1.0])
    assert seen == ["begin", (0, 1.0)]
    with pytest.raises(TypeError, match="no argument 'on_lunch'"):
        LambdaCallback(on_lunch=print)


def test_batch_hooks_of_every_style_are_called():
    seen = []

    class Old(Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append(("old", batch, logs["loss"]))

    class New(Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(("new", batch, logs["loss"]))

    made = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(("made", batch)))
    callbacks = CallbackList([Old(), [New(), made]], model=Model(), epochs=1, steps=1, verbose=0)
    callbacks.on_train_batch_begin(0)
    callbacks.on_train_batch_end(0, {"loss": np.float32(0.5)})
    assert seen == [("old", 0, 0.5), ("new", 0, 0.5), ("made", 0)]


def test_terminate_on_nan():
    model = Model()
    callbacks = CallbackList([TerminateOnNaN()], model=model, epochs=1, steps=2, verbose=0)
    callbacks.on_train_batch_end(0, {"loss": 1.0})
    assert not model.stop_training
    callbacks.on_train_batch_end(1, {"loss": math.inf})
    assert model.stop_training
    callback = TerminateOnNaN(raise_error=True)
    with pytest.raises(RuntimeError, match="loss is nan at batch 4"):
        callback.on_batch_end(4, {"loss": math.nan})


def test_swap_ema_weights():
    model = Model()
    weight = Variable(np.ones(2, np.float32), name="w")
    model.optimizer = SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        model.optimizer.apply([np.ones(2, np.float32)], [weight])
    assert weight.numpy()[0] == -1.0
    callback = SwapEMAWeights()
    callback.set_model(model)
    callback.on_test_begin()
    assert weight.numpy()[0] == -0.5
    callback.on_test_end()
    assert weight.numpy()[0] == -1.0
    model.optimizer = SGD(1.0)
    with pytest.raises(ValueError, match="use_ema=True"):
        callback.on_test_begin()


def test_what_is_no_callback_is_refused():
    with pytest.raises(TypeError, match="callbacks must be Callback objects, not 3"):
        CallbackList([3])

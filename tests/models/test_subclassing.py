"""Models and layers that users write: building, training, losses, nesting, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import GradientTape, losses, metrics, ops, optimizers
from gatework.layers import LSTM, Dense, Dropout, Embedding, Input, Layer
from gatework.models import Model, Sequential, load_model
from gatework.saving import register_keras_serializable

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 5, 3)).astype(np.float32)
Y = X[:, -1, :2] * 2


class Scale(Layer):
    """A weight of its own, made in build."""

    def build(self, input_shape: Any) -> None:
        self.scale = self.add_weight((input_shape[-1],), initializer="ones", name="scale")

    def call(self, inputs: Any) -> Any:
        return inputs * self.scale


class Reader(Model):
    """A layer, a layer of the user's, a list of layers, a model inside."""

    def __init__(self, units: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.lstm = LSTM(units)
        self.scale = Scale()
        self.tower = [Dense(3, activation="tanh"), Dropout(0.5), Dense(2)]
        self.inner = Sequential([Dense(2), Dense(2)])

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        x = self.scale(self.lstm(inputs))
        for layer in self.tower:
            x = layer(x)
        return x + self.inner(x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


def test_the_first_call_builds() -> None:
    model = Reader()
    assert not model.built
    assert model(X).shape == (12, 2)
    assert model.built
    assert len(model.trainable_weights) == 3 + 1 + 4 + 4


def test_building_for_a_shape() -> None:
    model = Reader()
    model.build((None, 5, 3))
    assert len(model.weights) == 12
    assert model.count_params() == sum(weight.size for weight in model.weights)
    assert model.compute_output_shape((None, 5, 3)) == (None, 2)


def test_a_failed_build_may_be_tried_again() -> None:
    model = Reader()
    with pytest.raises(ValueError, match="must have 3 axes, not 2"):
        model.build((None, 3))
    assert not model.built
    model.build((None, 5, 3))
    assert model.built


def test_training() -> None:
    model = Reader()
    model.compile(optimizers.Adam(0.01), "mse")
    history = model.fit(X, Y, epochs=30, batch_size=4, verbose=0).history["loss"]
    assert history[-1] < 0.7 * history[0]


def test_a_subclass_within_a_graph() -> None:
    inputs = Input((5, 3))
    reader = Reader()
    model = Model(inputs, Dense(1)(reader(inputs)))
    assert model.output_shape == (None, 1)
    assert len(model.trainable_weights) == 14
    np.testing.assert_array_equal(model.predict(X, verbose=0), model.layers[-1](reader(X)).numpy())


def test_custom_steps() -> None:
    class Twice(Model):
        """Its own loss and metric, one update by hand."""

        def __init__(self) -> None:
            super().__init__()
            self.dense = Dense(2)
            self.seen = metrics.Mean(name="seen")

        def call(self, inputs: Any) -> Any:
            return self.dense(inputs[:, -1])

        def train_step(self, data: Any) -> dict[str, Any]:
            x, y = data
            with GradientTape() as tape:
                loss = ops.mean(ops.square(self(x, training=True) - y))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
            self.seen.update_state(loss)
            return {"seen": self.seen.result()}

        def test_step(self, data: Any) -> dict[str, Any]:
            x, y = data
            return {"distance": ops.mean(ops.abs(self(x) - y))}

    model = Twice()
    model.compile(optimizers.SGD(0.1))
    seen = model.fit(X, Y, epochs=20, verbose=0).history["seen"]
    assert seen[-1] < 0.2 * seen[0]
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(
        float(np.abs(model(X).numpy() - Y).mean()), rel=1e-5
    )


def test_custom_steps_on_a_graph() -> None:
    class Noted(Model):
        def train_step(self, data: Any) -> dict[str, Any]:
            return {**super().train_step(data), "one": 1.0}

    inputs = Input((5, 3))
    model = Noted(inputs, Dense(2)(LSTM(4)(inputs)))
    model.compile("sgd", "mse")
    assert model.fit(X, Y, verbose=0).history["one"] == [1.0]
    again = Noted.from_config(model.get_config())
    assert type(again) is Noted
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(X).numpy(), model(X).numpy())


def test_added_losses_are_minimised() -> None:
    class Shrinking(Layer):
        def build(self, input_shape: Any) -> None:
            self.kernel = self.add_weight((input_shape[-1], 2), initializer="ones")

        def call(self, inputs: Any) -> Any:
            self.add_loss(0.5 * ops.sum(ops.square(self.kernel)))
            return ops.matmul(inputs, self.kernel)

    inputs = Input((3,))
    layer = Shrinking()
    model = Model(inputs, layer(inputs))
    assert model.losses == []  # finding the shapes leaves no loss behind
    model.compile(optimizers.SGD(0.1), "mse")
    x = np.zeros((4, 3), np.float32)
    assert model.evaluate(x, x[:, :2], verbose=0) == pytest.approx(3.0)
    model.fit(x, x[:, :2], epochs=1, verbose=0)
    np.testing.assert_allclose(layer.kernel.numpy(), 0.9, rtol=1e-6)


@register_keras_serializable("tests")
class Registered(Reader):
    pass


register_keras_serializable("tests")(Scale)


def test_a_registered_class_comes_back_from_a_file(tmp_path: Path) -> None:
    model = Registered(units=3, name="mine")
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    assert type(loaded) is Registered
    assert (loaded.units, loaded.name) == (3, "mine")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    assert loaded.train_on_batch(X, Y) == pytest.approx(model.train_on_batch(X, Y), rel=0.5)


def test_custom_objects_within_a_graph(tmp_path: Path) -> None:
    class Local(Scale):
        pass

    inputs = Input((5,), dtype="int32")
    model = Model(inputs, Local()(Embedding(7, 3)(inputs)))
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"Local must be one of the package or registered"):
        load_model(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras", custom_objects={"Local": Local})
    ids = np.array([[1, 2, 3, 4, 5]])
    np.testing.assert_array_equal(loaded(ids).numpy(), model(ids).numpy())


class Silent(Model):
    """Does not say its arguments."""

    def __init__(self, units: Any, kind: str = "tanh") -> None:
        super().__init__()
        self.dense = Dense(units if isinstance(units, int) else units.size, activation=kind)

    def call(self, inputs: Any) -> Any:
        return self.dense(inputs)


def test_arguments_that_are_numbers_and_texts_are_known(tmp_path: Path) -> None:
    model = Silent(2, kind="relu")
    model(X)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras", custom_objects={"Silent": Silent})
    np.testing.assert_array_equal(loaded(X).numpy(), model(X).numpy())


def test_other_arguments_must_be_said(tmp_path: Path) -> None:
    model = Silent(np.ones(2))
    model(X)
    with pytest.raises(NotImplementedError, match=r"Silent must implement get_config\(\).*units"):
        model.save(tmp_path / "model.keras")


def test_a_model_without_a_call() -> None:
    with pytest.raises(NotImplementedError, match=r"Model must implement call\(inputs\)"):
        Model()(X)


def test_layers_before_the_constructor_ran() -> None:
    class Hasty(Model):
        def __init__(self) -> None:
            self.dense = Dense(1)
            super().__init__()

    with pytest.raises(RuntimeError, match=r"super\(\).__init__\(\) must be called in Hasty"):
        Hasty()


def test_a_loss_of_the_users_own() -> None:
    class Scaled(losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return ops.mean(ops.square(y_true - y_pred), axis=-1) * 3.0

    model = Reader()
    model.compile("sgd", Scaled())
    plain = np.square(model(X).numpy() - Y).mean()
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(3 * plain, rel=1e-5)

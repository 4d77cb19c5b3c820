"""``.h5`` files: what older Keras wrote of the training goes on, and what is written here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from gatework import layers, models, optimizers
from gatework.saving import load_model

from tests.saving.hostile import same, small_model
from tests.saving.legacy_files import layer, random_arrays, sequential, write_model


class TestTraining:
    DENSE = sequential(layer("Dense", name="it", units=2, batch_input_shape=[None, 3]))

    def load(self, tmp_path: Path, training: Any, optimizer: Any = None, **options: Any) -> Any:
        arrays = random_arrays(it__kernel=(3, 2), it__bias=(2,))
        path = write_model(
            tmp_path / "m.h5", self.DENSE, {"it": arrays}, "2.2.4", training, optimizer
        )
        return load_model(path, **options)

    def test_old_words(self, tmp_path: Path) -> None:
        adam = {"lr": 0.25, "beta_1": 0.5, "beta_2": 0.75, "decay": 0.0, "epsilon": None}
        model = self.load(
            tmp_path,
            {
                "optimizer_config": {"class_name": "Adam", "config": adam},
                "loss": "mse",
                "metrics": ["mae"],
                "sample_weight_mode": None,
                "loss_weights": None,
            },
        )
        assert float(model.optimizer.learning_rate) == 0.25
        assert model.optimizer.epsilon == 1e-7
        logs = model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)), return_dict=True)
        assert list(logs) == ["loss", "mae"]

    def test_words_of_tf_keras(self, tmp_path: Path) -> None:
        loss = {
            "class_name": "BinaryCrossentropy",
            "config": {"reduction": "auto", "name": "b", "from_logits": True},
        }
        wrapped = {"name": "accuracy", "dtype": "float32", "fn": "binary_accuracy"}
        model = self.load(
            tmp_path,
            {
                "optimizer_config": {"class_name": "SGD", "config": {"learning_rate": 0.5}},
                "loss": loss,
                "metrics": [[{"class_name": "MeanMetricWrapper", "config": wrapped}]],
                "weighted_metrics": None,
                "loss_weights": None,
            },
        )
        assert model.loss.get_config()["from_logits"] is True
        logs = model.evaluate(np.ones((2, 3)), np.ones((2, 2)), verbose=0, return_dict=True)
        assert sorted(logs) == ["accuracy", "loss"]

    def test_decay_is_a_schedule(self, tmp_path: Path) -> None:
        config = {"class_name": "SGD", "config": {"lr": 1.0, "decay": 0.5}}
        model = self.load(tmp_path, {"optimizer_config": config, "loss": "mse"})
        rates = []
        for _ in range(3):
            rates.append(float(model.optimizer.learning_rate))
            model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
        np.testing.assert_allclose(rates, [1, 1 / 1.5, 1 / 2], rtol=1e-6)

    def test_slots_kind_by_kind(self, tmp_path: Path) -> None:
        """All first moments, then all second ones, as Keras 2 keeps them."""
        state = {"iterations:0": np.int64(7)} | random_arrays(
            m0=(3, 2), m1=(2,), v0=(3, 2), v1=(2,), vhat0=(1,), vhat1=(1,)
        )
        config = {"class_name": "Adam", "config": {"lr": 0.5}}
        model = self.load(tmp_path, {"optimizer_config": config, "loss": "mse"}, state)
        assert int(model.optimizer.iterations) == 7
        names = ["m0:0", "v0:0", "m1:0", "v1:0"]
        for slot, name in zip(model.optimizer.variables[2:], names, strict=True):
            np.testing.assert_array_equal(slot.numpy(), state[name])

    def test_state_of_another_form(self, tmp_path: Path) -> None:
        config = {"class_name": "Adam", "config": {"lr": 0.5}}
        with pytest.warns(UserWarning, match="starts anew"):
            self.load(
                tmp_path, {"optimizer_config": config, "loss": "mse"}, random_arrays(a=(9, 9))
            )

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"optimizer_config": {"class_name": "Odd", "config": {}}}, "Odd"),
            ({"loss": "oddness"}, "oddness"),
            ({"metrics": ["oddity"]}, "oddity"),
            ({"optimizer_config": None}, "optimizer_config"),
        ],
    )
    def test_refused_by_name(self, tmp_path: Path, change: Any, sentence: str) -> None:
        training = {
            "optimizer_config": {"class_name": "SGD", "config": {"lr": 0.1}},
            "loss": "mse",
            **change,
        }
        with pytest.raises(ValueError, match=rf"(?s){sentence}.*compile=False"):
            self.load(tmp_path, training)
        assert not self.load(tmp_path, training, compile=False).compiled


class TestSaving:
    def test_there_and_back(self, tmp_path: Path) -> None:
        model = small_model()
        ids, y = np.array([[1, 2, 3, 4, 5]]), np.array([1])
        for _ in range(2):
            model.train_on_batch(ids, y)
        model.save(tmp_path / "m.h5")
        again = load_model(tmp_path / "m.h5")
        np.testing.assert_array_equal(again.predict(ids, verbose=0), model.predict(ids, verbose=0))
        assert again.train_on_batch(ids, y) == pytest.approx(model.train_on_batch(ids, y))
        same(again, model.get_weights())

    def test_without_the_optimizer(self, tmp_path: Path) -> None:
        small_model().save(tmp_path / "m.hdf5", include_optimizer=False)
        assert load_model(tmp_path / "m.hdf5").optimizer is None

    def test_many_layers(self, tmp_path: Path) -> None:
        """Names that do not fit one attribute lie in several."""
        name = "a" * 1000
        model = models.Sequential(
            [layers.Input((1,)), *(layers.Dense(1, name=f"{name}{i}") for i in range(70))]
        )
        model.save(tmp_path / "m.h5")
        with h5py.File(tmp_path / "m.h5") as h5:
            assert "layer_names1" in h5["model_weights"].attrs
        same(load_model(tmp_path / "m.h5"), model.get_weights())

    def test_arguments(self, tmp_path: Path) -> None:
        model = small_model()
        for name, options, sentence in [
            ("m.tf", {}, "filepath"),
            ("m.keras", {"save_format": "h5"}, "save_format"),
            ("m.keras", {"zipped": False}, "zipped"),
        ]:
            with pytest.raises(ValueError, match=sentence):
                model.save(tmp_path / name, **options)
        assert list(tmp_path.iterdir()) == []

    def test_optimizers_that_follow_a_schedule(self, tmp_path: Path) -> None:
        model = small_model()
        rate = optimizers.schedules.ExponentialDecay(0.5, 10, 0.5)
        model.compile(optimizers.SGD(rate, momentum=0.5), "sparse_categorical_crossentropy")
        model.train_on_batch(np.array([[1, 2, 3, 4, 5]]), np.array([1]))
        model.save(tmp_path / "m.h5")
        again = load_model(tmp_path / "m.h5")
        for own, theirs in zip(again.optimizer.variables, model.optimizer.variables, strict=True):
            np.testing.assert_array_equal(own.numpy(), theirs.numpy())

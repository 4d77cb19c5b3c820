"""``.h5`` files of Keras 1, 2 and tf.keras: what their words and arrays mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from gatework import layers, models, optimizers
from gatework.saving import load_model

from tests.saving.hostile import layer_config, members, same, small_model, write
from tests.saving.legacy_files import layer, random_arrays, sequential, write_model, write_weights

X = np.random.default_rng(5).normal(size=(3, 4, 2)).astype(np.float32)


def one_layer(
    tmp_path: Path, entry: dict[str, Any], arrays: dict[str, np.ndarray], version: str = "2.2.4"
) -> Any:
    """The model of one layer on sequences of two features."""
    entry["config"] |= {"name": "it", "batch_input_shape": [None, None, 2]}
    path = write_model(tmp_path / "m.h5", sequential(entry), {"it": arrays}, version)
    return load_model(path)


LSTM = {"it__kernel": (2, 12), "it__recurrent_kernel": (3, 12), "it__bias": (12,)}
GRU = {"it__kernel": (2, 9), "it__recurrent_kernel": (3, 9), "it__bias": (9,)}


class TestWords:
    def test_hard_sigmoid_is_that_of_the_version(self, tmp_path: Path) -> None:
        x = np.array([[[2.7, -2.7]]], np.float32)
        for version, expected in (("1.2.2", [1, 0]), ("2.3.0-tf", [1, 0]), ("3.0.0", [0.95, 0.05])):
            model = one_layer(tmp_path, layer("Activation", activation="hard_sigmoid"), {}, version)
            np.testing.assert_allclose(model.predict(x, verbose=0)[0, 0], expected, rtol=1e-6)

    def test_gru_without_the_key_resets_before(self, tmp_path: Path) -> None:
        model = one_layer(tmp_path, layer("GRU", units=3), random_arrays(**GRU))
        assert model.layers[0].cell.reset_after is False

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("implementation", 0), ("implementation", 2), ("time_major", False),
            ("input_length", 7), ("dtype", "float32"),
            ("dtype", {"class_name": "Policy", "config": {"name": "float32"}}),
        ],
    )  # fmt: skip
    def test_keys_that_change_nothing(self, tmp_path: Path, key: str, value: Any) -> None:
        plain = one_layer(tmp_path, layer("LSTM", units=3), random_arrays(**LSTM))
        model = one_layer(tmp_path, layer("LSTM", units=3, **{key: value}), random_arrays(**LSTM))
        np.testing.assert_array_equal(model.predict(X, verbose=0), plain.predict(X, verbose=0))

    @pytest.mark.parametrize(
        ("entry", "sentence"),
        [
            (layer("LSTM", units=3, time_major=True), "time_major"),
            (layer("LSTM", units=3, dtype="float16"), "dtype.*float16"),
            (layer("LSTM", units=3, mystery=1), "mystery"),
            (layer("ThresholdedReLU", theta=1.0), "ThresholdedReLU"),
            (layer("Lambda", function=["4wE=", None, None], function_type="lambda"), "Lambda"),
            (layer("BatchNormalization", renorm=True), "renorm"),
        ],
    )
    def test_what_cannot_be_honoured_is_named(
        self, tmp_path: Path, entry: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(ValueError, match=sentence):
            one_layer(tmp_path, entry, random_arrays(**LSTM))

    def test_words_of_keras_1(self, tmp_path: Path) -> None:
        entry = layer(
            "LSTM", output_dim=3, init="uniform", inner_init="orthogonal", forget_bias_init="zero",
            activation="relu", inner_activation="sigmoid", dropout_W=0.25, dropout_U=0.5,
            W_regularizer={"name": "WeightRegularizer", "l1": 0.0, "l2": 0.5}, U_regularizer=None,
            b_regularizer=None, consume_less="gpu", input_dim=2, input_length=None,
            input_dtype="float32", return_sequences=True,
        )  # fmt: skip
        model = one_layer(tmp_path, entry, random_arrays(it_W=(2, 12), it_U=(3, 12), it_b=(12,)),
                          "1.2.2")  # fmt: skip
        cell = model.layers[0].cell
        assert (cell.units, cell.dropout, cell.recurrent_dropout) == (3, 0.25, 0.5)
        assert cell.unit_forget_bias is False
        assert cell.kernel_regularizer.l2 == pytest.approx(0.5)
        assert cell.recurrent_activation.__name__ == "sigmoid"

    @pytest.mark.parametrize(
        ("entry", "sentence"),
        [
            (layer("Dense", output_dim=3, W_constraint={"name": "odd"}), "kernel_constraint.*odd"),
            (layer("Dense", output_dim=3, W_regularizer={"name": "x", "k": 9}), "kernel_regular"),
            (layer("Highway"), "Highway"),
            (layer("Embedding", input_dim=3, output_dim=2, dropout=0.5), "dropout.*0.5"),
            (layer("BatchNormalization", mode=2), "mode.*2"),
        ],
    )
    def test_keras_1_is_refused_by_name(
        self, tmp_path: Path, entry: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(ValueError, match=sentence):
            one_layer(tmp_path, entry, {}, "1.2.2")


def transposed(kernel: np.ndarray, gates: int) -> np.ndarray:
    """The layout of cuDNN, from its definition: each gate's (units, inputs) matrix, flattened."""
    parts = np.split(kernel, gates, axis=1)
    return np.concatenate([p.T.ravel().reshape(p.shape) for p in parts], axis=1)


class TestArrays:
    def test_cudnn_lstm(self, tmp_path: Path) -> None:
        arrays = random_arrays(**LSTM)
        plain = one_layer(tmp_path, layer("LSTM", units=3), arrays)
        kernel, recurrent, bias = arrays.values()
        rng = np.random.default_rng(1)
        first = rng.normal(size=12).astype(np.float32)
        names = list(arrays)
        stored = {
            names[0]: transposed(kernel, 4),
            names[1]: transposed(recurrent, 4),
            names[2]: np.concatenate([first, bias - first]),
        }
        model = one_layer(tmp_path, layer("CuDNNLSTM", units=3), stored)
        expected = plain.predict(X, verbose=0)
        np.testing.assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-6)
        again = models.Sequential([layers.Input((None, 2)), layers.LSTM(3)])
        again.load_weights(write_weights(tmp_path / "w.h5", {"it": stored}))
        np.testing.assert_allclose(again.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-6)

    def test_cudnn_gru(self, tmp_path: Path) -> None:
        arrays = random_arrays(it__kernel=(2, 9), it__recurrent_kernel=(3, 9), it__bias=(2, 9))
        plain = one_layer(tmp_path, layer("GRU", units=3, reset_after=True), arrays)
        kernel, recurrent, bias = arrays.values()
        values = (transposed(kernel, 3), transposed(recurrent, 3), bias.ravel())
        stored = dict(zip(arrays, values, strict=True))
        model = one_layer(tmp_path, layer("CuDNNGRU", units=3), stored)
        expected = plain.predict(X, verbose=0)
        np.testing.assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-6)
        with pytest.raises(ValueError, match="reset_after"):
            one_layer(tmp_path, layer("GRU", units=3, reset_after=False), stored)

    @pytest.mark.parametrize("wrapper", ["none", "Bidirectional", "TimeDistributed"])
    def test_gru_of_keras_1(self, tmp_path: Path, wrapper: str) -> None:
        """Nine arrays a direction, gates z, r, h."""
        shapes = {"W": (2, 3), "U": (3, 3), "b": (3,)}
        gates = {f"it_{part}_{g}": shape for g in "zrh" for part, shape in shapes.items()}
        arrays = random_arrays(**gates)
        config = {"output_dim": 3, "inner_activation": "sigmoid", "return_sequences": True}
        entry = layer("GRU", **config)
        if wrapper == "Bidirectional":
            other = {f"back_{k}": v[::-1].copy() for k, v in arrays.items()}
            inner = layer("GRU", name="g", **config)
            entry = layer("Bidirectional", merge_mode="concat", layer=inner)
            model = one_layer(tmp_path, entry, {**arrays, **other}, "1.2.2")
        elif wrapper == "TimeDistributed":
            inner = layer("GRU", name="g", **config)
            entry = layer("TimeDistributed", layer=inner)
            entry["config"] |= {"name": "it", "batch_input_shape": [None, 5, None, 2]}
            path = write_model(tmp_path / "m.h5", sequential(entry), {"it": arrays}, "1.2.2")
            model = load_model(path)
        else:
            model = one_layer(tmp_path, entry, arrays, "1.2.2")
        kernel, recurrent, bias = model.get_weights()[:3]
        for place, gate in enumerate("zrh"):
            block = slice(3 * place, 3 * place + 3)
            np.testing.assert_array_equal(kernel[:, block], arrays[f"it_W_{gate}:0"])
            np.testing.assert_array_equal(recurrent[:, block], arrays[f"it_U_{gate}:0"])
            np.testing.assert_array_equal(bias[block], arrays[f"it_b_{gate}:0"])

    def test_a_frozen_layer_inside_keeps_its_weights(self, tmp_path: Path) -> None:
        """Weights that are not trained come last, so those of the second layer come first."""
        inner = sequential(
            layer("Dense", name="a", units=2, trainable=False, batch_input_shape=[None, 2]),
            layer("Dense", name="b", units=2),
        )
        inner["config"] = {"name": "it", "layers": inner["config"]}
        arrays = random_arrays(b__kernel=(2, 2), b__bias=(2,), a__kernel=(2, 2), a__bias=(2,))
        outer = sequential(inner, layer("Dense", name="c", units=2))
        last = random_arrays(1, c__kernel=(2, 2), c__bias=(2,))
        path = write_model(tmp_path / "m.h5", outer, {"it": arrays, "c": last})
        model = load_model(path)
        a, b = model.layers[0].layers
        np.testing.assert_array_equal(a.kernel.numpy(), arrays["a/kernel:0"])
        np.testing.assert_array_equal(b.kernel.numpy(), arrays["b/kernel:0"])


class TestWeightsFiles:
    def made(self) -> Any:
        return models.Sequential(
            [layers.Input((2,)), layers.Dense(3, name="one"), layers.Dense(2, name="two")]
        )

    def test_by_name(self, tmp_path: Path) -> None:
        """Layers of other names, and order, are left alone."""
        path = write_weights(
            tmp_path / "w.h5",
            {
                "two": random_arrays(two__kernel=(3, 2), two__bias=(2,)),
                "three": random_arrays(three__kernel=(9, 9)),
            },
        )
        model = self.made()
        before = model.get_weights()
        model.load_weights(path, by_name=True)
        same_now = [np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)]
        assert same_now == [True, True, False, False]
        with pytest.raises(ValueError, match="2 layers"):
            model.load_weights(write_weights(tmp_path / "x.h5", {}))

    @pytest.mark.parametrize("by_name", [True, False])
    def test_mismatch(self, tmp_path: Path, by_name: bool) -> None:
        path = write_weights(
            tmp_path / "w.h5",
            {
                "one": random_arrays(one__kernel=(2, 3), one__bias=(3,)),
                "two": random_arrays(two__kernel=(3, 7), two__bias=(7,)),
            },
        )
        model = self.made()
        before = model.get_weights()
        with pytest.raises(ValueError, match=r"two.*\(3, 2\).*\(3, 7\)"):
            model.load_weights(path, by_name=by_name)
        same(model, before)
        with pytest.warns(UserWarning, match=r"two.*\(3, 7\)"):
            model.load_weights(path, by_name=by_name, skip_mismatch=True)
        same_now = [np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True)]
        assert same_now == [False, False, True, True]

    def test_structure_files_leave_out_too(self, tmp_path: Path) -> None:
        path, model = tmp_path / "w.weights.h5", self.made()
        model.save_weights(path)
        other = models.Sequential(
            [layers.Input((2,)), layers.Dense(3, name="one"), layers.Dense(5, name="two")]
        )
        with pytest.warns(UserWarning, match="two"):
            other.load_weights(path, skip_mismatch=True)
        np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
        third = self.made()
        before = third.get_weights()
        third.load_weights(path, objects_to_skip=[third.layers[0]])
        same_now = [np.array_equal(a, b) for a, b in zip(third.get_weights(), before, strict=True)]
        assert same_now == [True, True, False, True]  # the last is a bias of zeros

    def test_by_name_is_of_old_files(self, tmp_path: Path) -> None:
        model = self.made()
        model.save_weights(tmp_path / "w.weights.h5")
        with pytest.raises(ValueError, match="by_name"):
            model.load_weights(tmp_path / "w.weights.h5", by_name=True)


def node(name: str, class_name: str, inbound: list[Any], **config: Any) -> dict[str, Any]:
    """A layer of a functional model, as Keras 1 and 2 wrote it."""
    entry = layer(class_name, name=name, **config)
    return {**entry, "name": name, "inbound_nodes": inbound}


def graph(outputs: list[Any], *nodes: dict[str, Any]) -> dict[str, Any]:
    inputs = [[n["name"], 0, 0] for n in nodes if n["class_name"] == "InputLayer"]
    config = {"name": "m", "layers": list(nodes), "input_layers": inputs, "output_layers": outputs}
    return {"class_name": "Model", "config": config}


class TestGraphs:
    def test_states_given_and_returned(self, tmp_path: Path) -> None:
        """Called with a list, as Keras 2 calls recurrent layers that get states."""
        whole = graph(
            [["d", 0, 0]],
            node("x", "InputLayer", [], batch_input_shape=[None, None, 2], dtype="float32",
                 sparse=False),
            node("s", "InputLayer", [], batch_input_shape=[None, 3], dtype="float32"),
            node("l", "LSTM", [[["x", 0, 0, {}], ["s", 0, 0, {}], ["s", 0, 0, {}]]], units=3,
                 recurrent_activation="hard_sigmoid", return_state=True, time_major=False),
            node("c", "Concatenate", [[["l", 0, 0, {}], ["l", 0, 2, {}]]], axis=-1),
            node("d", "Dense", [[["c", 0, 0, {}]]], units=2),
        )  # fmt: skip
        weights = {
            "l": random_arrays(**{k.replace("it", "l"): v for k, v in LSTM.items()}),
            "d": random_arrays(d__kernel=(6, 2), d__bias=(2,)),
        }
        model = load_model(write_model(tmp_path / "m.h5", whole, weights))
        cell = layers.LSTM(3, recurrent_activation="hard_sigmoid_keras2", return_state=True)
        cell.build(X.shape)
        cell.set_weights(list(weights["l"].values()))
        start = np.random.default_rng(2).normal(size=(3, 3)).astype(np.float32)
        h, _, c = (state.numpy() for state in cell(X, initial_state=[start, start]))
        kernel, bias = weights["d"].values()
        expected = np.concatenate([h, c], axis=-1) @ kernel + bias
        np.testing.assert_allclose(model.predict([X, start], verbose=0), expected, atol=1e-5)

    def test_a_shared_layer(self, tmp_path: Path) -> None:
        whole = graph(
            [["a", 0, 0]],
            node("x", "InputLayer", [], batch_input_shape=[None, 2]),
            node("d", "Dense", [[["x", 0, 0, {}]], [["d", 0, 0, {}]]], units=2),
            node("a", "Add", [[["d", 0, 0, {}], ["d", 1, 0, {}]]]),
        )
        arrays = random_arrays(d__kernel=(2, 2), d__bias=(2,))
        model = load_model(write_model(tmp_path / "m.h5", whole, {"d": arrays}))
        kernel, bias = arrays.values()
        x = X[:, 0]
        once = x @ kernel + bias
        expected = once + (once @ kernel + bias)
        np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [
            ("sum", lambda x: x + x), ("mul", lambda x: x * x), ("ave", lambda x: x),
            ("max", lambda x: x), ("concat", lambda x: np.concatenate([x, x], axis=-1)),
        ],
    )  # fmt: skip
    def test_merge_of_keras_1(self, tmp_path: Path, mode: str, expected: Any) -> None:
        whole = graph(
            [["m", 0, 0]],
            node("x", "InputLayer", [], batch_input_shape=[None, 2], input_dtype="float32",
                 sparse=False),
            node("m", "Merge", [[["x", 0, 0], ["x", 0, 0]]], mode=mode, concat_axis=-1,
                 dot_axes=-1, mode_type="raw", output_shape=None),
        )  # fmt: skip
        model = load_model(write_model(tmp_path / "m.h5", whole, {}, "1.2.2"))
        x = X[:, 0]
        np.testing.assert_allclose(model.predict(x, verbose=0), expected(x), rtol=1e-6)

    @pytest.mark.parametrize(
        "inbound", [3, [[]], [3], [[["x", 0]]], [[["x", 9, 0, {}]]], [[["y", 0, 0, {}]]],
                    [[["d", 0, 0, {}]]]]
    )  # fmt: skip
    def test_connections_that_lead_nowhere(self, tmp_path: Path, inbound: Any) -> None:
        whole = graph(
            [["d", 0, 0]],
            node("x", "InputLayer", [], batch_input_shape=[None, 2]),
            node("d", "Dense", inbound, units=2),
        )
        arrays = random_arrays(d__kernel=(2, 2), d__bias=(2,))
        with pytest.raises(ValueError, match="d"):
            load_model(write_model(tmp_path / "m.h5", whole, {"d": arrays}))


def test_keras_files_of_tf_keras(tmp_path: Path) -> None:
    """The last versions of Keras 2 wrote ``.keras`` too, in their own words."""
    model = models.Sequential(
        [
            layers.Input((None, 2)),
            layers.LSTM(3, recurrent_activation="hard_sigmoid_keras2", name="words"),
            layers.Dense(1, name="classes"),
        ]
    )
    model.compile(optimizers.SGD(0.5), "mse")
    model.save(tmp_path / "m.keras")
    parts = members(tmp_path / "m.keras")
    config = json.loads(parts["config.json"])
    entry = layer_config(config, "words")["config"]
    entry |= {"recurrent_activation": "hard_sigmoid", "time_major": False, "implementation": 2}
    first = config["config"]["layers"][0]["config"]
    first["batch_input_shape"] = first.pop("batch_shape")
    old = {"learning_rate": 0.5, "jit_compile": True, "is_legacy_optimizer": False}
    config["compile_config"] = {
        "optimizer": {"module": "keras.optimizers", "class_name": "SGD", "config": old},
        "loss": {
            "module": "keras.losses",
            "class_name": "MeanSquaredError",
            "config": {"reduction": "auto", "name": "mean_squared_error"},
        },
        "metrics": None,
        "jit_compile": None,
    }
    parts["config.json"] = json.dumps(config).encode()
    parts["metadata.json"] = b'{"keras_version": "2.15.0"}'
    again = load_model(write(tmp_path / "old.keras", parts))
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert float(again.optimizer.learning_rate) == 0.5
    again.train_on_batch(X, np.ones((3, 1)))


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

"""``.h5`` files of Keras 1, 2 and tf.keras: what their words and arrays mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gatework import layers, models
from gatework.saving import load_model

from tests.saving.hostile import same
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

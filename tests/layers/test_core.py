"""Dense, Embedding, Activation, Masking, Flatten, Reshape, dropout, Input: values and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import GradientTape, activations, ops
from gatework.layers import (
    Activation,
    Dense,
    Dropout,
    EinsumDense,
    Embedding,
    Flatten,
    Input,
    InputLayer,
    Masking,
    Reshape,
    SpatialDropout1D,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 3)).astype(np.float32)
IDS = np.array([[1, 2, 0], [0, 3, 3]])


class TestDense:
    @pytest.mark.parametrize("x", [X, X[0], X[None]], ids=["3d", "2d", "4d"])
    @pytest.mark.parametrize("use_bias", [True, False])
    def test_values(self, x: np.ndarray, use_bias: bool) -> None:
        layer = Dense(4, activation="tanh", use_bias=use_bias, bias_initializer="ones")
        expected = np.tanh(x @ layer_kernel(layer, x) + float(use_bias))
        np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-5, atol=1e-6)
        assert len(layer.weights) == 1 + use_bias

    @pytest.mark.parametrize("name", ["softmax", "gelu", "log_softmax", "sigmoid", "linear"])
    def test_activations_equal_those_applied_afterwards(self, name: str) -> None:
        layer = Dense(4, activation=name)
        plain = X @ layer_kernel(layer, X)
        expected = activations.get(name)(plain).numpy()
        np.testing.assert_allclose(layer(X).numpy(), expected, rtol=1e-5, atol=1e-6)

    def test_a_function_as_activation(self) -> None:
        layer = Dense(4, activation=lambda x: ops.square(x))
        expected = (X @ layer_kernel(layer, X)) ** 2
        np.testing.assert_allclose(layer(X).numpy(), expected, rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize(
        "layer", [Dense(4, "glu"), EinsumDense("bti,ij->btj", (None, 4), "glu"), Activation("glu")]
    )
    def test_glu_halves_the_last_axis(self, layer: Any) -> None:
        x = np.ones((2, 3, 4), np.float32)
        assert layer.compute_output_shape(x.shape) == layer(x).shape == (2, 3, 2)

    def test_an_empty_batch(self) -> None:
        assert Dense(4)(np.zeros((0, 3), np.float32)).shape == (0, 4)

    @pytest.mark.parametrize("units", [0, -1, 2.5, "3", True, None])
    def test_units(self, units: Any) -> None:
        with pytest.raises(ValueError, match="units must be a positive integer, not"):
            Dense(units)

    def test_weights_before_it_is_built(self) -> None:
        layer = Dense(2, name="head")
        with pytest.raises(ValueError, match="0 arrays, not 1: head is not built; call it on data"):
            layer.set_weights([np.zeros((3, 2))])

    def test_a_number_as_regularizer(self) -> None:
        with pytest.raises(ValueError, match=r"not 0.01; write regularizers.L2\(0.01\)"):
            Dense(2, kernel_regularizer=0.01)

    def test_unknown_names(self) -> None:
        with pytest.raises(ValueError, match=r"'rellu'.*nearest.*'relu'"):
            Dense(2, activation="rellu")
        with pytest.raises(ValueError, match=r"'glorot_unifrm'.*nearest.*'glorot_uniform'"):
            Dense(2, kernel_initializer="glorot_unifrm")

    def test_unknown_features(self) -> None:
        with pytest.raises(ValueError, match="must be known, not None"):
            Dense(2).build((None, None))

    def test_shape(self) -> None:
        assert Dense(4).compute_output_shape((None, 7, 3)) == (None, 7, 4)


def layer_kernel(layer: Dense, x: np.ndarray) -> np.ndarray:
    """The kernel of the layer, built for x."""
    layer.build(x.shape)
    kernel: np.ndarray = layer.kernel.numpy()
    return kernel


class TestEmbedding:
    def test_values_and_gradient(self) -> None:
        layer = Embedding(4, 2)
        with GradientTape() as tape:
            out = layer(IDS)
        np.testing.assert_array_equal(out.numpy(), layer.embeddings.numpy()[IDS])
        gradient = np.asarray(tape.gradient(out, layer.embeddings))
        np.testing.assert_array_equal(gradient[:, 0], np.bincount(IDS.reshape(-1), minlength=4))

    def test_initial_values(self) -> None:
        layer = Embedding(400, 50)
        layer.build((None, None))
        table = layer.embeddings.numpy()
        assert np.abs(table).max() <= 0.05
        assert abs(table.mean()) < 1e-3

    def test_mask(self) -> None:
        assert Embedding(4, 2)(IDS)._keras_mask is None
        mask = Embedding(4, 2, mask_zero=True)(IDS)._keras_mask
        np.testing.assert_array_equal(np.asarray(mask), IDS != 0)

    @pytest.mark.parametrize("bad", [4, -1, 2**31, 2**62])
    def test_ids_out_of_range(self, bad: int) -> None:
        ids = IDS.astype(np.int64)
        ids[1, 2] = bad
        with pytest.raises(ValueError, match=rf"must be in \[0, 4\), not {bad}"):
            Embedding(4, 2)(ids)

    @pytest.mark.parametrize("bad", [1.5, np.nan, np.inf])
    def test_ids_that_are_not_whole(self, bad: float) -> None:
        with pytest.raises(ValueError, match="must be whole numbers, not"):
            Embedding(4, 2)(np.array([[1.0, bad]]))

    def test_input_length_of_older_programs(self) -> None:
        layer = Embedding(input_dim=4, output_dim=2, input_length=3)
        assert layer(IDS).shape == (2, 3, 2)
        assert layer(IDS[:, :2]).shape == (2, 2, 2)
        assert "input_length" not in layer.get_config()

    @pytest.mark.parametrize("argument", ["input_dim", "output_dim"])
    def test_sizes(self, argument: str) -> None:
        with pytest.raises(ValueError, match=f"{argument} must be a positive integer, not 0"):
            Embedding(**{"input_dim": 4, "output_dim": 2, argument: 0})


class TestMasking:
    def test_steps_of_one_value(self) -> None:
        x = X.copy()
        x[0, 3:] = 9.0
        x[1, 0, 0] = 9.0  # one feature only: the step stays
        out = Masking(9.0)(x)
        expected = np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], bool)
        np.testing.assert_array_equal(np.asarray(out._keras_mask), expected)
        np.testing.assert_array_equal(out.numpy(), x * expected[..., None])

    @pytest.mark.parametrize("value", [0.1, np.float64(0.1), np.float32(0.1)])
    def test_a_value_that_float32_rounds(self, value: Any) -> None:
        x = np.full((1, 2, 3), 0.1, np.float32)
        x[0, 0] = 1
        mask = Masking(value)(x)._keras_mask
        np.testing.assert_array_equal(np.asarray(mask), [[True, False]])


class TestShapes:
    def test_flatten(self) -> None:
        np.testing.assert_array_equal(Flatten()(X).numpy(), X.reshape(2, 15))
        assert Flatten()(np.ones(3, np.float32)).shape == (3, 1)
        assert Flatten()(np.zeros((0, 2, 3), np.float32)).shape == (0, 6)
        assert Flatten().compute_output_shape((None, 2, 3)) == (None, 6)
        assert Flatten().compute_output_shape((None, None, 3)) == (None, None)
        with pytest.raises(ValueError, match="data_format must be"):
            Flatten(data_format="channels")

    @pytest.mark.parametrize(
        ("target", "shape"), [((15,), (2, 15)), ((3, -1), (2, 3, 5)), ((-1,), (2, 15))]
    )
    def test_reshape(self, target: Any, shape: Any) -> None:
        np.testing.assert_array_equal(Reshape(target)(X).numpy(), X.reshape(shape))
        assert Reshape(target).compute_output_shape((None, 5, 3)) == (None, *shape[1:])

    def test_reshape_of_unknown_sizes(self) -> None:
        assert Reshape((-1, 2)).compute_output_shape((None, None, 4)) == (None, None, 2)

    @pytest.mark.parametrize("target", [(4, 4), (-1, 2)])
    def test_reshape_to_another_size(self, target: Any) -> None:
        with pytest.raises(ValueError, match="must hold 15 values"):
            Reshape(target)(X)
        with pytest.raises(ValueError, match="must hold 15 values"):
            Reshape(target)(Input((5, 3)))

    def test_reshape_with_two_unknowns(self) -> None:
        with pytest.raises(ValueError, match="target_shape must have at most one -1"):
            Reshape((-1, -1))


class TestActivation:
    @pytest.mark.parametrize("given", ["relu", activations.relu])
    def test_values(self, given: Any) -> None:
        layer = Activation(given)
        np.testing.assert_array_equal(layer(X).numpy(), np.maximum(X, 0))
        assert layer.get_config()["activation"] == "relu"

    def test_passes_masks(self) -> None:
        out = Activation("tanh")(Embedding(4, 2, mask_zero=True)(IDS))
        np.testing.assert_array_equal(np.asarray(out._keras_mask), IDS != 0)


class TestDropout:
    def test_only_in_training(self) -> None:
        for layer in (Dropout(0.5), SpatialDropout1D(0.5)):
            np.testing.assert_array_equal(layer(X).numpy(), X)
            np.testing.assert_array_equal(layer(X, training=False).numpy(), X)

    def test_share_and_scale(self) -> None:
        x = np.ones((200, 100), np.float32)
        y = Dropout(0.3, seed=1)(x, training=True).numpy()
        assert set(np.unique(y)) <= {np.float32(0), np.float32(1 / 0.7)}
        # 20 000 draws: six standard deviations.
        assert abs((y == 0).mean() - 0.3) < 6 * np.sqrt(0.3 * 0.7 / y.size)

    def test_whole_features(self) -> None:
        x = np.ones((50, 7, 40), np.float32)
        y = SpatialDropout1D(0.25, seed=1)(x, training=True).numpy()
        np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
        assert abs((y[:, 0] == 0).mean() - 0.25) < 6 * np.sqrt(0.25 * 0.75 / 2000)

    def test_noise_shape(self) -> None:
        x = np.ones((50, 7, 40), np.float32)
        y = Dropout(0.5, noise_shape=(None, 1, None), seed=1)(x, training=True).numpy()
        np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
        assert 0 < (y == 0).mean() < 1

    def test_seeds(self) -> None:
        one, other = Dropout(0.5, seed=3), Dropout(0.5, seed=3)
        first = one(X, training=True).numpy()
        np.testing.assert_array_equal(other(X, training=True).numpy(), first)
        assert (one(X, training=True).numpy() != first).any()

    def test_gradient_uses_the_same_mask(self) -> None:
        x = ops.convert_to_tensor(X)
        with GradientTape() as tape:
            tape.watch(x)
            y = Dropout(0.5, seed=3)(x, training=True)
        np.testing.assert_allclose(np.asarray(tape.gradient(y, x)) * X, y.numpy(), rtol=1e-6)

    def test_everything(self) -> None:
        np.testing.assert_array_equal(Dropout(1.0)(X, training=True).numpy(), np.zeros_like(X))

    @pytest.mark.parametrize("rate", [-0.1, 1.1, np.nan, "0.5", True, None])
    def test_rates(self, rate: Any) -> None:
        with pytest.raises(ValueError, match=r"rate must be in \[0, 1\], not"):
            Dropout(rate)

    def test_a_rate_of_numpy(self) -> None:
        assert Dropout(np.float32(0.5)).get_config()["rate"] == 0.5


class TestInput:
    def test_shapes(self) -> None:
        assert Input((3,)).shape == (None, 3)
        assert Input((None, 3), batch_size=2).shape == (2, None, 3)
        assert Input(batch_shape=(2, 3)).shape == (2, 3)
        assert Input((3,), dtype="int32").dtype == "int32"

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({}, "one of shape and batch_shape must be given"),
            ({"shape": (3,), "batch_shape": (2, 3)}, "one of shape and batch_shape"),
            ({"batch_shape": (2, 3), "batch_size": 2}, "batch_size must not be given"),
            ({"shape": (-3,)}, "shape must hold whole numbers or None, not -3"),
            ({"shape": (2.5,)}, "shape must hold whole numbers or None, not 2.5"),
            ({"shape": (3,), "sparse": True}, "sparse must not be set"),
        ],
    )
    def test_refused(self, given: Any, sentence: str) -> None:
        with pytest.raises(ValueError, match=sentence):
            InputLayer(**given)


LAYERS = [
    Dense(3, activation="relu", use_bias=False, kernel_constraint="non_neg", name="a"),
    Embedding(4, 2, mask_zero=True, embeddings_regularizer="l2", name="b"),
    Activation("gelu", name="c"),
    Masking(2.5, name="d"),
    Flatten(name="e"),
    Reshape((3, -1), name="f"),
    Dropout(0.5, noise_shape=(None, 1), seed=2, name="g"),
    SpatialDropout1D(0.25, seed=2, name="h"),
    InputLayer((4, None), dtype="int32", name="i"),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_config_round_trip(layer: Any) -> None:
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.name == layer.name

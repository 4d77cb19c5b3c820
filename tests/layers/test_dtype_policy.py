"""mixed_bfloat16: which layers take it, that it reaches their products, and that training holds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gatework as gw
import numpy as np
import pytest
from gatework import layers, ops
from gatework.ops.precision import precision
from gatework.reference import round_bfloat16


@pytest.fixture(autouse=True)
def float32_afterwards() -> Iterator[None]:
    yield
    gw.mixed_precision.set_global_policy("float32")


def test_layers_take_the_global_policy_or_their_own() -> None:
    assert layers.Dense(2).dtype_policy.name == "float32"
    gw.mixed_precision.set_global_policy("mixed_bfloat16")
    assert gw.config.dtype_policy() == gw.DTypePolicy("mixed_bfloat16")
    layer = layers.LSTM(3)
    assert (layer.compute_dtype, layer.variable_dtype) == ("bfloat16", "float32")
    assert layers.Dense(2, dtype="float32").compute_dtype == "float32"


@pytest.mark.parametrize("dtype", ["mixed_float16", "bfloat16", "float64", 7, {"config": {}}])
def test_other_dtypes_are_refused_by_name(dtype: Any) -> None:
    with pytest.raises(ValueError, match="dtype must be 'float32' or 'mixed_bfloat16', not"):
        layers.Dense(2, dtype=dtype)
    with pytest.raises(ValueError, match="must be 'float32'"):
        gw.config.set_floatx("float16")


def test_dense_multiplies_rounded_operands_both_ways() -> None:
    rng = np.random.default_rng(0)
    x, dy = (rng.standard_normal((5, n)).astype(np.float32) for n in (7, 3))
    layer = layers.Dense(3, dtype="mixed_bfloat16")
    with gw.GradientTape() as tape:
        inputs = gw.Tensor(x)
        tape.watch(inputs)
        y = layer(inputs)
    dx, dkernel = tape.gradient(y, [inputs, layer.kernel], output_gradients=dy)
    kernel = round_bfloat16(layer.kernel.numpy())
    np.testing.assert_allclose(y.numpy(), round_bfloat16(x) @ kernel, atol=1e-6)
    np.testing.assert_allclose(dx, round_bfloat16(dy) @ kernel.T, atol=1e-6)
    np.testing.assert_allclose(dkernel, round_bfloat16(x).T @ round_bfloat16(dy), atol=1e-6)
    assert y.dtype == "float32"


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.EinsumDense("abc,cd->abd", output_shape=(None, 4)), (2, 3, 5)),
        (layers.Conv1D(4, 3), (2, 8, 5)),
        (layers.Conv1D(4, 3, dilation_rate=2), (2, 8, 5)),
        (layers.GRU(4), (2, 6, 5)),
        (layers.Bidirectional(layers.LSTM(4)), (2, 6, 5)),
        (layers.TimeDistributed(layers.Dense(4)), (2, 3, 5)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_product_of_a_layer_is_reached(layer: Any, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    exact = layer(x).numpy()
    for part in layer._flatten_layers():
        part.dtype_policy = "mixed_bfloat16"
    rounded = layer(x).numpy()
    assert 1e-6 < np.abs(rounded - exact).max() < 0.1


def test_a_float32_layer_inside_computes_in_float32() -> None:
    seen = []

    class Inner(layers.Layer):
        def call(self, inputs: Any) -> Any:
            seen.append(precision.bf16)
            return inputs

    class Outer(layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.inner = Inner(dtype="float32")

        def call(self, inputs: Any) -> Any:
            seen.append(precision.bf16)
            outputs = self.inner(inputs)
            seen.append(precision.bf16)
            return outputs

    Outer(dtype="mixed_bfloat16")(np.ones((1, 2), np.float32))
    assert seen == [True, False, True]
    assert not precision.bf16


def test_an_error_in_a_layer_does_not_leave_the_policy_on() -> None:
    class Failing(layers.Layer):
        def call(self, inputs: Any) -> Any:
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        Failing(dtype="mixed_bfloat16")(np.ones((1, 2), np.float32))
    assert not precision.bf16
    x = np.float32([[1 + 2.0**-12]])
    np.testing.assert_array_equal(ops.matmul(x, np.ones((1, 1), np.float32)).numpy(), x)


def test_policies_survive_saving(tmp_path: Path) -> None:
    model = gw.Sequential(
        [layers.Input((4, 3)), layers.LSTM(5, dtype="mixed_bfloat16"), layers.Dense(2)]
    )
    model.save(tmp_path / "model.keras")
    loaded = gw.models.load_model(tmp_path / "model.keras")
    names = [layer.dtype_policy.name for layer in loaded.layers]
    assert names == ["mixed_bfloat16", "float32"]
    x = np.random.default_rng(2).standard_normal((3, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(model.predict(x, verbose=0), loaded.predict(x, verbose=0))


def test_streams_and_prediction_agree() -> None:
    layer = layers.LSTM(20, return_sequences=True, dtype="mixed_bfloat16")
    x = np.random.default_rng(3).standard_normal((1, 9, 6)).astype(np.float32)
    whole = layer(x).numpy()
    stream = layer.stream()
    steps = np.stack([stream.step(x[:, t]) for t in range(9)], axis=1)
    np.testing.assert_allclose(steps, whole, atol=1e-6)


def test_training_ends_where_float32_does() -> None:
    """The same data, initial weights and order: the losses of the last epoch are within 2 %."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((256, 12, 5)).astype(np.float32)
    y = (x[:, :, 0].cumsum(1).max(1) > 1.5).astype(np.float32)
    losses = []
    for policy in ("float32", "mixed_bfloat16"):
        gw.mixed_precision.set_global_policy(policy)
        gw.utils.set_random_seed(5)
        model = gw.Sequential([layers.LSTM(24), layers.Dense(1, activation="sigmoid")])
        model.compile(gw.optimizers.Adam(0.01), "binary_crossentropy")
        losses.append(model.fit(x, y, epochs=4, verbose=0).history["loss"][-1])
    assert losses[0] < 0.6
    assert losses[1] == pytest.approx(losses[0], rel=0.02)

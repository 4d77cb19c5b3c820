"""Calling a layer: inputs, training, masks, losses, symbolic tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gatework import GradientTape, Tensor, ops
from gatework.layers import Dense, Dropout, Input, Layer

from tests.layers.small_layers import Block, Scale, X


class TestCalling:
    @pytest.mark.parametrize(
        "x", [X, X.astype(np.float64), X.astype(">f4"), X.tolist(), Tensor(X), X[::-1][::-1]]
    )
    def test_inputs_of_any_kind(self, x: Any) -> None:
        out = Scale()(x)
        assert isinstance(out, Tensor)
        assert out.dtype == "float32"
        np.testing.assert_array_equal(out.numpy(), X)

    def test_by_keyword(self) -> None:
        np.testing.assert_array_equal(Scale()(inputs=X).numpy(), X)

    def test_without_inputs(self) -> None:
        with pytest.raises(ValueError, match="must be called with inputs"):
            Scale()()

    def test_structures_of_inputs(self) -> None:
        class Sum(Layer):
            def call(self, inputs: Any) -> Any:
                return inputs["a"] + inputs["b"][0]

        np.testing.assert_array_equal(Sum()({"a": X, "b": [X]}).numpy(), 2 * X)

    def test_call_is_missing(self) -> None:
        with pytest.raises(NotImplementedError, match=r"Layer must implement call\(inputs\)"):
            Layer()(X)

    def test_training_is_inherited(self) -> None:
        seen: list[Any] = []

        class Inner(Layer):
            def call(self, inputs: Any, training: Any = None) -> Any:
                seen.append(training)
                return inputs

        class Outer(Layer):
            def __init__(self) -> None:
                super().__init__()
                self.inner = Inner()

            def call(self, inputs: Any) -> Any:
                return self.inner(self.inner(inputs), training=False)

        outer = Outer()
        outer(X)
        outer(X, training=True)
        assert seen == [False, False, True, False]

    def test_training_ends_with_an_exception(self) -> None:
        class Failing(Layer):
            def call(self, inputs: Any, training: Any = None) -> Any:
                raise KeyError("inside")

        with pytest.raises(KeyError):
            Failing()(X, training=True)
        np.testing.assert_array_equal(Dropout(0.9)(X).numpy(), X)

    def test_gradients_reach_weights(self) -> None:
        block = Block()
        with GradientTape() as tape:
            loss = ops.sum(block(X))
        assert all(g is not None for g in tape.gradient(loss, block.trainable_weights))


class TestMasks:
    MASK = np.array([[True, False, True], [False, True, True]])

    class Plain(Layer):
        def call(self, inputs: Any) -> Any:
            return inputs * 1.0

    class Passing(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.supports_masking = True

    class Using(Plain):
        def call(self, inputs: Any, mask: Any = None) -> Any:
            self.seen = mask
            return inputs * 1.0

    def masked(self) -> Tensor:
        x = Tensor(X)
        x._keras_mask = self.MASK
        return x

    def test_goes_on_where_it_is_supported(self) -> None:
        np.testing.assert_array_equal(self.Passing()(self.masked())._keras_mask, self.MASK)
        assert self.Plain()(self.masked())._keras_mask is None

    def test_reaches_the_call(self) -> None:
        layer = self.Using()
        layer(self.masked())
        np.testing.assert_array_equal(layer.seen, self.MASK)
        layer(X)
        assert layer.seen is None

    def test_the_one_given_wins(self) -> None:
        layer = self.Using()
        layer(self.masked(), mask=~self.MASK)
        np.testing.assert_array_equal(layer.seen, ~self.MASK)

    def test_given_to_a_layer_that_does_not_use_it(self) -> None:
        out = self.Passing()(X, mask=self.MASK)
        np.testing.assert_array_equal(out._keras_mask, self.MASK)
        assert self.Plain()(X, mask=None)._keras_mask is None


class TestLosses:
    def test_added_in_the_call(self) -> None:
        class Penalised(Layer):
            def call(self, inputs: Any) -> Any:
                self.add_loss(ops.sum(inputs))
                return inputs

        layer = Penalised()
        for _ in range(2):  # those of the call before are gone
            layer(X)
            assert [float(loss) for loss in layer.losses] == [15.0]
        with pytest.raises(ValueError, match=r"loss must be a scalar, not of shape \(2, 3\)"):
            layer.add_loss(X)

    def test_regularizers(self) -> None:
        layer = Dense(1, kernel_regularizer="l2", kernel_initializer="ones")
        layer(X)
        assert float(layer.losses[0]) == pytest.approx(0.03)
        layer.trainable = False
        assert layer.losses == []

    def test_looking_for_a_shape_leaves_none(self) -> None:
        class Penalised(Layer):
            def call(self, inputs: Any) -> Any:
                self.add_loss(ops.sum(inputs))
                return inputs

        layer = Penalised()
        assert layer(Input((3,))).shape == (None, 3)
        assert layer.losses == []


class TestSymbolic:
    def test_shape_of_a_call_nobody_described(self) -> None:
        class Tail(Layer):
            def call(self, inputs: Any) -> Any:
                return ops.concatenate([inputs, inputs], axis=-1)[:, 1:]

        assert Tail()(Input((None, 3))).shape == (None, None, 6)
        assert Tail()(Input((5, 3))).shape == (None, 4, 6)

    def test_has_no_value(self) -> None:
        symbolic = Dense(2)(Input((3,)))
        with pytest.raises(TypeError, match="has no value yet"):
            np.asarray(symbolic)
        with pytest.raises(TypeError, match="has no value yet"):
            bool(symbolic)

"""What belongs to a layer: sublayers, weights, what is trained, building."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from gatework import Variable
from gatework.layers import Dense, Embedding, Layer

from tests.layers.small_layers import Block, Scale, X


class TestTracking:
    def test_own_weights_come_before_those_of_sublayers(self) -> None:
        block = Block()
        block(X)
        assert [w.name for w in block.weights] == ["shift", "kernel", "bias", "kernel", "bias"]
        assert [w.shape for w in block.weights] == [(2,), (3, 4), (4,), (4, 2), (2,)]
        assert block.variables == block.weights or len(block.variables) == 5

    def test_a_layer_held_twice_counts_once(self) -> None:
        class Shared(Layer):
            def __init__(self) -> None:
                super().__init__()
                self.one = Dense(3)
                self.again = self.one

            def call(self, inputs: Any) -> Any:
                return self.again(self.one(inputs))

        layer = Shared()
        layer(X)
        assert len(layer.weights) == 2
        assert len(layer.trainable_weights) == 2

    @pytest.mark.parametrize("container", ["list", "tuple", "dict", "nested"])
    def test_containers(self, container: str) -> None:
        class Holder(Layer):
            def __init__(self) -> None:
                super().__init__()
                parts = [Dense(2), Dense(2)]
                self.parts: Any = {
                    "list": parts,
                    "tuple": tuple(parts),
                    "dict": {"a": parts[0], 1: parts[1]},
                    "nested": [[parts[0]], {"b": (parts[1],)}],
                }[container]
                self.order = parts

            def call(self, inputs: Any) -> Any:
                for part in self.order:
                    inputs = part(inputs)
                return inputs

        holder = Holder()
        holder(X)
        assert len(holder.weights) == 4

    def test_a_list_filled_after_it_was_assigned(self) -> None:
        class Stack(Layer):
            def __init__(self) -> None:
                super().__init__()
                self.blocks: list[Layer] = []
                for _ in range(3):
                    self.blocks.append(Dense(3))

            def call(self, inputs: Any) -> Any:
                for block in self.blocks:
                    inputs = block(inputs)
                return inputs

        stack = Stack()
        stack(X)
        assert len(stack.weights) == 6
        stack.trainable = False
        assert not any(block.trainable for block in stack.blocks)

    def test_an_assigned_variable_is_a_weight(self) -> None:
        layer = Layer()
        layer.table = Variable(np.ones(3), name="table")
        layer.count = Variable(np.zeros(()), trainable=False, name="count")
        assert [w.name for w in layer.trainable_weights] == ["table"]
        assert [w.name for w in layer.non_trainable_weights] == ["count"]

    def test_forgotten_super_init(self) -> None:
        class Forgetful(Layer):
            def __init__(self) -> None:
                self.inner = Dense(1)

        with pytest.raises(RuntimeError, match=r"super\(\).__init__\(\) must be called in Forget"):
            Forgetful()


class TestTrainable:
    def test_reaches_sublayers(self) -> None:
        block = Block()
        block(X)
        block.trainable = False
        assert block.trainable_weights == []
        assert len(block.non_trainable_weights) == 5
        assert not block.first.trainable

    def test_one_sublayer(self) -> None:
        block = Block()
        block(X)
        block.first.trainable = False
        assert [w.shape for w in block.trainable_weights] == [(2,), (4, 2), (2,)]
        assert len(block.weights) == 5

    def test_given_to_the_constructor(self) -> None:
        layer = Dense(2, trainable=False)
        layer(X)
        assert layer.trainable_weights == []
        assert layer.get_config()["trainable"] is False


class TestWeights:
    def test_get_and_set(self) -> None:
        one, other = Dense(2), Dense(2)
        one(X), other(X)
        other.set_weights(one.get_weights())
        np.testing.assert_array_equal(one(X).numpy(), other(X).numpy())

    def test_what_is_returned_is_a_copy(self) -> None:
        layer = Dense(2)
        layer(X)
        layer.get_weights()[0][...] = 7
        assert not (layer.kernel.numpy() == 7).any()

    @pytest.mark.parametrize(
        ("weights", "sentence"),
        [
            ([np.ones((3, 2))], "must be 2 arrays, not 1"),
            ([np.ones((3, 2)), np.ones(3)], r"must have shape \(2,\), not \(3,\)"),
            ([np.ones((3, 2)), np.array(["a", "b"])], "must be an array of numbers"),
        ],
    )
    def test_nothing_changes_when_one_does_not_fit(self, weights: Any, sentence: str) -> None:
        layer = Dense(2)
        layer(X)
        before = layer.get_weights()
        with pytest.raises((ValueError, TypeError), match=sentence):
            layer.set_weights(weights)
        for now, then in zip(layer.get_weights(), before, strict=True):
            np.testing.assert_array_equal(now, then)

    def test_own_variables_in_a_store(self) -> None:
        one, other = Dense(2), Dense(2)
        one(X), other(X)
        store: dict[str, Any] = {}
        one.save_own_variables(store)
        assert list(store) == ["0", "1"]
        other.load_own_variables(store)
        np.testing.assert_array_equal(one.kernel.numpy(), other.kernel.numpy())

    def test_a_store_that_does_not_fit_changes_nothing(self) -> None:
        layer = Dense(2)
        layer(X)
        before = layer.get_weights()
        with pytest.raises(ValueError, match=r"must have shape \(2,\), not \(5,\)"):
            layer.load_own_variables({"0": np.ones((3, 2)), "1": np.ones(5)})
        with pytest.raises(ValueError, match=f"'{layer.name}' must get 2 weights, not 1"):
            layer.load_own_variables({"0": np.ones((3, 2))})
        for now, then in zip(layer.get_weights(), before, strict=True):
            np.testing.assert_array_equal(now, then)

    def test_count_params(self) -> None:
        layer = Dense(4)
        with pytest.raises(ValueError, match="must be built to count its parameters"):
            layer.count_params()
        layer(X)
        assert layer.count_params() == 3 * 4 + 4

    def test_add_weight_defaults(self) -> None:
        layer = Layer()
        weight = layer.add_weight((3, 5))
        assert weight.dtype == "float32"
        assert weight.trainable
        assert np.abs(weight.numpy()).max() <= np.sqrt(6 / 8)  # glorot_uniform
        assert layer.add_weight(shape=4, initializer="ones").shape == (4,)
        assert layer.add_weight(initializer="zeros").shape == ()
        assert layer.add_weight((2,), dtype="int32").numpy().tolist() == [0, 0]


class TestBuilding:
    def test_on_the_first_call(self) -> None:
        layer = Scale()
        assert not layer.built
        np.testing.assert_array_equal(layer(X).numpy(), X)
        assert layer.built
        assert layer.get_build_config() == {"input_shape": (2, 3)}

    def test_directly(self) -> None:
        layer = Scale()
        layer.build((None, 3))
        assert layer.built
        assert layer.get_build_config() == {"input_shape": (None, 3)}
        layer(X)
        assert len(layer.weights) == 1

    def test_from_a_build_config(self) -> None:
        layer = Dense(2)
        layer.build_from_config({"input_shape": [None, 3]})
        assert layer.kernel.shape == (3, 2)

    @pytest.mark.parametrize("directly", [False, True])
    def test_given_weights(self, directly: bool) -> None:
        table = np.arange(8.0).reshape(4, 2)
        layer = Embedding(4, 2, weights=[table])
        if directly:
            layer.build((None, None))
        np.testing.assert_array_equal(layer(np.array([[3]])).numpy(), table[None, 3:])

    def test_once_from_many_threads(self) -> None:
        layer, failures = Dense(8), []
        gate = threading.Barrier(8)

        def call() -> None:
            gate.wait()
            try:
                layer(X)
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=call) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(layer.weights) == 2

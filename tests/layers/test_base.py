"""Layer: what belongs to it, building, calling, masks, losses, configurations, errors."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from gatework import GradientTape, Tensor, Variable, ops
from gatework.layers import LSTM, Dense, Dropout, Embedding, Input, Layer

X = np.arange(6, dtype=np.float32).reshape(2, 3)


class Scale(Layer):
    """x * factor, the factor a weight."""

    def build(self, input_shape: Any) -> None:
        self.factor = self.add_weight((input_shape[-1],), initializer="ones", name="factor")

    def call(self, inputs: Any) -> Any:
        return inputs * self.factor


class Block(Layer):
    """Two Dense layers and a weight of its own, made after them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first = Dense(4)
        self.second = Dense(2)

    def build(self, input_shape: Any) -> None:
        self.shift = self.add_weight((2,), initializer="zeros", name="shift")

    def call(self, inputs: Any) -> Any:
        return self.second(self.first(inputs)) + self.shift


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


class TestConfiguration:
    def test_round_trip(self) -> None:
        layer = Dense(3, activation="relu", name="mine", activity_regularizer="l1")
        again = Dense.from_config(layer.get_config())
        assert again.get_config() == layer.get_config()
        assert again.activity_regularizer.l1 == pytest.approx(0.01)

    def test_arguments_nobody_describes(self) -> None:
        class Mute(Layer):
            def __init__(self, function: Any, **kwargs: Any) -> None:
                super().__init__(**kwargs)

        with pytest.raises(NotImplementedError, match=r"Mute must implement get_config\(\).*funct"):
            Mute(print).get_config()

    def test_copies_stand_alone(self) -> None:
        block = Block()
        expected = block(X).numpy()
        for twin in (copy.deepcopy(block), pickle.loads(pickle.dumps(Dense(2)))):
            assert twin is not block
        twin = copy.deepcopy(block)
        block.shift.assign([5.0, 5.0])
        np.testing.assert_array_equal(twin(X).numpy(), expected)
        assert len(twin.weights) == 5


class TestErrors:
    @pytest.mark.parametrize(
        ("make", "sentence"),
        [
            (lambda: Dense(2, activaton="relu"), "has no argument 'activaton'.*'activation'"),
            (lambda: LSTM(2, return_sequence=True), "'return_sequence'.*'return_sequences'"),
            (lambda: Embedding(4, 2, maskzero=True), "'maskzero'.*'mask_zero'"),
            (lambda: Dropout(0.1, sed=1), "'sed'.*'seed'"),
        ],
    )
    def test_misspelt_arguments(self, make: Any, sentence: str) -> None:
        with pytest.raises(TypeError, match=sentence):
            make()

    @pytest.mark.parametrize("dtype", ["float64", "mixed_float16", "no such"])
    def test_other_dtypes(self, dtype: str) -> None:
        with pytest.raises(ValueError, match=f"dtype must be 'float32' or .*, not '{dtype}'"):
            Dense(2, dtype=dtype)

    @pytest.mark.parametrize("name", ["", 3, "a/b"])
    def test_names(self, name: Any) -> None:
        with pytest.raises(ValueError, match="name must be"):
            Dense(2, name=name)

    def test_inputs_of_another_shape(self) -> None:
        layer = Dense(2, name="mine")
        layer(X)
        with pytest.raises(ValueError, match="inputs of mine must have size 3 along axis -1, not"):
            layer(np.ones((2, 4)))
        with pytest.raises(ValueError, match="inputs of mine must have at least 2 axes, not 1"):
            layer(np.ones(3))

    @pytest.mark.parametrize(
        ("given", "shape"),
        [
            ({"input_shape": (3,)}, (3,)),
            ({"input_shape": (4, 3), "batch_size": 2}, (4, 3)),
            ({"batch_input_shape": (2, 4, 3)}, (4, 3)),
            ({"input_dim": 3}, (3,)),
            ({}, None),
        ],
    )
    def test_old_arguments_for_the_input_shape(self, given: Any, shape: Any) -> None:
        assert Dense(2, **given)._input_shape_arg == shape
